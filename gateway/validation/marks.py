"""Where the blocks of a large document stand, so that only those with findings are read again for their places."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from gateway import xmlsafe
from gateway.validation.findings import Address, LineColumn
from gateway.validation.positions import EnoughError, Finder

_ABOVE = b"<b>"  # stands for what is open above the invoices of a block


@dataclass(frozen=True, slots=True)
class Mark:
    """One block of whole invoices: its bytes, where it begins, and the child numbers it holds."""

    offset: int
    size: int
    start: LineColumn
    number: int
    invoices: int


@dataclass(slots=True)
class Marks:
    """The blocks of one document, in UTF-8, in their order."""

    above: Address = ()  # of the list
    blocks: list[Mark] = field(default_factory=list)
    _offset: int = 0
    _line: int = 1
    _column: int = 1
    _sound: bool = True

    def pass_over(self, data: bytes, above: Address, number: int, invoices: int) -> int:
        """Hear of bytes in their order; of a block of whole invoices (their number is not 0) note where it is. Gives
        the line breaks in them."""
        if invoices and self._sound:
            self.above = above
            self.blocks.append(Mark(self._offset, len(data), (self._line, self._column), number, invoices))
        self._offset += len(data)
        lines = data.count(b"\n")
        # expat takes a line break of one CR for one, which is not counted here
        self._sound &= b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
        rest = len(data[data.rfind(b"\n") + 1 :].decode("utf-8", "replace"))
        self._line, self._column = self._line + lines, (1 if lines else self._column) + rest
        return lines

    def locate(self, source: BinaryIO, wanted: Collection[Address]) -> dict[Address, LineColumn]:
        """The places of those elements that stand in a block."""
        if not self._sound or not self.blocks:
            return {}
        numbers, depth = [mark.number for mark in self.blocks], len(self.above)
        by_block: dict[int, set[Address]] = {}
        for address in wanted:
            if len(address) > depth and address[:depth] == self.above:
                place = bisect_right(numbers, address[depth]) - 1
                if place >= 0 and address[depth] < numbers[place] + self.blocks[place].invoices:
                    by_block.setdefault(place, set()).add(address)
        found: dict[Address, LineColumn] = {}
        for place in sorted(by_block):
            found.update(self._in(source, self.blocks[place], by_block[place]))
        return found

    def _in(self, source: BinaryIO, mark: Mark, wanted: Collection[Address]) -> dict[Address, LineColumn]:
        depth = len(self.above)
        inside = {(address[depth] - mark.number, *address[depth + 1 :]): address for address in wanted}
        parser = xmlsafe.positions("utf-8")
        finder = Finder(parser, inside, marked=False, to_the_end=False)
        source.seek(mark.offset)
        with suppress(EnoughError):
            parser.Parse(_ABOVE + source.read(mark.size), False)
        line, column = mark.start
        return {
            inside[address]: (line + at[0] - 1, at[1] + (column - 1 - len(_ABOVE) if at[0] == 1 else 0))
            for address, at in finder.found.items()
        }
