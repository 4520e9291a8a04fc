"""Who has gone silent, for `status`: agencies first, then payers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway import calendars
from gateway.clock import local
from gateway.store import Tx
from gateway.watch import silence


def silent(tx: Tx, known: calendars.Book) -> list[dict[str, Any]]:
    """One entry for each silence. The number of queries does not depend on how much there is."""
    return [*_agencies(tx, known), *_payers(tx, known)]


def _agencies(tx: Tx, known: calendars.Book) -> Iterator[dict[str, Any]]:
    for agency, found in silence.agencies(tx, known):
        yield {
            "who": "agency",
            "name": agency.name,
            "last": f"{local(found.last):%Y-%m-%d %H:%M}" if found.last else None,
            "since": found.first_missed.isoformat(),
            "days": found.days,
            "by": f"{found.habit.by:%H:%M}",
            "learned": found.habit.learned,
        }


def _payers(tx: Tx, known: calendars.Book) -> Iterator[dict[str, Any]]:
    for payer, period, owes in silence.payers(tx, known):
        yield {
            "who": "payer",
            "name": payer,
            "statement": period.statement.isoformat(),
            "cut_off": f"{local(period.cut_off):%Y-%m-%d %H:%M}",
            "authority": period.authority,
            "invoices": owes.invoices,
        }
