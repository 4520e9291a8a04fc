"""What a splitter hands out: invoices out of their document, one by one or in whole chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.validation.broken import Broken
from gateway.validation.findings import Place
from gateway.validation.schema import Wrong
from gateway.validation.shapes import Row
from gateway.validation.tree import local
from gateway.xmlsafe import Element

LAST_KNOWN_LINE = 65_535


@dataclass(frozen=True, slots=True)
class Piece:
    """One invoice, out of its document."""

    element: Element
    ordinal: int  # from 1, in the document
    place: Place
    line: int
    plain: bool = False  # if the schema finds it right, it holds what the schema's outline says (`flat`)


@dataclass(slots=True)
class InvoiceList:
    """One element that holds invoices, while they pass."""

    element: Element
    place: Place
    slot: int | None = None  # where among the children that stayed the invoices stood
    taken: int = 0
    seen: int = 0  # children that stayed and were looked at
    last: Element | None = None  # of those
    names: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Chunk:
    """Invoices cut from the bytes as one block, below a copy of what stands above them: all that `holder` holds.
    `taken`: they are of one name, the schema finds nothing wrong with them but what is in `broken`, and these are
    their fields, as far as they are known."""

    parsed: Element | Callable[[], Element]  # the holder; of what is certainly right it is made when it is asked for
    taken: Sequence[Row | None] | None
    lines_above: int  # line breaks in the copy, before the first invoice
    plain: bool  # each of them, as `Piece` has it
    ordinal: int = 0  # of the first invoice, from 1, in the document
    number: int = 0  # of the first invoice, among the children of its list
    nth: int = 0  # of the first invoice, among those of its name, from 1
    lines_before: int = 0  # line breaks in the document, before the chunk
    lines: int = 0  # line breaks in it
    place: Place | None = None  # of the list
    broken: Mapping[int, Sequence[Broken]] = field(default_factory=dict)  # by the places of invoices in the list
    likewise: Mapping[int, Sequence[Wrong]] = field(default_factory=dict)  # the same where libxml2 was not asked
    known_tag: str = ""  # of the invoices, where it is known without the holder
    apart: Mapping[int, Element | Callable[[], Element]] = field(default_factory=dict)  # invoices by themselves
    runs: Sequence[tuple[int, int]] = ()  # its parts, where some stand apart: bytes, invoices

    @property
    def holder(self) -> Element:
        """The list of the invoices, in the copy."""
        if callable(self.parsed):
            self.parsed = self.parsed()
        return self.parsed

    @property
    def tag(self) -> str:
        """Of the first invoice, in Clark notation."""
        return self.known_tag or self.holder[0].tag

    @property
    def only_values_are_wrong(self) -> bool:
        """Whether libxml2 found nothing wrong in what it judged but values."""
        return all(one.of_value for found in self.broken.values() for one in found)

    def __len__(self) -> int:
        return len(self.taken) if self.taken is not None else len(self.holder)

    def line(self, written: int) -> int:
        """A line of the copy, as one of the document."""
        return written - self.lines_above + self.lines_before

    def element(self, index: int) -> Element:
        """One of its invoices: the one that was judged."""
        apart = self.apart.get(index)
        if apart is None:
            return self.holder[index]
        return apart() if callable(apart) else apart

    def piece(self, index: int) -> Piece:
        """One of its invoices, when all have one name."""
        element = self.element(index)
        return Piece(element, self.ordinal + index, self.place_of(index), self.line(line_of(element)), self.plain)

    def place_of(self, index: int) -> Place:
        """Where one of its invoices stands, when all have one name."""
        assert self.place is not None
        path = f"{self.place.path}/{local(self.tag)}[{self.nth + index}]"
        return Place((*self.place.address, self.number + index), path)


def line_of(element: Element) -> int:
    """The line of the start tag. Beyond line 65,535 libxml2 only knows where the text in the element ends."""
    line = element.sourceline
    if not isinstance(line, int):
        return 0
    return line - (element.text or "").count("\n") if line > LAST_KNOWN_LINE else line
