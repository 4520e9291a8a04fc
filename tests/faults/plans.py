"""How much of each family is tried: quickly at every submission, or thoroughly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faults import calls, clocks, frozen, kills, large, masterkeys, points, power, rotations, sessions, soak, space
from faults.trials import Trial

FAMILIES: Mapping[str, Any] = {
    "points": points,
    "calls": calls,
    "rotations": rotations,
    "sessions": sessions,
    "keys": masterkeys,
    "power": power,
    "space": space,
    "clocks": clocks,
    "frozen": frozen,
    "kills": kills,
    "soak": soak,
    "large": large,
}
# Family → how many; None: all there are. The longest comes first: while it has one lane the others have the rest. In
# the quick one the lanes have points to try while the calls are counted.
PLANS: Mapping[str, Mapping[str, int | None]] = {
    "quick": {"points": None, "calls": None, "kills": 200, "rotations": None, "sessions": 25},
    "all": {
        "soak": 20_000,  # lots
        "large": 100_000,  # invoices
        "calls": None,
        "kills": 10_000,
        "points": None,
        "rotations": None,
        "sessions": 100,
        "keys": 30,
        "power": 500,
        "space": 200,
        "clocks": 60,
        "frozen": None,
    },
}


def trials(plan: str, only: Sequence[str] | None, count: int | None, seed: int) -> Iterator[Trial]:
    """Everything a plan asks for, or the families of `only`, `count` of each at most; some are found by trying."""
    wanted = PLANS[plan]
    for family in only or ():
        if family not in FAMILIES:
            raise SystemExit(f"no family {family}: {', '.join(FAMILIES)}")
    chosen = {family: wanted.get(family, 0) for family in only or wanted}
    for family, many in chosen.items():
        yield from FAMILIES[family].trials(many if count is None else count, seed, plan == "all")
