"""The index fields other rooms work with, out of a document's own fields: identifiers, dates, money, no patient."""

from __future__ import annotations

from datetime import date

from gateway.catalog import DocumentType
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.shapes import Pick, Row, Shape, picker
from gateway.validation.values import as_cents, as_date

_FIELDS = ("number", "payer_number", "token", "practice", "admin_account", "personal_account", "amount")
_MOST = 4000  # remembered
_made = tuple.__new__
Span = tuple[date | None, date | None]


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
        self._places: dict[Shape, tuple[Pick, Pick]] = {}
        self._services: dict[tuple[str | None, ...], Span] = {}

    def of(self, row: Row, kind: str, ordinal: int, line: int, *, valid: bool, refused: bool = False) -> InvoiceIndex:
        """What an invoice says of itself."""
        _, (shape, got), lines = row
        places = self._places.get(shape)
        if places is None:
            places = self._look(shape)
        (number, payer_number, token, practice, admin, personal, amount), days = places[0]((*got, None)), places[1](got)
        first, last = self._services[days] if days in self._services else self._span(days)
        return _made(  # in the order of its fields: by their names it takes twice as long
            InvoiceIndex,
            (
                ordinal,
                line,
                number,
                self._payer_number if payer_number is None else payer_number,
                self._token if token is None else token,
                practice,
                self._account_of(admin, personal),
                kind,
                first,
                last,
                as_cents(amount, self._document.money) if amount else None,
                len(lines),
                valid,
                refused,
            ),
        )

    def _look(self, shape: Shape) -> tuple[Pick, Pick]:
        if len(self._places) >= _MOST:
            self._places.clear()
        places = self._places[shape] = shape.key(_FIELDS), picker(shape.places("service"))
        return places

    def _span(self, days: tuple[str | None, ...]) -> Span:
        """The first and the last of these dates of service."""
        form = self._document.date_format
        dates = [day for text in days if (day := as_date(text or "", form)) is not None]
        span = (min(dates), max(dates)) if dates else (None, None)
        if len(self._services) < _MOST:
            self._services[days] = span
        return span

    def _account_of(self, admin: str | None, personal: str | None) -> str | None:
        if admin:
            return f"admin:{admin}"
        return self._account if self._admin or not personal else f"personal:{personal}"


def account(facts: Facts) -> str | None:
    """The administrative account where one is named, else the personal one where the format knows whose it is."""
    if admin := _either(facts, "admin_account"):
        return f"admin:{admin}"
    personal = _either(facts, "personal_account")
    return f"personal:{personal}" if personal else None


def _either(facts: Facts, name: str) -> str | None:
    return facts.first(name) or facts.first(f"document.{name}")
