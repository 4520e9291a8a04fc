"""Line and column of start tags: a second, bare pass over a document that has findings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.parsers import expat

from gateway import xmlsafe
from gateway.validation.encoding import Encoding
from gateway.validation.findings import Address, LineColumn
from gateway.validation.syntax import unless_out_of_memory

BLOCK = 1 << 16
Branch = dict[Any, Any]  # child number → branch; WANTED → the address to note
WANTED = "wanted"


@dataclass(frozen=True, slots=True)
class Located:
    """What the pass saw. `broken` is where the document stops being well-formed, with expat's error number."""

    positions: dict[Address, LineColumn] = field(default_factory=dict)
    broken: tuple[LineColumn, int] | None = None


class EnoughError(Exception):
    """Every wanted element was seen."""


def locate(source: BinaryIO, wanted: Collection[Address], encoding: Encoding, *, to_the_end: bool = False) -> Located:
    """Find the wanted elements; stop at the last of them, or go on `to_the_end` to see where the document breaks."""
    source.seek(0)
    parser = xmlsafe.positions(encoding.override)
    finder = Finder(parser, wanted, encoding.marked, to_the_end)
    try:
        while block := source.read(BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except EnoughError:
        pass
    except expat.ExpatError as error:
        unless_out_of_memory(error.code)
        return Located(finder.found, (finder.seen_at(error.lineno, error.offset), error.code))
    return Located(finder.found)


class Finder:
    """Follows the wanted branches of the tree and only counts elsewhere."""

    def __init__(
        self, parser: expat.XMLParserType, wanted: Collection[Address], marked: bool, to_the_end: bool
    ) -> None:
        self.found: dict[Address, LineColumn] = {}
        self._parser, self._marked = parser, marked
        self._left = -1 if to_the_end else len(set(wanted))
        self._branches: list[Branch] = [{0: _branches(wanted)}]
        self._next = [0]
        self._blind = 0  # depth inside an element that nobody asked about
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end

    def seen_at(self, line: int, offset: int) -> LineColumn:
        """expat counts columns from 0, and the byte order mark as one."""
        return line, offset + (0 if line == 1 and self._marked else 1)

    def _start(self, _name: str, _attributes: dict[str, str]) -> None:
        if self._blind:
            self._blind += 1
            return
        number = self._next[-1]
        self._next[-1] = number + 1
        branch = self._branches[-1].get(number)
        if branch is None:
            self._blind = 1
            return
        self._branches.append(branch)
        self._next.append(0)
        if WANTED in branch:
            self._note(branch[WANTED])

    def _note(self, address: Address) -> None:
        self.found[address] = self.seen_at(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)
        self._left -= 1
        if self._left == 0:
            raise EnoughError

    def _end(self, _name: str) -> None:
        if self._blind:
            self._blind -= 1
        else:
            self._branches.pop()
            self._next.pop()


def _branches(wanted: Collection[Address]) -> Branch:
    root: Branch = {}
    for address in wanted:
        branch = root
        for number in address:
            branch = branch.setdefault(number, {})
        branch[WANTED] = address
    return root
