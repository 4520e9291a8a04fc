"""Functions about lines: said twice, in two roles, with what their code asks for, adding up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.validation.columns import Columns
from gateway.validation.facts import Facts
from gateway.validation.fields import Values
from gateway.validation.functions import Given, Maker, SureOf, alone, surely
from gateway.validation.shapes import Part, Shape, column, first
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
        self._seen: set[_Key] = set()
        self._several = False

    def again(self) -> None:
        self._seen.clear()
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

    def sure(self, _shape: Shape) -> SureOf:
        return lambda _got, lines, _last: _all_differ(lines, _SAME)

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


def _surely_one_role(_shape: Shape) -> SureOf:
    return lambda _got, lines, _last: _all_differ(lines, _ACT)


def _unsure_of_roles(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    return rows.repeats(_ACT)


def _unsure_of_sums(rows: Columns, _days: Sequence[date | None]) -> Sequence[int]:
    totals, parts = rows.integers("amount"), rows.integers("amount", below=True)
    if totals is None or parts is None:
        return [place for place, (_, own, lines) in enumerate(rows) if not _surely_adds_up(first(own, "amount"), lines)]
    sums = list(rows.sums(parts))
    if totals == sums:
        return ()
    return [place for place, (total, added) in enumerate(zip(totals, sums, strict=True)) if total != added]


def _surely_the_sum(shape: Shape) -> SureOf:
    at = shape.firsts.get("amount")
    if at is None:
        return surely
    return lambda got, lines, _last: _surely_adds_up(got[at], lines)


def _surely_adds_up(total: str | None, lines: Sequence[Part]) -> bool:
    """Of whole numbers, whatever unit they are in."""
    if total is None:
        return True
    try:
        return int(total) == sum(map(int, column(lines, "amount") or [_amount(line) for line in lines]))
    except ValueError:
        return False


def _amount(line: Part) -> str:
    return first(line, "amount") or ""


class AuthorisationDated:
    """A code of `authorised_codes` in the settings carries the date of its authorisation."""

    reads = frozenset({"code", "authorised"})

    def __init__(self, given: Given) -> None:
        self._codes = frozenset(given.settings.get("authorised_codes", ()))

    def holds(self, facts: Facts) -> bool:
        return self._codes.isdisjoint(facts.own.get("code", ())) or bool(facts.own.get("authorised"))


class LinesAuthorised:
    """An invoice whose lines have a code of `authorised_codes` carries the date of the authorisation itself."""

    each_reads = frozenset({"code"})

    def __init__(self, given: Given) -> None:
        self._codes = frozenset(given.settings.get("authorised_codes", ()))

    def holds(self, facts: Facts) -> bool:
        if not self._codes or facts.own.get("authorised"):
            return True
        return all(self._codes.isdisjoint(line.get("code", ())) for line in facts.lines)

    def each(self, line: Facts) -> bool:
        return self._codes.isdisjoint(line.own.get("code", ()))


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
    in_the_first = column(lines, names[0])
    if in_the_first is not None and len(set(in_the_first)) == len(lines):
        return True
    return len({shape.key(names)((*got, "")) for shape, got in lines}) == len(lines)


def _key(line: Values, names: Sequence[str]) -> _Key:
    return tuple([line[name][0] if name in line else "" for name in names])


FUNCTIONS: Mapping[str, Maker] = {
    "no_line_twice": NoLineTwice,
    "one_role": alone(one_role, sure=_surely_one_role, unsure=_unsure_of_roles, covers=("no_line_twice",)),
    "sum_of_lines": alone(sum_of_lines, sure=_surely_the_sum, unsure=_unsure_of_sums),
    "authorisation_dated": AuthorisationDated,
    "lines_authorised": LinesAuthorised,
    "surface_on_tooth": SurfaceOnTooth,
    "measured": Measured,
    "no_value_twice": NoValueTwice,
}
