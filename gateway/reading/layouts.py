"""What a payer's documents say, whatever their format: plain values, integer cents, no patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Message:
    """One of the payer's messages: its code, its own text."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What a reply says of one line. The preliminary amount is in cents, and never "paid"."""

    number: int
    receivable: bool
    preliminary_cents: int | None
    formula: str | None
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class InvoiceVerdict:
    """What a reply says of one invoice."""

    number: str | None  # the sender's
    payer_number: str | None
    token: str | None
    receivable: bool
    preliminary_cents: int | None  # of its receivable lines, or its own where the format has no lines
    messages: tuple[Message, ...]
    lines: tuple[LineVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Receivability:
    """A reply to one request. No invoices: the request could not be judged."""

    request_number: str | None
    sender: str | None  # transmission number, where the format says it
    receivable: bool
    messages: tuple[Message, ...]
    invoices: tuple[InvoiceVerdict, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a statement; `paid_cents` is a delta and may be negative."""

    kind: str
    payer_number: str | None
    number: str | None  # the sender's
    line: int | None
    code: str | None
    service: date | None
    preliminary_cents: int | None
    paid_cents: int
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class StatementOfAccount:
    """One billing account, mode and system at one date. Amounts in cents."""

    number: str
    dated: date
    period: str
    mode: str
    system: str
    sender: str  # the transmission number it was sent to
    account: str  # personal:… or admin:…
    paid_on: date | None
    paid_cents: int
    withheld_cents: int
    carried_in_cents: int
    carried_out_cents: int
    total_cents: int
    declared_entries: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class PayerError:
    """The payer's word that it gives no statement."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document this room can make nothing of: a reason code, and the line where reading stopped."""

    reason: str  # not_well_formed | doctype | value
    line: int | None = None


Document = Receivability | StatementOfAccount | PayerError | Unreadable
