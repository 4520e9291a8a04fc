"""Whose each entry of a statement is: the recipient's, an earlier holder's of the account, or nobody's we know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.reading import StatementOfAccount
from gateway.reading.layouts import Entry
from gateway.registry import Book
from gateway.registry.recipient import held_before
from gateway.store import Tx, invoices
from gateway.store.invoices import Owned


@dataclass(frozen=True, slots=True)
class Shares:
    """One answer an entry, in the document's order. None: it did not come through us, which is normal."""

    of: tuple[Owned | None, ...]
    strangers: tuple[int, ...]  # positions, from 1, of entries about invoices of who never held the account

    def former(self, recipient: str) -> dict[str, list[int]]:
        """The positions of the entries of each agency that held the account before."""
        found: dict[str, list[int]] = {}
        for position, invoice in enumerate(self.of, 1):
            if invoice is not None and invoice.agency_id != recipient:
                found.setdefault(invoice.agency_id, []).append(position)
        return found


def share_out(tx: Tx, book: Book, payer: str, recipient: str, content: StatementOfAccount) -> Shares:
    """Two queries, however many entries there are."""
    account, dated = content.account, content.dated
    holders = {fact.agency_id for fact in book.holders(account, dated) if fact.valid_from <= dated} | {recipient}
    by_payer = invoices.owned_by_payer_number(tx, payer, (e.payer_number for e in content.entries if e.payer_number))
    own = (entry.number for entry in content.entries if entry.number and not entry.payer_number)
    by_own = invoices.owned_by_own_number(tx, holders, payer, own)
    found = tuple(_invoice(entry, by_payer, by_own, recipient, account) for entry in content.entries)
    agencies = {invoice.agency_id for invoice in found if invoice is not None and invoice.agency_id != recipient}
    never = {agency for agency in agencies if not held_before(book, account, agency, dated)}
    strangers = tuple(p for p, invoice in enumerate(found, 1) if invoice is not None and invoice.agency_id in never)
    return Shares(found, strangers)


def _invoice(
    entry: Entry,
    by_payer: Mapping[str, Sequence[Owned]],
    by_own: Mapping[str, Sequence[Owned]],
    recipient: str,
    account: str,
) -> Owned | None:
    """The one invoice an entry is about. A sender's number may be two agencies': the account decides, or nobody."""
    if entry.payer_number:
        known = by_payer.get(entry.payer_number, ())
        return known[0] if len(known) == 1 else None
    named = [one for one in by_own.get(entry.number or "", ()) if one.agency_id == recipient or one.account == account]
    exact = [one for one in named if one.account == account]
    if len(named) > 1:
        named = exact
    return named[0] if len(named) == 1 else None


def entry_rows(reply_id: str, content: StatementOfAccount, shares: Shares) -> Iterator[dict[str, Any]]:
    """The rows of a statement's entries, each beside the invoice it is about."""
    for position, (entry, invoice) in enumerate(zip(content.entries, shares.of, strict=True), 1):
        yield {
            "reply_id": reply_id,
            "position": position,
            "invoice_id": invoice.id if invoice else None,
            "kind": entry.kind,
            "no_fact_ramq": entry.payer_number,
            "no_fact_ext": entry.number,
            "line": entry.line,
            "preliminary_cents": entry.preliminary_cents,
            "paid_cents": entry.paid_cents,
            "messages": [message.code for message in entry.messages],
        }
