"""How an invoice is written, learned from one that is right by the schema: a pattern for others written like it.

Where the schema's declarations are given, the pattern is a narrow one: its holes take only values that certainly fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.validation.declared import Declared, Names
from gateway.validation.fields import LONGEST
from gateway.validation.meanings import BY_PARENT, LINE, UNKNOWABLE, Holds, Meaning
from gateway.validation.writing import Learned, UnlikeError, as_it_stands, blanks

TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[^\s<>/=\"'!?][^\s<>/=\"']*)(?P<attributes>(?:\s+[^\s<>/=\"']+=(?:\"[^\"<]*\"|'[^'<]*'))*)(?P<space>\s*)"
    r"(?P<empty>/?)>(?P<text>[^<]*)"
)
ATTRIBUTE = re.compile(r"(?P<space>\s+)(?P<name>[^\s=]+)=(?P<quote>[\"'])(?P<value>[^\"'<]*)(?P=quote)")
# A value as it stands: nothing in it means another character, and nothing of it is cut.
_TEXT = rf"[^<&\r]{{0,{LONGEST}}}"
_TEXT_ON_ONE_LINE = rf"[^<&\r\n]{{0,{LONGEST}}}"
_LONGEST = 20_000  # characters of an invoice to learn from


def learned(
    text: str, by_name: Mapping[str, Meaning], invoice: Meaning, declared: Declared | None = None
) -> tuple[Learned, list[Learned]] | None:
    """How one invoice and its lines are written; None where it is not written as stencils are made, or where it is not
    certain from what is `declared` which values fit."""
    try:
        return _Reader(by_name, invoice, declared).read(text) if len(text) <= _LONGEST else None
    except UnlikeError:
        return None


class _Reader:
    """Goes through the tags of one invoice. It is right by the schema: what it opens it closes."""

    def __init__(self, by_name: Mapping[str, Meaning], invoice: Meaning, declared: Declared | None) -> None:
        self._by_name, self._invoice, self._declared = by_name, invoice, declared
        self._open: list[str] = []  # local names
        self._tags: list[str] = []  # the same as they are written
        self._head = Learned("")
        self._lines: list[Learned] = []
        self._line_ends: int | None = None  # how many elements are open where the current line ends
        self._rest: list[str] = []  # what comes after the last line

    def read(self, text: str) -> tuple[Learned, list[Learned]]:
        at, tags = 0, []
        while found := TAG.match(text, at):
            tags.append(found)
            at = found.end()
        if at != len(text) or not tags:
            raise UnlikeError
        for found, following in zip(tags, [*tags[1:], None], strict=True):
            if found["end"]:
                self._end(found)
            else:
                self._start(found, leaf=following is not None and bool(following["end"]))
        if self._open:
            raise UnlikeError
        self._head.rest = "".join(self._rest)
        return self._head, self._lines

    def _start(self, found: re.Match[str], *, leaf: bool) -> None:
        name = found["name"].rpartition(":")[2]
        meaning, path = self._meaning(name), (*self._open, name)
        again = not self._open and bool(self._head.tag)
        if again or not self._may_stand(path, empty=bool(found["empty"])):
            raise UnlikeError  # a second invoice; or what may stand here is not said by one declaration
        if not self._open and "\n" in found["attributes"] + found["space"]:
            raise UnlikeError
        if meaning.begins == LINE:
            if self._line_ends is not None or self._rest:
                raise UnlikeError
            self._line(Learned(found["name"], place=(*self._tags, found["name"])))
            self._line_ends = len(self._open)
        elif self._lines and self._line_ends is None:
            raise UnlikeError  # lines end the invoice
        self._head.tag = self._head.tag or found["name"]
        part = self._head if self._line_ends is None else self._lines[-1]
        holders = [h for h in (meaning.own, meaning.line) if h is not None]
        part.put(f"<{found['name']}")
        self._attributes(found["attributes"], part, meaning, path)
        part.put(f"{found['space']}{found['empty']}>")
        if any(h.text for h in holders):
            self._text(found, part, meaning, path, leaf=leaf or bool(found["empty"]))
        elif leaf and not found["empty"]:
            part.put_text(*self._fitting(path, "[^<]*", r"[^<\n]*"), wanted=False)
        if found["empty"]:
            self._close(part, found["text"])
        else:
            self._open.append(name)
            self._tags.append(found["name"])
            if not leaf:
                part.put(found["text"], blank=True)

    def _may_stand(self, path: Names, *, empty: bool) -> bool:
        """Whether one declaration says what stands here; of an empty element, that nothing in it certainly fits."""
        declared = self._declared
        return declared is None or (declared.knows(path) and (not empty or declared.may_be_empty(path)))

    def _line(self, line: Learned) -> None:
        self._head.place = self._head.place or line.place
        if self._declared is not None and line.place != self._head.place:
            raise UnlikeError
        self._lines.append(line)

    def _end(self, found: re.Match[str]) -> None:
        if not self._open or found["attributes"]:
            raise UnlikeError
        self._open.pop()
        self._tags.pop()
        tag = found[0].removesuffix(found["text"]) if found["text"] else found[0]
        if self._lines and self._line_ends is None:
            self._head.closing = self._head.closing or tag
            self._rest.append(re.escape(tag) + blanks(found["text"]))
            return
        part = self._head if self._line_ends is None else self._lines[-1]
        part.put(tag)
        part.put(found["text"], blank=True)
        if len(self._open) == self._line_ends:
            self._line_ends = None

    def _close(self, part: Learned, after: str) -> None:
        """An empty element closes itself."""
        part.put(after, blank=True)
        if len(self._open) == self._line_ends:
            self._line_ends = None

    def _meaning(self, name: str) -> Meaning:
        meaning = self._by_name.get(name, Meaning()) if self._open else self._invoice
        if meaning.begins == BY_PARENT and meaning.by_parent is not None:
            meaning = meaning.by_parent.get(self._open[-1], Meaning(UNKNOWABLE))
        if meaning.begins == UNKNOWABLE:
            raise UnlikeError
        return meaning

    def _text(self, found: re.Match[str], part: Learned, meaning: Meaning, path: Names, *, leaf: bool) -> None:
        if not leaf:
            raise UnlikeError
        for holds, noted in self._wanted(part, meaning):
            noted += [(of, part.holes) for of in holds.text]
        part.put_text(*(("", "") if found["empty"] else self._fitting(path, _TEXT, _TEXT_ON_ONE_LINE)), wanted=True)

    def _fitting(self, path: Names, pattern: str, exact: str) -> tuple[str, str]:
        """The patterns of a text: those given, or one of what certainly fits."""
        if self._declared is None:
            return pattern, exact
        fit = self._declared.text(path)
        if fit is None:
            raise UnlikeError
        return fit, fit

    def _wanted(self, part: Learned, meaning: Meaning) -> list[tuple[Holds, list[tuple[str, int]]]]:
        """What an element holds, and where the part notes it."""
        if part is self._head:
            return [(meaning.own, part.own)] if meaning.own is not None else []
        both = ((meaning.own, part.invoice), (meaning.line, part.own))
        return [(holds, noted) for holds, noted in both if holds is not None]

    def _attributes(self, written: str, part: Learned, meaning: Meaning, path: Names) -> None:
        there: dict[str, int] = {}
        wanted = self._wanted(part, meaning)
        names = {a for holds, _ in wanted for a, _ in holds.attributes}
        names |= {a for holds, _ in wanted for _, several in holds.joined for a in several}
        attributes = list(ATTRIBUTE.finditer(written))
        if "".join([found[0] for found in attributes]) != written:
            raise UnlikeError  # one of them is written in a way that is not read here
        for found in attributes:
            name = found["name"]
            if name == "xmlns" or name.startswith("xmlns:") or name.endswith(":type"):
                raise UnlikeError  # tags would mean something else, or hold it
            if name in names:
                there[name] = part.holes
            self._attribute(found, part, path, wanted=name in names)
        for holds, noted in wanted:
            noted += [(of, there[name]) for name, of in holds.attributes if name in there]
            for joined, several in holds.joined:
                if all(name in there for name in several):
                    self._join(part, noted, joined, [there[name] for name in several])

    def _attribute(self, found: re.Match[str], part: Learned, path: Names, *, wanted: bool) -> None:
        quote = found["quote"]
        if self._declared is not None:
            fit = self._declared.attribute(path, found["name"], quote)
            if fit is None:
                raise UnlikeError
            part.put_attribute(found, fit.pattern, fit.pattern, wanted=wanted, required=fit.required)
        elif wanted:
            value = as_it_stands(quote)
            part.put_attribute(found, value, value, wanted=True)
        else:
            loose = f"[^{quote}<]*" if self._open else rf"[^{quote}<\n]*"
            part.put_attribute(found, loose, rf"[^{quote}<\n]*", wanted=False)

    def _join(self, part: Learned, noted: list[tuple[str, int]], joined: str, holes: list[int]) -> None:
        if noted is not part.own:
            raise UnlikeError
        part.joins.append((joined, holes))
