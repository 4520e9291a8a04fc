"""The index fields other rooms work with, out of a document's own fields: identifiers, dates, money, no patient."""

from __future__ import annotations

from gateway.catalog import DocumentType
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
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


class Indexer:
    """The index fields of the invoices of one document; what only its head says is taken from there."""

    def __init__(self, document: DocumentType, head: Values) -> None:
        self._document = document
        facts = Facts(document, {}, {"document": head})
        self._payer_number = facts.first("document.payer_number")
        self._token = facts.first("document.token")
        self._admin, self._account = facts.first("document.admin_account"), account(facts)

    def of(self, facts: Facts, ordinal: int, line: int, *, valid: bool, refused: bool = False) -> InvoiceIndex:
        """What an invoice says of itself."""
        own, days = facts.own, facts.service_dates()
        amount = own["amount"][0] if "amount" in own else None
        return InvoiceIndex(
            ordinal,
            line,
            own["number"][0] if "number" in own else None,
            own["payer_number"][0] if "payer_number" in own else self._payer_number,
            own["token"][0] if "token" in own else self._token,
            own["practice"][0] if "practice" in own else None,
            self._account_of(own),
            facts.kind,
            min(days) if days else None,
            max(days) if days else None,
            as_cents(amount, self._document.money) if amount else None,
            len(facts.lines),
            valid,
            refused,
        )

    def _account_of(self, own: Values) -> str | None:
        if "admin_account" in own and own["admin_account"][0]:
            return f"admin:{own['admin_account'][0]}"
        if self._admin or "personal_account" not in own or not own["personal_account"][0]:
            return self._account
        return f"personal:{own['personal_account'][0]}"


def account(facts: Facts) -> str | None:
    """The administrative account where one is named, else the personal one where the format knows whose it is."""
    if admin := _either(facts, "admin_account"):
        return f"admin:{admin}"
    personal = _either(facts, "personal_account")
    return f"personal:{personal}" if personal else None


def _either(facts: Facts, name: str) -> str | None:
    return facts.first(name) or facts.first(f"document.{name}")
