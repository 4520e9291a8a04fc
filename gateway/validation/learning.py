"""How an invoice is written, learned from one that is right by the schema: a pattern for others written like it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.validation.meanings import BY_PARENT, LINE, UNKNOWABLE, Holds, Meaning

TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[^\s<>/=\"']+)(?P<attributes>(?:\s+[^\s<>/=\"']+=(?:\"[^\"<]*\"|'[^'<]*'))*)(?P<space>\s*)"
    r"(?P<empty>/?)>(?P<text>[^<]*)"
)
ATTRIBUTE = re.compile(r"(?P<space>\s+)(?P<name>[^\s=]+)=(?P<quote>[\"'])(?P<value>[^\"'<]*)(?P=quote)")
_BLANK = r"[ \t\r\n]*"
_TEXT = r"[^<&\r]*"  # a value as it stands: nothing in it means another character
_LONGEST = 20_000  # characters of an invoice to learn from


class Atom(NamedTuple):
    """A bit of a part exactly as it is written: a tag, an attribute, a text, the blanks between tags (`templates`)."""

    key: str  # what it is, in its part
    pattern: str  # with one group where it has a hole
    lines: int  # line breaks in it
    hole: int | None = None  # its number in the part
    attribute: bool = False
    blank: bool = False


@dataclass(slots=True)
class Learned:
    """The pattern of an invoice up to its first line, or of one line. Its holes are numbered from 0."""

    tag: str  # of the invoice, or of the line, as written
    pattern: str = ""
    holes: int = 0
    own: list[tuple[str, int]] = field(default_factory=list)  # fields of the part, and their holes
    joins: list[tuple[str, list[int]]] = field(default_factory=list)  # fields of several holes
    invoice: list[tuple[str, int]] = field(default_factory=list)  # fields of the invoice, in a line
    closing: str = ""  # what the text goes on with after the last line
    rest: str = ""  # the pattern of that
    atoms: list[Atom] = field(default_factory=list)  # the pattern again, bit by bit and more exactly
    steps: int = 0  # those of them that are no attributes

    def put(self, written: str, *, blank: bool = False) -> None:
        """Go on with what is always written like this."""
        self.pattern += _blank(written) if blank else re.escape(written)
        self._put(re.escape(written), written.count("\n"), blank=blank)

    def put_text(self, pattern: str, exact: str, *, wanted: bool) -> None:
        """Go on with the text of an element."""
        self.pattern += f"({pattern})" if wanted else pattern
        self._put(f"({exact})" if wanted else exact, hole=self.holes if wanted else None)
        self.holes += wanted

    def put_attribute(self, found: re.Match[str], pattern: str, exact: str, *, wanted: bool) -> None:
        """Go on with an attribute. The first tag stands on one line: its last one counts as the invoice's."""
        blanks = r"[ \t]+" if self.steps == 1 else r"[ \t\r\n]+"
        name, quote, hole = re.escape(found["name"]), found["quote"], self.holes if wanted else None
        pattern, exact = (f"({pattern})", f"({exact})") if wanted else (pattern, exact)
        self.pattern += f"{blanks}{name}={quote}{pattern}{quote}"
        exactly = f"{re.escape(found['space'])}{name}={quote}{exact}{quote}"
        key, lines = f"{self.steps}@{found['name']}", found["space"].count("\n")
        self.atoms.append(Atom(key, exactly, lines, hole, attribute=True))
        self.holes += wanted

    def _put(self, pattern: str, lines: int = 0, hole: int | None = None, *, blank: bool = False) -> None:
        self.atoms.append(Atom(str(self.steps), pattern, lines, hole, blank=blank))
        self.steps += 1

    @property
    def written(self) -> tuple[str, str]:
        """Two parts for which this is the same are written the same."""
        return self.pattern, self.rest


class _UnlikeError(Exception):
    """It is not written as stencils are made."""


def learned(text: str, by_name: Mapping[str, Meaning], invoice: Meaning) -> tuple[Learned, list[Learned]] | None:
    """How one invoice and its lines are written; None where it is not written as stencils are made."""
    try:
        return _Reader(by_name, invoice).read(text) if len(text) <= _LONGEST else None
    except _UnlikeError:
        return None


