"""Money, dates and counts as people in Quebec write them, in either language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal

from gateway.clock import TORONTO, local

_LOCALES = {"fr": "fr_CA", "en": "en_CA"}
_UNITS = {"fr": ("octets", "Kio", "Mio", "Gio"), "en": ("bytes", "KiB", "MiB", "GiB")}
_STEP = 1024


def money(cents: int | None, lang: str) -> str:
    """An amount given in cents; a dash when there is none."""
    return "–" if cents is None else format_currency(Decimal(cents) / 100, "CAD", locale=_LOCALES[lang])


def count(number: int | None, lang: str) -> str:
    """A whole number."""
    return "–" if number is None else format_decimal(number, locale=_LOCALES[lang])


def day(written: str | None, lang: str) -> str:
    """A date written as ISO 8601; as it is when it cannot be read."""
    if not written:
        return "–"
    try:
        return format_date(date.fromisoformat(written), "long", locale=_LOCALES[lang])
    except ValueError:
        return written


def moment(written: str | None, lang: str) -> str:
    """A moment written as ISO 8601, in America/Toronto; without a zone it is UTC."""
    if not written:
        return "–"
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    at = local(at if at.tzinfo else at.replace(tzinfo=UTC))
    return format_datetime(at, "long", tzinfo=TORONTO, locale=_LOCALES[lang])


def size(number: int | None, lang: str) -> str:
    """A number of bytes."""
    if number is None:
        return "–"
    amount, power = float(number), 0
    while amount >= _STEP and power < len(_UNITS[lang]) - 1:
        amount, power = amount / _STEP, power + 1
    shown = format_decimal(amount, format="#,##0.#" if power else "#,##0", locale=_LOCALES[lang])
    return f"{shown} {_UNITS[lang][power]}"


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar: its name, its count, and where it is drawn, in percent of the whole."""

    name: str
    count: int
    tone: str  # good | bad | doubt | plain
    start: float
    width: float


def bar(parts: Sequence[tuple[str, int, str]]) -> list[Segment]:
    """Counts (name, count, tone) as parts of one bar; nothing when there is nothing to count."""
    whole = sum(number for _, number, _ in parts)
    drawn, at = list[Segment](), 0.0
    for name, number, tone in parts:
        if number > 0:
            width = 100 * number / whole
            drawn.append(Segment(name, number, tone, round(at, 2), round(width, 2)))
            at += width
    return drawn
