"""Findings in the making: where, what, and in which words, before anyone knows line and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.messages import Both, both
from gateway.report import LISTED, Finding, InvoiceRef, refuses

Address = tuple[int, ...]  # child numbers from 0, element by element, from the root; the root itself is ()
LineColumn = tuple[int, int]  # both from 1
Positions = Mapping[Address, LineColumn]


@dataclass(frozen=True, slots=True)
class Place:
    """An element of the document: its address, and its path as people read it."""

    address: Address
    path: str


@dataclass(frozen=True, slots=True)
class OfInvoice:
    """The invoice a finding is about."""

    number: str | None
    ordinal: int  # from 1
    address: Address
    line: int


@dataclass(slots=True)
class Draft:
    """A finding whose line and column are not known yet."""

    code: str
    message: Both
    next: Both
    severity: str = "error"
    authority: str = "ours"
    letter: str | None = None
    place: Place | None = None
    invoice: OfInvoice | None = None
    at: LineColumn | None = None  # known without a second pass
    details: Callable[[Draft], None] | None = None  # fills in words and place, only when the finding is listed

    @property
    def refuses(self) -> bool:
        return refuses(self.severity, self.authority, self.code)

    def detail(self) -> Draft:
        """Fill in what was left for later; the elements it speaks of are gone afterwards."""
        if self.details is not None:
            self.details(self)
            self.details = None
        return self

    def finish(self, positions: Positions) -> Finding:
        """The finding, with the positions a second pass found."""
        line, column = self.at or (positions.get(self.place.address) if self.place else None) or (None, None)
        path = self.place.path if self.place else None
        who = self.invoice
        of = InvoiceRef(who.number, who.ordinal, positions.get(who.address, (who.line, 1))[0]) if who else None
        said = dict(self.message), dict(self.next), self.letter
        return Finding(self.code, self.severity, self.authority, line, column, path, of, *said)


def built_in(code: str, key: str, /, *, authority: str = "ours", severity: str = "error", **values: object) -> Draft:
    """A finding of the guard or the engine; `key` names its sentences in locales/validation.toml."""
    return Draft(
        code,
        both(f"validation.{key}", **values),
        both(f"validation.{key}_next", **values),
        severity=severity,
        authority=authority,
    )


class Room:
    """At most LISTED findings. When it is full the heavier ones stay: the first error of each code, what refuses,
    errors, warnings, the rest; of the same weight the earlier ones. Memory stays bounded."""

    def __init__(self) -> None:
        self.drafts: list[tuple[int, Draft]] = []
        self._codes: set[str] = set()  # of errors
        self._lightest = 0  # weight of the one that would leave first, when the room is full

    def is_full_for(self, severity: str, authority: str, code: str) -> bool:
        """Whether such a finding would not stay."""
        if len(self.drafts) < LISTED:
            return False
        return self._weight(severity, authority, code) >= self._lightest

    def add(self, draft: Draft) -> None:
        weight = self._weight(draft.severity, draft.authority, draft.code)
        if draft.severity == "error":
            self._codes.add(draft.code)
        if len(self.drafts) >= LISTED:
            if weight >= self._lightest:
                return
            leaving = max(range(LISTED), key=lambda place: (self.drafts[place][0], place))
            del self.drafts[leaving]
        self.drafts.append((weight, draft.detail()))
        if len(self.drafts) == LISTED:
            self._lightest = max(weight for weight, _ in self.drafts)

    def _weight(self, severity: str, authority: str, code: str) -> int:
        """From 0, the heaviest."""
        if severity != "error":
            return 3 if severity == "warning" else 4
        if code not in self._codes:
            return 0
        return 1 if refuses(severity, authority, code) else 2


@dataclass(slots=True)
class Findings:
    """All findings of one document: the weightiest ones in full, the rest as a number."""

    document: Room = field(default_factory=Room)  # about the document as a whole
    invoices: Room = field(default_factory=Room)
    total: int = 0
    invalid: bool = False

    def add(self, draft: Draft) -> None:
        self.total += 1
        self.invalid |= draft.severity == "error"
        (self.document if draft.invoice is None else self.invoices).add(draft)

    def only_counted(self, severity: str, authority: str, code: str, _ordinal: int, /) -> bool:
        """Count a finding about an invoice, where there is no room to list it; whether that was so. Else it is to be
        added."""
        if not self.invoices.is_full_for(severity, authority, code):
            return False
        self.total += 1
        self.invalid |= severity == "error"
        return True

    def put_first(self, draft: Draft) -> None:
        """An error that is told before all others, known only at the end."""
        self.total, self.invalid = self.total + 1, True
        self.document.drafts.insert(0, (0, draft))

    def listed(self) -> list[Draft]:
        """At most LISTED, the document's own first."""
        chosen = [*self.document.drafts, *self.invoices.drafts]
        kept = sorted(range(len(chosen)), key=lambda place: (chosen[place][0], place))[:LISTED]
        return [chosen[place][1] for place in sorted(kept)]
