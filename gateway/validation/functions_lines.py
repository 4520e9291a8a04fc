"""Functions about lines: said twice, in two roles, with what their code asks for, adding up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.validation.columns import Columns
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import Given, Maker, alone
from gateway.validation.shapes import Part, Row, first
from gateway.validation.values import as_cents

_Key = tuple[str, ...]
_ACT = ("code", "service", "tooth")
_SAME = (*_ACT, "role", "start")  # two lines that agree in these are one said twice
NEED_LINES = frozenset(
    {"one_role", "sum_of_lines", "lines_authorised"}
)  # asked about an invoice, they look at its lines' fields


class NoLineTwice:
    """No two lines of an invoice have the same code, date, role, tooth and start; the second one is the defect."""

    scope = "line"

    def __init__(self, _given: Given) -> None:
        self.again()

    def again(self) -> None:
        self._seen = set[_Key]()
        self._several = False

    def see(self, invoice: Facts) -> None:
        """A new invoice: nothing of it was said yet."""
        self._several = len(invoice.lines) > 1
        self._seen.clear()

    def holds(self, facts: Facts) -> bool:
        if not self._several:
            return True
        key = _key(facts.own, _SAME)
        fresh = key not in self._seen or not key[0]
        self._seen.add(key)
        return fresh

    def sure(self, row: Row, _days: Sequence[date]) -> bool:
        return _all_differ(row[2], _SAME)

    def unsure(self, rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
        return rows.repeats(_SAME) if rows.repeats(_ACT) else ()


def one_role(facts: Facts) -> bool:
    """Nobody is both responsible for an act and the assistant at it."""
    if len(facts.lines) < 2:
        return True
    acts = {(_key(line, _ACT), line.get("role", [""])[0]) for line in facts.lines}
    return len({act for act, _ in acts}) == len(acts)


def sum_of_lines(facts: Facts) -> bool:
    """The invoice's amount is the sum of its lines', to the cent."""
    total, money = facts.first("amount"), facts.document.money
    parts = [as_cents(line["amount"][0], money) for line in facts.lines if line.get("amount")]
    if total is None or any(part is None for part in parts):
        return True
    return as_cents(total, money) in (None, sum(part or 0 for part in parts))


def _surely_one_role(row: Row, _days: Sequence[date]) -> bool:
    return _all_differ(row[2], _ACT)


def _unsure_of_roles(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    return rows.repeats(_ACT)


def _unsure_of_sums(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    totals, parts = rows.integers("amount"), rows.integers("amount", below=True)
    if totals is None or parts is None:
        return [place for place, row in enumerate(rows) if not _surely_the_sum(row, ())]
    sums = list(rows.sums(parts))
    if totals == sums:
        return ()
    return [place for place, (total, added) in enumerate(zip(totals, sums, strict=True)) if total != added]


def _surely_the_sum(row: Row, _days: Sequence[date]) -> bool:
    """Of whole numbers, whatever unit they are in."""
    total, added = first(row[1], "amount"), 0
    if total is None:
        return True
    try:
        for shape, got in row[2]:
            added += int(got[shape.firsts["amount"]])
        return int(total) == added
    except (KeyError, ValueError):
        return False


class AuthorisationDated:
    """A code of `authorised_codes` in the settings carries the date of its authorisation."""

    reads = frozenset({"code", "authorised"})

    def __init__(self, given: Given) -> None:
        self._codes = frozenset(given.settings.get("authorised_codes", ()))

    def holds(self, facts: Facts) -> bool:
        return self._codes.isdisjoint(facts.own.get("code", ())) or bool(facts.own.get("authorised"))


class LinesAuthorised:
    """An invoice whose lines have a code of `authorised_codes` carries the date of the authorisation itself."""

    def __init__(self, given: Given) -> None:
        self._codes = frozenset(given.settings.get("authorised_codes", ()))

    def holds(self, facts: Facts) -> bool:
        if not self._codes or facts.own.get("authorised"):
            return True
        return all(self._codes.isdisjoint(line.get("code", ())) for line in facts.lines)

    def sure(self, row: Row, _days: Sequence[date]) -> bool:
        codes = self._codes
        for shape, got in row[2]:
            for place in shape.places("code"):
                if got[place] in codes:
                    return False
        return True

    def unsure(self, rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
        codes = rows.below.get("code", ())
        if self._codes.isdisjoint(codes):
            return ()
        return [place for place, code in zip(rows.owners(), codes, strict=True) if code in self._codes]


class SurfaceOnTooth:
    """A surface of `[settings.surfaces]` is on a tooth that has it: code of the surface → places of such teeth in their
    quadrant, 1 (at the front) to 8. A surface that is not named there says nothing."""

    about = frozenset({"surface"})
    reads = frozenset({"surface", "tooth"})

    def __init__(self, given: Given) -> None:
        surfaces: Mapping[str, Sequence[int]] = given.settings.get("surfaces", {})
        self._places = {code: frozenset(map(str, places)) for code, places in surfaces.items()}

    def holds(self, facts: Facts) -> bool:
        tooth = facts.first("tooth")
        if tooth is None:
            return True
        return all(tooth[-1:] in self._places.get(code, tooth[-1:]) for code in facts.own.get("surface", ()))


class Measured:
    """A code of `[settings.measures]` carries the measures it asks for; where none is named, one that is not zero."""

    reads = frozenset({"code", "measure"})

    def __init__(self, given: Given) -> None:
        measures: Mapping[str, Sequence[str]] = given.settings.get("measures", {})
        self._measures = {code: frozenset(needed) for code, needed in measures.items()}

    def holds(self, facts: Facts) -> bool:
        needed = self._measures.get(facts.first("code") or "")
        if needed is None:
            return True
        there = facts.own.get("measure", ())
        return needed.issubset(there) if needed else any(value.strip("0. ") for value in there)


class NoValueTwice:
    """A field with several values has none of them twice."""

    def __init__(self, given: Given) -> None:
        self._field = given.rule.field or ""
        self.about = self.reads = frozenset({self._field})

    def holds(self, facts: Facts) -> bool:
        values = facts.own.get(self._field, ())
        return len(values) < 2 or len(set(values)) == len(values)


def _all_differ(lines: Sequence[Part], names: tuple[str, ...]) -> bool:
    """Whether no two lines have the same first values of some fields; as `_key`, an absent one is empty."""
    if len(lines) < 2:
        return True
    usual = lines[0][0]  # nearly always that of all
    at = usual.firsts.get(names[0])
    if at is not None and len({got[at] for shape, got in lines if shape is usual}) == len(lines):
        return True  # they differ in the very first
    pick = usual.key(names)
    keys = {(pick if shape is usual else shape.key(names))((*got, "")) for shape, got in lines}
    return len(keys) == len(lines)


def _key(line: Values, names: Sequence[str]) -> _Key:
    return tuple([line[name][0] if name in line else "" for name in names])


FUNCTIONS: Mapping[str, Maker] = {
    "no_line_twice": NoLineTwice,
    "one_role": alone(one_role, sure=_surely_one_role, unsure=_unsure_of_roles),
    "sum_of_lines": alone(sum_of_lines, sure=_surely_the_sum, unsure=_unsure_of_sums),
    "authorisation_dated": AuthorisationDated,
    "lines_authorised": LinesAuthorised,
    "surface_on_tooth": SurfaceOnTooth,
    "measured": Measured,
    "no_value_twice": NoValueTwice,
}
