"""The payer's judgement: which invoices and lines of a request are receivable, and why not. Nothing here does I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from gateway.sandbox.documents import Document, Invoice
from gateway.sandbox.prices import Prices

OLD = "ANC"
OLD_SYSTEM_CLOSED = date(2018, 4, 1)  # services from this day on are refused in the old system
# What is said → the code in the new system, in the old one (which knows no 1056, 1081, 9012).
CODES = {
    "no_invoice": ("1056", ""),
    "not_requester": ("1081", ""),
    "repeated": ("9012", ""),
    "old_system_closed": ("", "956"),
    "code_unknown": ("9901", "991"),
    "unreadable": ("9902", "992"),
    "invoice_unknown": ("9903", ""),
    "sender": ("9904", "993"),
    "account": ("9905", "994"),
    "twice": ("9906", "998"),
    "refuse_all": ("9907", "999"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A live invoice the payer has from this sender."""

    payer_number: str | None
    token: str | None
    cents: int


class Past(Protocol):
    """What the payer remembers of one sender, and the numbers it still has to give."""

    def by_number(self, number: str) -> Known | None:
        """The live invoice of that number of the sender's own."""

    def by_payer_number(self, payer_number: str) -> Known | None:
        """The live invoice of that number of ours."""

    def new_invoice(self) -> str:
        """An invoice number never given before: 11 digits."""

    def new_token(self) -> str:
        """A token: 8 digits."""


@dataclass(frozen=True, slots=True)
class LineAnswer:
    number: str | None
    cents: int | None  # preliminary; None: not receivable
    formula: str | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InvoiceAnswer:
    invoice: Invoice
    receivable: bool
    says: tuple[str, ...] = ()
    lines: tuple[LineAnswer, ...] = ()
    payer_number: str | None = None
    token: str | None = None
    repeated: bool = False  # known before: nothing new to write down

    @property
    def cents(self) -> int:
        """Preliminary amount of the receivable lines."""
        return sum(line.cents or 0 for line in self.lines)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reply document says. `invoices` is None when nothing could be judged."""

    number: str
    system: str
    receivable: bool
    says: tuple[str, ...] = ()
    invoices: tuple[InvoiceAnswer, ...] | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything a judgement depends on."""

    user: str  # the transmission number that deposited
    accounts: frozenset[str]  # accredited for it; empty: any
    prices: Prices
    past: Past
    refuse_all: bool = False

    def judge(self, document: Document) -> Answer:
        """The answer to a request that is not a repetition."""
        refusal = self._refusal(document)
        seen: set[str] = set()
        answers = tuple(self._answer(document, invoice, refusal, seen) for invoice in document.invoices)
        receivable = any(answer.receivable for answer in answers)
        says = () if receivable or document.system == OLD else ("no_invoice",)
        return Answer(document.number, document.system, receivable, says, answers)

    def _refusal(self, document: Document) -> str | None:
        """What is wrong with the request as a whole, and so with every invoice of it."""
        if self.refuse_all:
            return "refuse_all"
        return "sender" if document.sender not in (None, self.user) else None

    def _answer(self, document: Document, invoice: Invoice, refusal: str | None, seen: set[str]) -> InvoiceAnswer:
        why = refusal or self._why_not(document, invoice, seen)
        if document.type.action == "cancel":
            found = InvoiceAnswer(invoice, not why, payer_number=invoice.payer_number, token=invoice.token)
            return replace(found, says=(why,)) if why else found
        if why:
            return InvoiceAnswer(invoice, False, (why,))
        if document.type.action == "new" and (known := self.past.by_number(invoice.number)):
            return _known_before(document, invoice, known)
        return self._numbered(document, self._priced(invoice))

    def _why_not(self, document: Document, invoice: Invoice, seen: set[str]) -> str | None:
        number = invoice.payer_number or invoice.number
        if number in seen:
            return "twice"
        seen.add(number)
        if document.type.action != "new" and not self._token_matches(invoice):
            return "invoice_unknown"
        if invoice.sender not in (None, self.user):
            return "sender"
        if invoice.account is not None and self.accounts and invoice.account not in self.accounts:
            return "account"
        if document.system == OLD:
            return "old_system_closed" if any(day >= OLD_SYSTEM_CLOSED for day in invoice.services) else None
        return "not_requester" if invoice.practice not in (None, document.requester) else None

    def _token_matches(self, invoice: Invoice) -> bool:
        known = self.past.by_payer_number(invoice.payer_number or "")
        return known is not None and known.token == invoice.token

    def _priced(self, invoice: Invoice) -> InvoiceAnswer:
        lines = []
        for line in invoice.lines:
            paid = self.prices.pay(invoice, line)
            lines.append(
                LineAnswer(line.number, *paid) if paid else LineAnswer(line.number, None, says=("code_unknown",))
            )
        receivable = any(line.cents is not None for line in lines)
        return InvoiceAnswer(invoice, receivable, () if receivable else ("code_unknown",), tuple(lines))

    def _numbered(self, document: Document, answer: InvoiceAnswer) -> InvoiceAnswer:
        """A receivable invoice has a number of ours, and a token that changes with each modification."""
        if not answer.receivable or document.system == OLD:
            return answer
        number = answer.invoice.payer_number or self.past.new_invoice()
        return replace(answer, payer_number=number, token=self.past.new_token())


def _known_before(document: Document, invoice: Invoice, known: Known) -> InvoiceAnswer:
    """An invoice that another request brought before keeps its first answer."""
    if document.system == OLD:
        return InvoiceAnswer(invoice, True, (), (LineAnswer(None, known.cents),), repeated=True)
    return InvoiceAnswer(invoice, True, ("repeated",), (), known.payer_number, known.token, repeated=True)


def unreadable(number: str, system: str) -> Answer:
    """The answer to what could not be judged."""
    return Answer(number, system, False, ("unreadable",))
