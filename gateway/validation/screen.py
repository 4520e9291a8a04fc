"""Rules over many invoices at once: which of them might break one. Only those are asked one by one (`rules`).

Nothing is decided here but that a rule surely holds. Values repeat (codes, dates, professions): what the rules that
look at the same few fields have said of some values, they say of them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import chain
from operator import itemgetter

from gateway.catalog import DocumentType
from gateway.validation.asking import Asking
from gateway.validation.checks import Check
from gateway.validation.columns import Columns
from gateway.validation.fields import Values
from gateway.validation.looks import Look
from gateway.validation.shapes import Row, Shape
from gateway.validation.sweep import Sweep
from gateway.validation.values import as_date

_MOST_KEYS = 50_000  # values remembered, of all groups together
_MOST_SHAPES = 4_000
_SERVICE = "service"
_LINES, _SHAPE, _VALUES = itemgetter(2), itemgetter(0), itemgetter(1)  # of a row; of a part
_Sort = tuple[str | None, tuple[str, ...], tuple[str, ...]]  # kind of invoice, columns of it and of its lines


class Screen:
    """The rules of one document type, kept from one document to the next: but nothing that is a patient's."""

    def __init__(self, document: DocumentType) -> None:
        self._form, self._asking = document.date_format, Asking(document)
        self._checks: Sequence[Check] = ()
        self._looks: dict[str | None, dict[Shape, Look]] = {}  # by kind
        self._together: dict[str | None, list[Check] | None] = {}
        self._sweeps: dict[_Sort, Sweep | None] = {}
        self._one_day: dict[str | None, date | None] = {}
        self._last: dict[tuple[str | None, ...], date | None] = {}  # by dates as they are written

    def begin(self, checks: Sequence[Check], above: Mapping[str, Values]) -> None:
        """A new document, by the same rules."""
        if checks is not self._checks:
            self._together.clear()
        self._checks = checks
        self._asking.begin(checks, above)

    def doubtful(self, kind: str | None, rows: Sequence[Row]) -> tuple[Collection[int], Collection[int]]:
        """The places of the rows that a rule may not hold for, and the numbers of the checks that have let all of them
        pass for good and must not hear of them again."""
        self._make_room()
        together = self._of_kind(kind)
        passed = [check.number for check in together or () if check.passes is not None and check.passes(rows)]
        if together is None or len(passed) < len(together):
            return range(len(rows)), passed
        sweep = self._sweep(kind, rows) if type(rows) is Columns else None
        if sweep is not None and type(rows) is Columns:
            return sweep.doubtful(rows, self._days_of(rows)), passed
        return self._doubtful(kind, rows), passed

    def _of_kind(self, kind: str | None) -> list[Check] | None:
        """The checks that look at many invoices or lines together; None where one of them cannot pass over any."""
        if kind not in self._together:
            mine = [c for c in self._checks if c.passes is not None and c.is_about(kind)]
            deaf = any(c.hears and c.sure is None and c not in mine for c in self._checks)
            self._together[kind] = None if deaf else mine
        return self._together[kind]

    def _doubtful(self, kind: str | None, rows: Sequence[Row]) -> list[int]:
        known = self._looks.setdefault(kind, {})
        looks = [known.get(row[1][0]) or self._look(kind, row[1][0]) for row in rows]
        certain = _lines_known(looks, rows)
        both = enumerate(zip(looks, rows, strict=True))
        return [
            n for n, (look, row) in both if not (self._sure(look, row) and (certain or self._below(kind, look, row)))
        ]

    def _sure(self, look: Look, row: Row) -> bool:
        """Whether each rule holds for an invoice, but for those about its lines one by one."""
        _, (_, got), lines = row
        days = look.days(got)
        if look.always or not look.sure(got, days):
            return False
        if look.rows:
            last = self._last.get(days) or self._last_of(days)
            for sure in look.rows:
                if not sure(got, lines, last):
                    return False
        return True

    def _below(self, kind: str | None, look: Look, row: Row) -> bool:
        """Whether each rule holds for each line of an invoice."""
        _, (own, got), lines = row
        days = look.days(got)
        for shape, values in lines:
            line = look.lines.get(shape) or self._asking.look_at_line(kind, look, own, shape)
            if line.always or not line.sure(values, days):
                return False
        return True

    def _last_of(self, days: tuple[str | None, ...]) -> date | None:
        last = max([day for text in days if (day := as_date(text or "", self._form)) is not None], default=None)
        if len(self._last) < _MOST_SHAPES:
            self._last[days] = last
        return last

    def _days_of(self, rows: Columns) -> list[date | None]:
        """When each was rendered."""
        days = rows.own.get(_SERVICE)
        if days is None:
            return [None] * len(rows)
        known = self._one_day
        if len(known) >= _MOST_SHAPES:
            known.clear()
        for day in set(days).difference(known):
            known[day] = as_date(day, self._form) if day else None
        return list(map(known.__getitem__, days))

    def _look(self, kind: str | None, shape: Shape) -> Look:
        look = self._looks[kind][shape] = self._asking.look(kind, shape)
        return look

    def _sweep(self, kind: str | None, rows: Columns) -> Sweep | None:
        sort = kind, tuple(rows.own), tuple(rows.below)
        if sort not in self._sweeps:
            self._sweeps[sort] = self._asking.sweep(*sort)
        return self._sweeps[sort]

    def _make_room(self) -> None:
        if self._asking.looks + len(self._sweeps) > _MOST_SHAPES or self._asking.remembered > _MOST_KEYS:
            self._looks.clear()
            self._sweeps.clear()
            self._asking.forget()


def _lines_known(looks: Sequence[Look], rows: Sequence[Row]) -> bool:
    """Whether each rule is known to hold for all lines, asked at once: where they are of one shape."""
    lines = list(chain.from_iterable(map(_LINES, rows)))
    if not lines:
        return True
    look = looks[0].lines.get(lines[0][0])
    alike = len(set(map(_SHAPE, lines))) == 1 and all([own.lines is looks[0].lines for own in looks])  # noqa: C419 - quicker
    return alike and look is not None and look.all_known(list(map(_VALUES, lines)))
