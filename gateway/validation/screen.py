"""Rules over many invoices at once: which of them might break one. Only those are asked one by one (`rules`).

Nothing is decided here but that a rule surely holds. Values repeat (codes, dates, professions): what the rules that
look at the same few fields have said of some values, they say of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

from gateway.catalog import DocumentType
from gateway.validation.checks import Check
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import DATES, Sure
from gateway.validation.shapes import Pick, Row, Shape, picker
from gateway.validation.values import as_date

_MOST_KEYS = 50_000  # values remembered, of all groups together
_MOST_SHAPES = 4_000
_LONG = 500  # characters of values that are not worth remembering
_SERVICE, _INVOICE = "service", "invoice."
_Reads = frozenset[str]
_Facts = Callable[[Values, list[str] | None], Facts]  # of own values, and of the dates of service above a line


class _Group:
    """Rules that look at the same fields, and the values of these for which all of them hold."""

    def __init__(self, checks: Sequence[Check], names: tuple[str, ...], dated: bool, facts: _Facts) -> None:
        self._checks, self.names, self._dated, self._facts = checks, names, dated, facts
        self.near = any(check.near for check in checks)
        self.right: set[tuple[str | None, ...]] = set()

    def learn(self, key: tuple[str | None, ...]) -> bool:
        """Ask the rules about values not seen before."""
        split = len(self.names)
        own: Values = {}
        for name, value in zip(self.names, key[:split], strict=True):
            own.setdefault(name, []).append(value or "")
        facts = self._facts(own, [day or "" for day in key[split:]] if self._dated else None)
        holds = all([check.holds(facts) for check in self._checks])  # noqa: C419 - quicker
        if holds and sum([len(value or "") for value in key]) < _LONG:
            self.right.add(key)
        return holds


class _Look:
    """What is asked of every part of one shape."""

    __slots__ = ("_dated", "_groups", "always", "days", "lines", "rows")

    def __init__(self) -> None:
        self._groups: list[tuple[Pick, _Group, set[tuple[str | None, ...]]]] = []
        self._dated: list[tuple[Pick, _Group]] = []
        self.rows: list[Sure] = []  # of an invoice: what can say of it whole that a rule holds
        self.always = False  # some rule has to be asked about each
        self.days: Pick = picker(())  # of an invoice: its dates of service
        self.lines: dict[Shape, _Look] = {}  # of an invoice: its lines

    def add(self, pick: Pick, group: _Group, *, dated: bool) -> None:
        if dated:
            self._dated.append((pick, group))
        else:
            self._groups.append((pick, group, group.right))

    def sure(self, got: Sequence[str], days: Sequence[str | None]) -> bool:
        """Whether every rule holds for these values."""
        for pick, group, right in self._groups:
            if (key := pick(got)) not in right and not group.learn(key):
                return False
        return not self._dated or all(self._sure_with(pick(got), group, days) for pick, group in self._dated)

    def _sure_with(self, own: tuple[str | None, ...], group: _Group, days: Sequence[str | None]) -> bool:
        key = (*own, *days)
        return key in group.right or group.learn(key)


class Screen:
    """The rules of one document type, kept from one document to the next: but nothing that is a patient's."""

    def __init__(self, document: DocumentType) -> None:
        self._document, self._personal = document, _personal(document)
        self._checks: Sequence[Check] = ()
        self._above: Mapping[str, Values] = {}
        self._looks: dict[tuple[str | None, Shape], _Look] = {}
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._together: dict[str | None, list[Check] | None] = {}
        self._days: dict[tuple[str | None, ...], tuple[date, ...]] = {}

    def begin(self, checks: Sequence[Check], above: Mapping[str, Values]) -> None:
        """A new document, by the same rules."""
        changed = above != self._above
        self._checks, self._above = checks, above
        self._together.clear()
        for group in self._groups.values():
            if (changed and group.near) or not self._personal.isdisjoint(group.names):
                group.right.clear()

    def doubtful(self, kind: str | None, rows: Sequence[Row]) -> tuple[Collection[int], Collection[int]]:
        """The places of the rows that a rule may not hold for, and the numbers of the checks that have let all of them
        pass for good and must not hear of them again."""
        self._make_room()
        together = self._of_kind(kind)
        passed = [check.number for check in together or () if check.passes is not None and check.passes(rows)]
        if together is None or len(passed) < len(together):
            return range(len(rows)), passed
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
        of_lines = look.lines
        for line_shape, values in lines:
            line = of_lines.get(line_shape)
            if line is None:
                line = self._look_at_line(kind, look, shape, line_shape)
            if line.always or not line.sure(values, days):
                return False
        return True

    def _dates(self, days: tuple[str | None, ...]) -> tuple[date, ...]:
        form = self._document.date_format
        dates = tuple([day for text in days if (day := as_date(text or "", form)) is not None])
        if len(self._days) < _MOST_SHAPES:
            self._days[days] = dates
        return dates

    # -- what to ask of a shape --

    def _look(self, kind: str | None, shape: Shape) -> _Look:
        look = self._looks[kind, shape] = self._made("invoice", kind, shape, shape.fields)
        look.days = picker(shape.places(_SERVICE))
        mine = [c for c in self._checks if c.sure is not None and c.is_about(kind)]
        mine = [c for c in mine if c.rule.scope != "invoice" or c.may_be_about(shape.fields)]
        look.rows = [check.sure for check in mine if check.sure is not None]
        return look

    def _look_at_line(self, kind: str | None, invoice: _Look, own: Shape, shape: Shape) -> _Look:
        there = shape.fields | {_INVOICE + name for name in own.fields}
        look = invoice.lines[shape] = self._made("line", kind, shape, there)
        return look

    def _made(self, scope: str, kind: str | None, shape: Shape, there: Collection[str]) -> _Look:
        look = _Look()
        asked = [c for c in self._checks if c.rule.scope == scope and c.is_about(kind) and c.may_be_about(there)]
        grouped: dict[_Reads, list[Check]] = {}
        for check in asked:
            if check.sure is not None or check.passes is not None:
                continue
            if check.reads is None or not _only_own(check.reads, there):
                look.always = True
            else:
                grouped.setdefault(check.reads & (shape.fields | {DATES}), []).append(check)
        for reads, checks in _merged(grouped):
            self._add(look, scope, kind, shape, reads, checks)
        return look

    def _add(
        self, look: _Look, scope: str, kind: str | None, shape: Shape, reads: _Reads, checks: Sequence[Check]
    ) -> None:
        wanted = reads | ({_SERVICE} if DATES in reads else frozenset())
        places = [place for place, name in enumerate(shape.names) if name in wanted]
        names = tuple(shape.names[place] for place in places)
        dated = DATES in reads and scope == "line" and _SERVICE not in shape.fields
        known = (scope, kind, names, dated, *(check.number for check in checks))
        if known not in self._groups:
            self._groups[known] = _Group(checks, names, dated, self._facts_of(kind))
        look.add(picker(places), self._groups[known], dated=dated)

    def _facts_of(self, kind: str | None) -> _Facts:
        def facts(own: Values, days: list[str] | None) -> Facts:
            above = self._above if days is None else {**self._above, "invoice": {_SERVICE: days}}
            return Facts(self._document, own, above, kind=kind)

        return facts

    def _make_room(self) -> None:
        if len(self._looks) > _MOST_SHAPES or sum(len(g.right) for g in self._groups.values()) > _MOST_KEYS:
            self._looks.clear()
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
