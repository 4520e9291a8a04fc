"""Dated facts (numbers, accreditations): learned, closed, reopened, withdrawn; never overwritten."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from gateway.models import Accreditation, TransmissionNumber
from gateway.registry.file import Dated
from gateway.registry.steps import CHANGE, CLOSE, Work, adding, changing
from gateway.store import registry as rows

DatedRow = TransmissionNumber | Accreditation


class DatedFacts:
    """Every dated fact of the registry, made into what the file says. `tables` are copies and follow along."""

    def __init__(self, work: Work, tables: rows.Tables, now: datetime, complete: bool) -> None:
        self._work, self._tables, self._now, self._complete = work, tables, now, complete
        self._names = {agency.id: agency.name for agency in tables.agencies}
        known: list[DatedRow] = [*tables.numbers, *tables.accreditations]
        self._known = {_natural(row): row for row in known}
        self._mentioned: set[tuple[object, ...]] = set()

    def say(self, key: str, entry: Dated, new: DatedRow, name: str) -> None:
        """Learn, close or withdraw one fact of the agency `name`; `new` is its row, should it be new."""
        natural = _natural(new)
        if natural in self._mentioned:
            self._work.refuse("said_twice", key)
            return
        self._mentioned.add(natural)
        known = self._known.get(natural)
        if entry.retract:
            if known is not None:
                self._withdraw(known, name)
            return
        self._work.keys[(known or new).id] = key
        if known is None:
            if isinstance(new, TransmissionNumber):
                self._tables.numbers.append(new)
            else:
                self._tables.accreditations.append(new)
            self._work.steps.append(adding(new, f"{_kind(new)}_added", _facts(new, name)))
        elif ("to" in entry.model_fields_set or self._complete) and entry.to != known.valid_to:
            self._end(known, entry.to, name)

    def end_the_rest(self, today: date) -> None:
        """The file is complete: what it does not mention held until yesterday, and what was to begin never will."""
        yesterday = today - timedelta(days=1)
        for natural, row in self._known.items():
            if natural in self._mentioned or (row.valid_to is not None and row.valid_to <= yesterday):
                continue
            if row.valid_from > yesterday:
                self._withdraw(row, self._names[row.agency_id])
            else:
                self._end(row, yesterday, self._names[row.agency_id])

    def _end(self, row: DatedRow, last: date | None, name: str) -> None:
        sign, what = (CHANGE, "reopened") if last is None else (CLOSE, "closed")
        row.valid_to = last
        self._work.steps.append(changing(sign, row, {"valid_to": last}, f"{_kind(row)}_{what}", _facts(row, name)))

    def _withdraw(self, row: DatedRow, name: str) -> None:
        changes = {"retracted_at": self._now}
        self._work.steps.append(changing(CLOSE, row, changes, f"{_kind(row)}_retracted", _facts(row, name)))
        if isinstance(row, TransmissionNumber):
            self._tables.numbers.remove(row)
        else:
            self._tables.accreditations.remove(row)


def _kind(row: DatedRow) -> str:
    return "number" if isinstance(row, TransmissionNumber) else "accreditation"


def _natural(row: DatedRow) -> tuple[object, ...]:
    """What makes two rows the same fact."""
    if isinstance(row, TransmissionNumber):
        return row.payer, row.number, row.agency_id, row.valid_from
    return row.account_id, row.agency_id, row.valid_from


def _facts(row: DatedRow, name: str) -> dict[str, object]:
    dates: dict[str, object] = {"name": name, "start": row.valid_from, "to": row.valid_to}
    if isinstance(row, TransmissionNumber):
        return {"payer": row.payer, "number": row.number, **dates}
    return {"account": row.account_id, **dates}
