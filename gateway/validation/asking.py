"""What is asked of parts of one shape, or of columns: rules that look at the same fields together (`screen`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.catalog import DocumentType
from gateway.validation.checks import Check
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import DATES
from gateway.validation.looks import FactsOf, Group, Key, Look
from gateway.validation.shapes import Shape, picker
from gateway.validation.sweep import Sweep

_SERVICE, _INVOICE = "service", "invoice."
_Reads = frozenset[str]


class Asking:
    """What the rules of one document type ask, and what they said of values: kept from one document to the next."""

    def __init__(self, document: DocumentType) -> None:
        self._document, self._personal = document, _personal(document)
        self.looks = 0  # made, of invoices and lines
        self._checks: Sequence[Check] = ()
        self._above: Mapping[str, Values] = {}
        self._lines: dict[tuple[str | None, frozenset[str]], dict[Shape, Look]] = {}  # below invoices with these fields
        self._groups: dict[tuple[object, ...], Group] = {}
        self._right: list[set[Key]] = []  # what each of them remembers
        # Of these, what is true of one document only: whether it is a patient's, or depends on what stands around.
        self._near: list[tuple[set[Key], bool]] = []

    def begin(self, checks: Sequence[Check], above: Mapping[str, Values]) -> None:
        """A new document, by the same rules."""
        changed = above != self._above
        self._checks, self._above = checks, above
        for right, personal in self._near:
            if personal or changed:
                right.clear()

    @property
    def remembered(self) -> int:
        """How many values."""
        return sum(map(len, self._right))

    def forget(self) -> None:
        """All of it."""
        self.looks = 0
        self._lines.clear()
        self._groups.clear()
        self._right.clear()
        self._near.clear()

    def look(self, kind: str | None, shape: Shape) -> Look:
        """What is asked of invoices of a kind and shape."""
        look = self._made("invoice", kind, shape, shape.fields)
        look.days, look.lines = picker(shape.places(_SERVICE)), self._lines.setdefault((kind, shape.fields), {})
        look.rows = [check.sure(shape) for check in self._whole(kind, shape.fields) if check.sure is not None]
        return look

    def _whole(self, kind: str | None, there: Collection[str]) -> list[Check]:
        """The checks that can say of an invoice with these fields, whole, that their rule holds; but those that others
        of them cover."""
        able = [c for c in self._checks if c.sure is not None and c.is_about(kind)]
        mine = [c for c in able if c.rule.scope != "invoice" or c.may_be_about(there)]
        return [c for c in mine if not any(c.rule.function in other.covers for other in mine)]

    def look_at_line(self, kind: str | None, invoice: Look, own: Shape, shape: Shape) -> Look:
        """What is asked of lines of a shape, below such invoices."""
        there = shape.fields | {_INVOICE + name for name in own.fields}
        look = invoice.lines[shape] = self._made("line", kind, shape, there)
        return look

    def _made(self, scope: str, kind: str | None, shape: Shape, there: Collection[str]) -> Look:
        self.looks += 1
        look = Look()
        look.always, grouped = self._grouped(scope, kind, there, shape.fields)
        for reads, checks in grouped:
            group = self._group(scope, kind, reads, shape.names, checks)
            look.add(picker([place for place, name in enumerate(shape.names) if name in group.names]), group)
        return look

    def sweep(self, kind: str | None, own: Collection[str], below: Collection[str]) -> Sweep | None:
        """What is asked of these columns; None where some rule has to be asked about each invoice."""
        always, of_invoices = self._grouped("invoice", kind, own, frozenset(own))
        there = {*below, *[_INVOICE + name for name in own]}
        always_too, of_lines = self._grouped("line", kind, there, frozenset(below))
        if always or always_too:
            return None
        groups = [self._group("invoice", kind, reads, own, checks) for reads, checks in of_invoices]
        asked = [self._group("line", kind, reads, below, checks) for reads, checks in of_lines]
        return Sweep(groups, asked, self._whole(kind, own))

    def _grouped(
        self, scope: str, kind: str | None, there: Collection[str], own: _Reads
    ) -> tuple[bool, list[tuple[_Reads, list[Check]]]]:
        """The rules to ask about these fields of a part (`own`) and what is above it, by what they look at; and whether
        one has to be asked about each."""
        always, grouped = False, dict[_Reads, list[Check]]()
        for check in self._of_scope(scope):
            if not check.is_about(kind) or not check.may_be_about(there):
                continue
            if check.sure is not None or check.passes is not None or check.each is not None:
                continue
            if check.reads is None or not _only_own(check.reads, there):
                always = True
            else:
                grouped.setdefault(check.reads & (own | {DATES}), []).append(check)
        return always, _merged(grouped)

    def _of_scope(self, scope: str) -> Iterable[Check]:
        by_line = [check.each for check in self._checks if check.each is not None and scope == "line"]
        return [*[check for check in self._checks if check.rule.scope == scope], *by_line]

    def _group(
        self, scope: str, kind: str | None, reads: _Reads, there: Collection[str], checks: Sequence[Check]
    ) -> Group:
        """Rules that look at these fields of a part that has those that are `there`."""
        wanted = reads | ({_SERVICE} if DATES in reads else frozenset())
        names = tuple(name for name in there if name in wanted)
        dated = DATES in reads and scope == "line" and _SERVICE not in there
        known = (scope, kind, names, dated, *(check.number for check in checks))
        if known not in self._groups:
            group = self._groups[known] = Group(checks, names, self._facts_of(kind), dated=dated)
            self._right.append(group.right)
            personal = not self._personal.isdisjoint(names)
            if personal or any(check.near for check in checks):
                self._near.append((group.right, personal))
        return self._groups[known]

    def _facts_of(self, kind: str | None) -> FactsOf:
        def facts(own: Values, days: list[str] | None) -> Facts:
            above = self._above if days is None else {**self._above, "invoice": {_SERVICE: days}}
            return Facts(self._document, own, above, kind=kind)

        return facts


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
