"""Counts of hostile attempts by family, shown at the end of a run. They travel in the tests' own reports, so that they
come together from every worker of a parallel run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

KEY = "hostile"
Count = Callable[..., None]
_HEAD = ("family", "at least", "tried", "refused", "harmless", "accepted twins")
# How many attempts each family holds at least (RELIABILITY section 6, which does not count X14: changed documents).
MINIMUM = {
    "X1": 20,
    "X2": 12,
    "X3": 8,
    "X4": 15,
    "X5": 6,
    "X6": 20,
    "X7": 25,
    "X8": 70,
    "X9": 8,
    "X10": 10,
    "X11": 10,
    "X12": 15,
    "X13": 10,
    "Z1": 25,
    "Z2": 15,
    "Z3": 5,
    "Z4": 8,
    "Z5": 4,
    "Z6": 8,
    "F1": 2000,
    "F3": 60,
    "F5": 40,
    "F6": 10,
    "F7": 20,
    "F8": 12,
    "F9": 20,
    "S5": 10,
    "S8": 8,
}


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Count:
    """`tally(family, refused=…, harmless=…, twins=…)`: so many attempts of a family ended so. `harmless`: let in, and
    seen to do nothing; `twins`: honest neighbours of the attacks that were let in as they should be."""

    def count(family: str, *, refused: int = 0, harmless: int = 0, twins: int = 0) -> None:
        record_property(KEY, [family, refused + harmless, refused, harmless, twins])

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == KEY and report.when == "call":
                    sums[value[0]] = [a + b for a, b in zip(sums[value[0]], value[1:], strict=True)]
    if not sums:
        return
    terminalreporter.section("hostile families")
    terminalreporter.write_line("{:8}{:>10}{:>9}{:>9}{:>10}{:>16}".format(*_HEAD))
    for family in sorted(sums, key=lambda name: (name[0], int(name[1:]))):
        terminalreporter.write_line("{:8}{:10}{:9}{:9}{:10}{:16}".format(family, MINIMUM.get(family, 0), *sums[family]))
