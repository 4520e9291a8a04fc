"""Rules over many invoices at once: which of them might break one. Only those are asked one by one (`rules`).

Nothing is decided here but that a rule surely holds. Values repeat (codes, dates, professions): what the rules that
look at the same few fields have said of some values, they say of them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from gateway.catalog import DocumentType
from gateway.validation.checks import Check
from gateway.validation.columns import Columns
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import DATES
from gateway.validation.looks import FactsOf, Group, Look
from gateway.validation.shapes import Row, Shape, picker
from gateway.validation.sweep import Sweep
from gateway.validation.values import as_date

_MOST_KEYS = 50_000  # values remembered, of all groups together
_MOST_SHAPES = 4_000
_SERVICE, _INVOICE = "service", "invoice."
_Reads = frozenset[str]
_Sort = tuple[str | None, tuple[str, ...], tuple[str, ...]]  # kind of invoice, columns of it and of its lines


class Screen:
    """The rules of one document type, kept from one document to the next: but nothing that is a patient's."""

    def __init__(self, document: DocumentType) -> None:
        self._document, self._personal = document, _personal(document)
        self._checks: Sequence[Check] = ()
        self._above: Mapping[str, Values] = {}
        self._looks: dict[tuple[str | None, Shape], Look] = {}
        self._groups: dict[tuple[object, ...], Group] = {}
        self._together: dict[str | None, list[Check] | None] = {}
        self._sweeps: dict[_Sort, Sweep | None] = {}
        self._one_day: dict[str | None, date | None] = {}
        self._days: dict[tuple[str | None, ...], tuple[date, ...]] = {}

    def begin(self, checks: Sequence[Check], above: Mapping[str, Values]) -> None:
        """A new document, by the same rules."""
        changed = above != self._above
        if checks is not self._checks:
            self._together.clear()
        self._checks, self._above = checks, above
        for group in self._groups.values():
            if group.personal or (changed and group.near):
                group.right.clear()

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
        return [place for place, row in enumerate(rows) if not self._sure(kind, row)], passed

    def _of_kind(self, kind: str | None) -> list[Check] | None:
        """The checks that look at many invoices or lines together; None where one of them cannot pass over any."""
        if kind not in self._together:
            mine = [c for c in self._checks if c.passes is not None and c.is_about(kind)]
            deaf = any(c.hears and c.sure is None and c not in mine for c in self._checks)
            self._together[kind] = None if deaf else mine
        return self._together[kind]

    def _sure(self, kind: str | None, row: Row) -> bool:
        _, (shape, got), lines = row
        look = self._looks.get((kind, shape))
        if look is None:
            look = self._look(kind, shape)
        days = look.days(got)
        if look.always or not look.sure(got, days):
            return False
        if look.rows:
            dates = self._days.get(days)
            if dates is None:
                dates = self._dates(days)
            for sure in look.rows:
                if not sure(row, dates):
                    return False
        usual, line = None, look
        for line_shape, values in lines:
            if line_shape is not usual:
                usual, line = (
                    line_shape,
                    look.lines.get(line_shape) or self._look_at_line(kind, look, shape, line_shape),
                )
            if line.always or not line.sure(values, days):
                return False
        return True

    def _dates(self, days: tuple[str | None, ...]) -> tuple[date, ...]:
        form = self._document.date_format
        dates = tuple([day for text in days if (day := as_date(text or "", form)) is not None])
        if len(self._days) < _MOST_SHAPES:
            self._days[days] = dates
        return dates

    def _days_of(self, rows: Columns) -> list[date | None]:
        """When each was rendered."""
        days = rows.own.get(_SERVICE)
        if days is None:
            return [None] * len(rows)
        known = self._one_day
        if len(known) >= _MOST_SHAPES:
            known.clear()
        for day in set(days).difference(known):
            known[day] = as_date(day, self._document.date_format) if day else None
        return list(map(known.__getitem__, days))

    # -- what to ask of a shape --

    def _look(self, kind: str | None, shape: Shape) -> Look:
        look = self._looks[kind, shape] = self._made("invoice", kind, shape, shape.fields)
        look.days = picker(shape.places(_SERVICE))
        look.rows = [check.sure for check in self._whole(kind, shape.fields) if check.sure is not None]
        return look

    def _whole(self, kind: str | None, there: Collection[str]) -> list[Check]:
        """The checks that can say of an invoice with these fields, whole, that their rule holds."""
        mine = [c for c in self._checks if c.sure is not None and c.is_about(kind)]
        return [c for c in mine if c.rule.scope != "invoice" or c.may_be_about(there)]

    def _look_at_line(self, kind: str | None, invoice: Look, own: Shape, shape: Shape) -> Look:
        there = shape.fields | {_INVOICE + name for name in own.fields}
        look = invoice.lines[shape] = self._made("line", kind, shape, there)
        return look

    def _made(self, scope: str, kind: str | None, shape: Shape, there: Collection[str]) -> Look:
        look = Look()
        look.always, grouped = self._grouped(scope, kind, there, shape.fields)
        for reads, checks in grouped:
            wanted = reads | ({_SERVICE} if DATES in reads else frozenset())
            places = [place for place, name in enumerate(shape.names) if name in wanted]
            names = tuple(shape.names[place] for place in places)
            dated = DATES in reads and scope == "line" and _SERVICE not in shape.fields
            look.add(picker(places), self._group(scope, kind, names, checks, dated=dated), dated=dated)
        return look

    def _sweep(self, kind: str | None, rows: Columns) -> Sweep | None:
        """What is asked of these columns; None where some rule has to be asked about each invoice."""
        sort = kind, tuple(rows.own), tuple(rows.below)
        if sort not in self._sweeps:
            self._sweeps[sort] = self._swept(*sort)
        return self._sweeps[sort]

    def _swept(self, kind: str | None, own: Collection[str], below: Collection[str]) -> Sweep | None:
        always, of_invoices = self._grouped("invoice", kind, own, frozenset(own))
        there = {*below, *[_INVOICE + name for name in own]}
        always_too, of_lines = self._grouped("line", kind, there, frozenset(below))
        if always or always_too:
            return None
        groups = [self._of_columns("invoice", kind, reads, own, checks)[0] for reads, checks in of_invoices]
        asked = [self._of_columns("line", kind, reads, below, checks) for reads, checks in of_lines]
        return Sweep(groups, asked, self._whole(kind, own))

    def _of_columns(
        self, scope: str, kind: str | None, reads: _Reads, there: Collection[str], checks: Sequence[Check]
    ) -> tuple[Group, bool]:
        wanted = reads | ({_SERVICE} if DATES in reads else frozenset())
        dated = DATES in reads and scope == "line" and _SERVICE not in there
        return self._group(scope, kind, tuple(name for name in there if name in wanted), checks, dated=dated), dated

    def _grouped(
        self, scope: str, kind: str | None, there: Collection[str], own: _Reads
    ) -> tuple[bool, list[tuple[_Reads, list[Check]]]]:
        """The rules to ask about these fields of a part (`own`) and what is above it, by what they look at; and whether
        one has to be asked about each."""
        always, grouped = False, dict[_Reads, list[Check]]()
        for check in self._checks:
            if check.rule.scope != scope or not check.is_about(kind) or not check.may_be_about(there):
                continue
            if check.sure is not None or check.passes is not None:
                continue
            if check.reads is None or not _only_own(check.reads, there):
                always = True
            else:
                grouped.setdefault(check.reads & (own | {DATES}), []).append(check)
        return always, _merged(grouped)

    def _group(
        self, scope: str, kind: str | None, names: tuple[str, ...], checks: Sequence[Check], *, dated: bool
    ) -> Group:
        known = (scope, kind, names, dated, *(check.number for check in checks))
        if known not in self._groups:
            personal = not self._personal.isdisjoint(names)
            self._groups[known] = Group(checks, names, self._facts_of(kind), dated=dated, personal=personal)
        return self._groups[known]

    def _facts_of(self, kind: str | None) -> FactsOf:
        def facts(own: Values, days: list[str] | None) -> Facts:
            above = self._above if days is None else {**self._above, "invoice": {_SERVICE: days}}
            return Facts(self._document, own, above, kind=kind)

        return facts

    def _make_room(self) -> None:
        if (
            len(self._looks) + len(self._sweeps) > _MOST_SHAPES
            or sum(len(g.right) for g in self._groups.values()) > _MOST_KEYS
        ):
            self._looks.clear()
            self._sweeps.clear()
            self._groups.clear()


def _personal(document: DocumentType) -> frozenset[str]:
    """The fields of invoices and lines that are a patient's."""
    parts = [part for part in (document.invoice, document.line) if part is not None]
    fields = [(name, path) for part in parts for name, locator in part.fields.items() for path in locator]
    return frozenset(name for name, path in fields if path.rpartition("/")[2].lstrip("@") in document.personal)


def _only_own(reads: _Reads, there: Collection[str]) -> bool:
    """Whether nothing above the part is looked at that is there and may differ from one part to the next."""
    return not any(name.startswith(_INVOICE) and name in there for name in reads)


def _merged(grouped: Mapping[_Reads, Sequence[Check]]) -> list[tuple[_Reads, list[Check]]]:
    """Rules that look at fewer fields ask along with those that look at these and more."""
    merged: list[tuple[_Reads, list[Check]]] = []
    for reads in sorted(grouped, key=len, reverse=True):
        home = next((checks for wider, checks in merged if reads <= wider), None)
        if home is None:
            merged.append((reads, list(grouped[reads])))
        else:
            home += grouped[reads]
    return merged
