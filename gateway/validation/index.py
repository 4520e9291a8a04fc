"""The index fields other rooms work with, out of a document's own fields: identifiers, dates, money, no patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import repeat

from gateway.catalog import DocumentType
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation.columns import Column, Columns
from gateway.validation.fields import Values
from gateway.validation.shapes import Pick, Row, Shape, picker
from gateway.validation.values import as_cents, as_date

_FIELDS = ("number", "payer_number", "token", "practice", "admin_account", "personal_account", "amount")
_OF_DOCUMENT = ("sender", "requester", "developer", "software", "version")
_OF_ALL = ("payer_number", "token", "admin_account")  # what the document may say for all its invoices
_NONE = (None,)
_MOST = 4000  # remembered
_made = tuple.__new__
Span = tuple[date | None, date | None]


def _or_else(column: Column, otherwise: str | None) -> Column:
    return column if otherwise is None else [otherwise if value is None else value for value in column]


def request_number(document: DocumentType, head: Values, sha256: str) -> str | None:
    """The number written in the document, or the one its bytes give it where the format has none."""
    if document.key_prefix is not None:
        return document.key_prefix + sha256[:16]
    return first(head, "request_number")


def of_document(document: DocumentType, head: Values, sha256: str) -> DocumentIndex:
    """What the document says of itself."""
    number = request_number(document, head, sha256)
    sender, requester, developer, software, version = _firsts(head, _OF_DOCUMENT)
    return DocumentIndex(document.action, number, sender, requester, account(head), developer, software, version)


@lru_cache(maxsize=_MOST)
def _places(shape: Shape) -> tuple[Pick, Pick | None]:
    """Take the index fields, the first date of service with them; and all of these, where there are several."""
    service = shape.places("service")
    return shape.key((*_FIELDS, "service")), picker(service) if len(service) > 1 else None


@lru_cache(maxsize=_MOST)
def _span(days: tuple[str | None, ...], form: str) -> Span:
    """The first and the last of these dates of service."""
    dates = [day for text in days if (day := as_date(text or "", form)) is not None]
    return (min(dates), max(dates)) if dates else (None, None)


class Indexer:
    """The index fields of the invoices of one document; what only its head says is taken from there."""

    def __init__(self, document: DocumentType, head: Values) -> None:
        self._document = document
        self._payer_number, self._token, self._admin = _firsts(head, _OF_ALL)
        self._account = account(head)
        self._one_day: dict[str | None, Span] = {}

    def of(self, row: Row, kind: str, ordinal: int, line: int, *, valid: bool, refused: bool = False) -> InvoiceIndex:
        """What an invoice says of itself."""
        _, (shape, got), lines = row
        fields, service = _places(shape)
        number, payer_number, token, practice, admin, personal, amount, day = fields((*got, None))
        span = self._one_day.get(day) if service is None else _span(service(got), self._document.date_format)
        first, last = span or self._spans_of([day])[0]
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

    def all(self, rows: Columns, kind: str, ordinal: int, moved: int) -> list[InvoiceIndex]:
        """The same of many, all valid: the first has this ordinal. Their lines are moved by so many."""
        own, size = rows.own, len(rows)
        nothing: Column = [None] * size
        number, payer_number, token, practice, admin, personal, amount = [own.get(name) or nothing for name in _FIELDS]
        spans = self._spans_of(own.get("service") or nothing)
        accounts = list(zip(admin, personal, strict=True))
        known = {both: self._account_of(*both) for both in set(accounts)}
        columns = (
            range(ordinal, ordinal + size),
            [line + moved for line in rows.lines],
            number,
            _or_else(payer_number, self._payer_number),
            _or_else(token, self._token),
            practice,
            [known[both] for both in accounts],
            repeat(kind),
            [first for first, _ in spans],
            [last for _, last in spans],
            self._cents(rows, amount),
            rows.counts,
            repeat(True),
            repeat(False),
        )
        return list(map(_made, repeat(InvoiceIndex), zip(*columns)))  # noqa: B905 - some of them do not end

    def _spans_of(self, days: Column) -> list[Span]:
        """The same day is said thousands of times."""
        if len(self._one_day) >= _MOST:
            self._one_day.clear()
        for day in set(days).difference(self._one_day):
            self._one_day[day] = _span(() if day is None else (day,), self._document.date_format)
        return list(map(self._one_day.__getitem__, days))

    def _cents(self, rows: Columns, amount: Column) -> Column | Sequence[int | None]:
        whole = rows.integers("amount") if self._document.money == "cents" else None
        return whole or [as_cents(text, self._document.money) if text else None for text in amount]

    def _account_of(self, admin: str | None, personal: str | None) -> str | None:
        if admin:
            return f"admin:{admin}"
        return self._account if self._admin or not personal else f"personal:{personal}"


def first(head: Values, name: str) -> str | None:
    """The first value of a field."""
    return (head.get(name) or _NONE)[0]


def _firsts(head: Values, names: Sequence[str]) -> list[str | None]:
    return [(head.get(name) or _NONE)[0] for name in names]  # as `first`, without a call for each


def account(head: Values) -> str | None:
    """The administrative account where one is named, else the personal one where the format knows whose it is."""
    if admin := first(head, "admin_account"):
        return f"admin:{admin}"
    personal = first(head, "personal_account")
    return f"personal:{personal}" if personal else None
