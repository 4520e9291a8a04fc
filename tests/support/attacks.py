"""One hostile document or archive as data: its name, its bytes, and what must be said about it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.catalog import Catalog
from gateway.report import NO_PAYER_COULD_TAKE, Report
from gateway.validation import Limits, judge

# `make hostile` tries that many times more where cases are drawn by chance.
TIMES = int(os.environ.get("HOSTILE_TIMES", "1"))


@dataclass(frozen=True, slots=True)
class Attack:
    """`family` and `name` say which one it is; `code` is what it must be refused with, None where it is let in because
    it does nothing. The bytes are made when they are asked for: some are many."""

    family: str
    name: str
    make: Callable[[], bytes | str]
    code: str | None = None

    @property
    def data(self) -> bytes:
        made = self.make()
        return made.encode() if isinstance(made, str) else made


class Counted(io.BytesIO):
    """A document that counts how much of it is read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block


def fell(attack: Attack, known: Catalog, limits: Limits | None = None) -> str | None:
    """What went wrong with one attack on the judge; None when it ended as it must."""
    data = attack.data
    source = Counted(data)
    report = judge(source, "a.xml", known, limits=limits)
    if source.taken > 6 * len(data) + 16_384:
        return f"{attack.name}: {source.taken} bytes were read of {len(data)}"
    return _complaint(attack, report)


def _complaint(attack: Attack, report: Report) -> str | None:
    codes = [finding.code for finding in report.findings]
    if attack.code is None:
        return None if report.verdict == "valid" else f"{attack.name}: {report.verdict} {codes[:3]}, harmless expected"
    if report.verdict != "invalid" or attack.code not in codes[:1]:
        return f"{attack.name}: {report.verdict} {codes[:3]}, {attack.code} expected"
    if attack.code in NO_PAYER_COULD_TAKE and not report.refused:
        return f"{attack.name}: {attack.code} does not refuse"
    if not all(finding.message["fr"] and finding.message["en"] for finding in report.findings):
        return f"{attack.name}: said nothing"
    return None


def of(attacks: Sequence[Attack], family: str) -> list[Attack]:
    """The attacks of one family."""
    return [attack for attack in attacks if attack.family == family]
