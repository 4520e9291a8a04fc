"""Ways of writing small documents, as far as a thread knows them (`familiar`)."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.catalog import Catalog, DocumentType
from gateway.validation.around import Around
from gateway.validation.encoding import Encoding
from gateway.validation.findings import Place
from gateway.validation.flat import Flat
from gateway.validation.limits import Limits

_MOST = 16  # of what is around invoices, in each thread
CREDIT = 30  # documents to learn from without one that is familiar: it takes longer than judging several


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing documents of one type, within limits."""

    around: Around
    document: DocumentType
    root: str  # Clark notation
    encoding: Encoding
    limits: Limits
    size: int  # bytes with which none of the limits can be passed
    elements: int  # the most there may be
    trail: Sequence[int]  # child numbers that lead from the root to the list of invoices
    place: Place  # of that list
    tag: str  # of its invoices, in Clark notation
    written: str  # the same as it is written
    # How invoices were built that were right, by the schema as it was then.
    trusted: dict[Flat, set[Hashable]] = field(default_factory=dict, compare=False)

    def is_of(self, catalog: Catalog, on: date | None, limits: Limits) -> bool:
        """Whether a document of this way is of its type, here and today, whatever it says itself."""
        if limits is not self.limits and limits != self.limits:
            return False
        versions = catalog.candidates(self.root)
        if len(versions) == 1:
            return versions[0] is self.document
        if len([one for one in versions if one.role == "request"]) > 1:
            return False  # dates of service decide, invoice by invoice (`versions`)
        return catalog.recognise(self.root, None, on) is self.document

    def is_like(self, other: Way) -> bool:
        """Whether both are the same, but for what is trusted."""
        around = self.around.begins, self.around.ends
        both = around == (other.around.begins, other.around.ends) and self.limits == other.limits
        return both and self.document is other.document


class Ways(threading.local):
    """Those of one thread, used last first."""

    def __init__(self) -> None:
        self.known: list[Way] = []
        self.credit = CREDIT

    def keep(self, way: Way) -> None:
        """Use it for documents to come, if it is new."""
        if not any(map(way.is_like, self.known)):
            del self.known[_MOST - 1 :]
            self.known.insert(0, way)

    def forget(self) -> None:
        """Begin anew, in this thread."""
        self.known.clear()
        self.credit = CREDIT


ways = Ways()
