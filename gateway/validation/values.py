"""Written values as dates and cents. What cannot be read is None: saying so is the schema's part, not a rule's."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_DIGITS = 15
_LARGEST = Decimal(10) ** _DIGITS


@lru_cache(maxsize=4096)  # a lot holds thousands of invoices and a handful of days
def as_date(text: str, form: str) -> date | None:
    """A date in the document type's own format; None when it is not one."""
    text = text.strip()
    if form == "%Y-%m-%d":
        text = text[:10]  # a moment (dhd_elm_fact) begins with its day
    if not text.isascii():
        return None
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day on paper has no zone
    except ValueError:
        return None


def as_cents(text: str, money: str) -> int | None:
    """An amount of money in cents; `money` says whether the document writes cents or decimal dollars."""
    if money == "cents" and len(text) <= _DIGITS and text.isdecimal() and text.isascii():
        return int(text)  # as nearly all are written
    number = as_number(text)
    if number is None or not -_LARGEST < number < _LARGEST:
        return None
    cents = number if money == "cents" else number * 100
    return int(cents) if cents == cents.to_integral_value() else None


def as_number(text: str) -> Decimal | None:
    """A finite decimal number; None when it is not one."""
    if not text.isascii():
        return None
    try:
        number = Decimal(text.strip().replace("_", "?"))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