class _Reader:
    """Goes through the tags of one invoice. It is right by the schema: what it opens it closes."""

    def __init__(self, by_name: Mapping[str, Meaning], invoice: Meaning) -> None:
        self._by_name, self._invoice = by_name, invoice
        self._open: list[str] = []  # local names
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
            raise _UnlikeError
        for found, following in zip(tags, [*tags[1:], None], strict=True):
            if found["end"]:
                self._end(found)
            else:
                self._start(found, leaf=following is not None and bool(following["end"]))
        if self._open:
            raise _UnlikeError
        self._head.rest = "".join(self._rest)
        return self._head, self._lines

    def _start(self, found: re.Match[str], *, leaf: bool) -> None:
        meaning = self._meaning(found["name"].rpartition(":")[2])
        if not self._open and "\n" in found["attributes"] + found["space"]:
            raise _UnlikeError
        if meaning.begins == LINE:
            if self._line_ends is not None or self._rest:
                raise _UnlikeError
            self._lines.append(Learned(found["name"]))
            self._line_ends = len(self._open)
        elif self._lines and self._line_ends is None:
            raise _UnlikeError  # lines end the invoice
        self._head.tag = self._head.tag or found["name"]
        part = self._head if self._line_ends is None else self._lines[-1]
        holders = [h for h in (meaning.own, meaning.line) if h is not None]
        part.put(f"<{found['name']}")
        self._attributes(found["attributes"], part, meaning)
        part.put(f"{found['space']}{found['empty']}>")
        if any(h.text for h in holders):
            self._text(found, part, meaning, leaf=leaf or bool(found["empty"]))
        elif leaf and not found["empty"]:
            part.put_text("[^<]*", r"[^<\n]*", wanted=False)
        if found["empty"]:
            self._close(part, found["text"])
        else:
            self._open.append(found["name"].rpartition(":")[2])
            if not leaf:
                part.put(found["text"], blank=True)

    def _end(self, found: re.Match[str]) -> None:
        if not self._open or found["attributes"]:
            raise _UnlikeError
        self._open.pop()
        tag = found[0].removesuffix(found["text"]) if found["text"] else found[0]
        if self._lines and self._line_ends is None:
            self._head.closing = self._head.closing or tag
            self._rest.append(re.escape(tag) + _blank(found["text"]))
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
            meaning = meaning.by_parent[self._open[-1]]
        if meaning.begins == UNKNOWABLE:
            raise _UnlikeError
        return meaning

    def _text(self, found: re.Match[str], part: Learned, meaning: Meaning, *, leaf: bool) -> None:
        if not leaf:
            raise _UnlikeError
        for holds, noted in self._wanted(part, meaning):
            noted += [(of, part.holes) for of in holds.text]
        part.put_text(*(("", "") if found["empty"] else (_TEXT, r"[^<&\r\n]*")), wanted=True)

    def _wanted(self, part: Learned, meaning: Meaning) -> list[tuple[Holds, list[tuple[str, int]]]]:
        """What an element holds, and where the part notes it."""
        if part is self._head:
            return [(meaning.own, part.own)] if meaning.own is not None else []
        both = ((meaning.own, part.invoice), (meaning.line, part.own))
        return [(holds, noted) for holds, noted in both if holds is not None]

    def _attributes(self, written: str, part: Learned, meaning: Meaning) -> None:
        there: dict[str, int] = {}
        wanted = self._wanted(part, meaning)
        names = {a for holds, _ in wanted for a, _ in holds.attributes}
        names |= {a for holds, _ in wanted for _, several in holds.joined for a in several}
        for found in ATTRIBUTE.finditer(written):
            quote, name = found["quote"], found["name"]
            if name == "xmlns" or name.startswith("xmlns:") or name.endswith(":type"):
                raise _UnlikeError  # tags would mean something else, or hold it
            if name in names:
                there[name] = part.holes
                value = rf"[^{quote}<&\t\r\n]*"
                part.put_attribute(found, value, value, wanted=True)
            else:
                loose = f"[^{quote}<]*" if self._open else rf"[^{quote}<\n]*"
                part.put_attribute(found, loose, rf"[^{quote}<\n]*", wanted=False)
        for holds, noted in wanted:
            noted += [(of, there[name]) for name, of in holds.attributes if name in there]
            for joined, several in holds.joined:
                if all(name in there for name in several):
                    self._join(part, noted, joined, [there[name] for name in several])

    def _join(self, part: Learned, noted: list[tuple[str, int]], joined: str, holes: list[int]) -> None:
        if noted is not part.own:
            raise _UnlikeError
        part.joins.append((joined, holes))


def _blank(text: str) -> str:
    """What stands between tags: blanks, where it is nothing else."""
    if text.strip(" \t\r\n"):
        raise _UnlikeError
    return _BLANK
