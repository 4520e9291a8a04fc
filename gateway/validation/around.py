"""How what stands around the invoices of a document is written: a pattern for other documents written like it.

Declaration, tags, names of attributes and the blanks between tags are as they were; each value is a hole. Values of
attributes with a prefix (namespaces, schemaLocation) stay as they were too: what tags mean depends on them. A second
pattern, with narrower holes, takes only values that certainly fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lxml import etree

from gateway import xmlsafe
from gateway.validation.declared import Declared
from gateway.validation.fields import Values
from gateway.validation.learning import ATTRIBUTE, TAG
from gateway.validation.writing import as_it_stands
from gateway.xmlsafe import Element

_BEGINS = re.compile(r"(?:<\?xml [^<>]*\?>)?[ \t\r\n]*(?=<)")
_ENDS = r"(?:</[^\s<>/]+[ \t]*>[ \t\r\n]*){%d}"
_BLANK = " \t\r\n"
_HOLE = re.compile(r"hole(\d+)")
Joins = Sequence[tuple[str, Sequence[Sequence[int]]]]  # field, and for each of its values the holes it is joined of


@dataclass(frozen=True, slots=True)
class Around:
    """One way of writing it. `begins` takes all that comes before the invoices, `ends` is what comes after them."""

    begins: re.Pattern[str]
    narrow: re.Pattern[str] | None  # the same; None where it is not certain which values fit
    ends: str
    lines: int  # line breaks before the invoices
    whole: Sequence[tuple[str, int]]  # fields that are one hole
    joined: Joins  # all others

    def head(self, holes: Sequence[str]) -> Values:
        """The document's own fields."""
        head = {name: [holes[hole]] for name, hole in self.whole}
        for name, values in self.joined:
            head[name] = ["-".join([holes[hole] for hole in one]) for one in values]
        return head


class _UnlikeError(Exception):
    """It is not written so that it could be learned."""


def learned(text: str, trail: Sequence[int], fields: Callable[[Element], Values], declared: Declared) -> Around | None:
    """How all around the invoices of a document is written; None where it is too odd. The document is well-formed, and
    ends with its list of invoices, which has some, to which `trail` leads: child numbers from the root on. `fields`
    takes what the document says of itself; `declared` by the schema: what stands around invoices."""
    try:
        return _Reader(text, trail, declared).read(fields)
    except (_UnlikeError, etree.XMLSyntaxError):
        return None


class _Reader:
    def __init__(self, text: str, trail: Sequence[int], declared: Declared) -> None:
        self._text, self._trail, self._declared = text, list(trail), declared
        self._pattern = self._marked = ""  # the beginning, with holes; the same, with a mark in each of them
        self._narrow: str | None = ""
        self._holes = 0
        self._names: list[str] = []  # of what is open, local

    def read(self, fields: Callable[[Element], Values]) -> Around:
        at = self._before()
        ends = self._after()
        found = fields(xmlsafe.parse((self._marked + ends).encode()))
        joins = {name: [_joined(value) for value in values] for name, values in found.items()}
        whole = [(name, values[0][0]) for name, values in joins.items() if list(map(len, values)) == [1]]
        joined = [(name, values) for name, values in joins.items() if list(map(len, values)) != [1]]
        narrow = re.compile(self._narrow) if self._narrow is not None else None
        made = Around(re.compile(self._pattern), narrow, ends, self._text.count("\n", 0, at), whole, joined)
        own = made.begins.match(self._text)
        if own is None or own.end() != at:
            raise _UnlikeError
        return made

    def _before(self) -> int:
        """Up to the first invoice; where that begins."""
        begins = _BEGINS.match(self._text)
        if begins is None:
            raise _UnlikeError
        self._put(begins[0])
        path: list[int] = []  # child numbers of what is open
        children: list[int] = []  # of each open element, as many as were opened
        at, tag = begins.end(), self._tag(begins.end())
        while tag["end"] or len(children) <= len(self._trail) or path != self._trail:
            at = tag.end()
            following = self._tag(at)
            if tag["end"]:
                self._put(tag[0].removesuffix(tag["text"]))
                path, children = path[:-1], children[:-1]
                self._names.pop()
            else:
                path, children = [*path, *children[-1:]], [*children[:-1], *[n + 1 for n in children[-1:]], 0]
                self._start(tag)
            if tag["empty"]:
                path, children = path[:-1], children[:-1]
                self._names.pop()
            self._between(tag, leaf=not (tag["end"] or tag["empty"]) and bool(following["end"]))
            tag = following
        return at

    def _tag(self, at: int) -> re.Match[str]:
        found = TAG.match(self._text, at)
        if found is None:
            raise _UnlikeError
        return found

    def _start(self, tag: re.Match[str]) -> None:
        self._put(f"<{tag['name']}")
        self._names.append(tag["name"].rpartition(":")[2])
        self._narrow = self._narrow if self._declared.knows(tuple(self._names)) else None
        for one in ATTRIBUTE.finditer(tag["attributes"]):
            self._put(f"{one['space']}{one['name']}={one['quote']}")
            if one["name"] == "xmlns" or ":" in one["name"]:
                self._put(one["value"])
                self._narrow = None if one["name"].endswith(":nil") else self._narrow
            else:
                fit = self._declared.attribute(tuple(self._names), one["name"], one["quote"])
                self._hole(one["quote"], fit.pattern if fit is not None else None)
            self._put(one["quote"])
        self._put(f"{tag['space']}{tag['empty']}>")

    def _between(self, tag: re.Match[str], *, leaf: bool) -> None:
        """What comes after a tag."""
        if leaf:
            self._hole("", self._declared.text(tuple(self._names)))
        elif tag["text"].strip(_BLANK):
            raise _UnlikeError
        else:
            self._put(tag["text"])

    def _after(self) -> str:
        """From the end of the list of invoices on, where nothing but ends is there."""
        at = len(self._text)
        for _ in range(len(self._trail) + 1):
            at = self._text.rfind("</", 0, at)
        if at < 0 or not re.fullmatch(_ENDS % (len(self._trail) + 1), self._text[at:]):
            raise _UnlikeError
        return self._text[at:]

    def _put(self, written: str) -> None:
        self._pattern += re.escape(written)
        self._narrow = self._narrow + re.escape(written) if self._narrow is not None else None
        self._marked += written

    def _hole(self, quote: str, fitting: str | None) -> None:
        """A value; `fitting`: the pattern of what certainly fits there."""
        self._pattern += f"({as_it_stands(quote)})"
        self._narrow = f"{self._narrow}({fitting})" if self._narrow is not None and fitting is not None else None
        self._marked += f"hole{self._holes}"
        self._holes += 1


def _joined(marked: str) -> Sequence[int]:
    """The holes that a value is made of."""
    found = [_HOLE.fullmatch(part) for part in marked.split("-")]
    if None in found:
        raise _UnlikeError
    return [int(one[1]) for one in found if one is not None]
