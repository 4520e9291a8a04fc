"""The index fields other rooms work with, out of a document's own fields: identifiers, dates, money, no patient."""

from __future__ import annotations

from gateway.catalog import DocumentType
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation.facts import Facts
from gateway.validation.fields import Values, kind_of
from gateway.validation.split import Piece
from gateway.validation.values import as_cents


def request_number(document: DocumentType, head: Values, sha256: str) -> str | None:
    """The number written in the document, or the one its bytes give it where the format has none."""
    if document.key_prefix is not None:
        return document.key_prefix + sha256[:16]
    return next(iter(head.get("request_number", [])), None)


def of_document(document: DocumentType, head: Values, sha256: str) -> DocumentIndex:
    """What the document says of itself."""
    facts = Facts(document, head)
    return DocumentIndex(
        action=document.action,
        request_number=request_number(document, head, sha256),
        sender=facts.first("sender"),
        requester=facts.first("requester"),
        account=account(facts),
        developer=facts.first("developer"),
        software=facts.first("software"),
        version=facts.first("version"),
    )


def of_invoice(piece: Piece, facts: Facts, *, valid: bool) -> InvoiceIndex:
    """What the invoice says of itself; what only the document says is taken from there."""
    days = facts.service_dates()
    amount = facts.first("amount")
    return InvoiceIndex(
        ordinal=piece.ordinal,
        line=piece.line,
        number=facts.first("number"),
        payer_number=_either(facts, "payer_number"),
        token=_either(facts, "token"),
        practice=facts.first("practice"),
        account=account(facts),
        kind=kind_of(piece.element),
        first_service=min(days, default=None),
        last_service=max(days, default=None),
        amount_cents=as_cents(amount, facts.document.money) if amount else None,
        lines=len(facts.lines),
        valid=valid,
    )


def account(facts: Facts) -> str | None:
    """The administrative account where one is named, else the personal one where the format knows whose it is."""
    if admin := _either(facts, "admin_account"):
        return f"admin:{admin}"
    personal = _either(facts, "personal_account")
    return f"personal:{personal}" if personal else None


def _either(facts: Facts, name: str) -> str | None:
    return facts.first(name) or facts.first(f"document.{name}")
