"""A reply's invoices beside the submissions of the request it answers: pure, no database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.catalog import DocumentType
from gateway.reading import InvoiceVerdict, Receivability
from gateway.stages.match.doubts import Doubt
from gateway.store.invoices import Submitted, Verdict

Pairs = list[tuple[Submitted, InvoiceVerdict | None]]  # None: only the request as a whole was judged


def pair_up(submitted: list[Submitted], content: Receivability) -> Pairs | Doubt:
    """Every submission with what the reply says of it. Each invoice of the reply must be one of the request's, and a
    receivable reply must speak of all of them."""
    own = {one.no_fact_ext: one for one in submitted if one.no_fact_ext}
    payers = {one.no_fact_ramq: one for one in submitted if one.no_fact_ramq and one.action != "new"}
    said: dict[int, InvoiceVerdict] = {}
    for invoice in content.invoices:
        one = own.get(invoice.number) if invoice.number else payers.get(invoice.payer_number or "")
        if one is None or one.ordinal in said:
            return Doubt("invoice_unknown")
        said[one.ordinal] = invoice
    if content.receivable and len(said) < len(submitted):
        return Doubt("reply_incomplete")
    return [(one, said.get(one.ordinal)) for one in submitted]


def unlike(pairs: Pairs, document: DocumentType) -> str | None:
    """Why receivable invoices do not have the payer's numbers they must have; None when they do. What is modified or
    cancelled keeps its number."""
    fields = document.invoice.fields if document.invoice else {}
    for one, said in pairs:
        if said is None or not said.receivable:
            continue
        if ("payer_number" in fields and not said.payer_number) or ("token" in fields and not said.token):
            return "reply_incomplete"
        if one.action != "new" and said.payer_number != one.no_fact_ramq:
            return "invoice_mismatch"
    return None


def new_numbers(pairs: Pairs) -> dict[str, str | None]:
    """The payer's numbers this reply gives: number → our invoice."""
    receivable = ((one, said) for one, said in pairs if said is not None and said.receivable and one.action == "new")
    return {said.payer_number: one.invoice_id for one, said in receivable if said.payer_number}


def verdicts(pairs: Pairs) -> list[Verdict]:
    """What is written for each submission. Not mentioned in a reply that is not receivable: not receivable."""
    return [_verdict(one, said) for one, said in pairs]


def _verdict(one: Submitted, said: InvoiceVerdict | None) -> Verdict:
    if said is None:
        return Verdict(one.ordinal, one.invoice_id, one.action, receivable=False, messages=[])
    return Verdict(
        ordinal=one.ordinal,
        invoice_id=one.invoice_id,
        action=one.action,
        receivable=said.receivable,
        messages=[message.code for message in said.messages],
        payer_number=said.payer_number,
        token=said.token,
        preliminary_cents=said.preliminary_cents,
    )


def lines(pairs: Pairs) -> int:
    """How many lines the reply speaks of."""
    return sum(len(said.lines) for _, said in pairs if said is not None)


def line_rows(request_id: str, pairs: Pairs) -> Iterator[dict[str, Any]]:
    """Rows of `Line`."""
    for one, said in pairs:
        for line in said.lines if said is not None else ():
            yield {
                "request_id": request_id,
                "ordinal": one.ordinal,
                "number": line.number,
                "verdict": "receivable" if line.receivable else "not_receivable",
                "preliminary_cents": line.preliminary_cents,
                "messages": [message.code for message in line.messages],
            }
