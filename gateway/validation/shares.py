"""A document whose invoices are judged by several versions of its type: read once for each, and put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from gateway.report import InvoiceIndex
from gateway.validation.engine import Engine
from gateway.validation.findings import Draft, Findings
from gateway.validation.guard import Guarded
from gateway.validation.limits import Limits
from gateway.validation.plan import Plan

Sink = Callable[[InvoiceIndex], None]
Mine = Callable[[int | None], bool]  # of an invoice's ordinal; None: of the document itself


@dataclass(slots=True)
class _Share(Findings):
    """The findings of one version: only about what it judges."""

    mine: Mine = lambda _ordinal: True

    def add(self, draft: Draft) -> None:
        if self.mine(draft.invoice.ordinal if draft.invoice is not None else None):
            Findings.add(self, draft)

    def only_counted(self, severity: str, authority: str, code: str, ordinal: int, /) -> bool:
        return not self.mine(ordinal) or Findings.only_counted(self, severity, authority, code, ordinal)


def run(
    source: BinaryIO,
    seen: Guarded,
    plan: Plan,
    parts: Sequence[tuple[Plan, frozenset[int]]],
    findings: Findings,
    sink: Sink,
    limits: Limits,
) -> Engine:
    """Judge a document by `plan`, but each of `parts` by its own. Raises what Engine.run raises."""
    if not parts:
        engine = Engine(plan, seen, findings, sink, limits)
        engine.run(source)
        return engine
    taken = frozenset().union(*(ordinals for _, ordinals in parts))
    engine, *others = [
        _part(source, seen, own, mine, sink, limits)
        for own, mine in [(plan, lambda o: o not in taken), *((own, _among(ordinals)) for own, ordinals in parts)]
    ]
    _together(findings, [engine, *others])
    engine.findings, engine.invalid_invoices = findings, sum(e.invalid_invoices for e in (engine, *others))
    return engine


def _among(ordinals: frozenset[int]) -> Mine:
    return lambda ordinal: ordinal in ordinals


def _part(source: BinaryIO, seen: Guarded, plan: Plan, mine: Mine, sink: Sink, limits: Limits) -> Engine:
    invalid = 0

    def pass_on(index: InvoiceIndex) -> None:
        nonlocal invalid
        if mine(index.ordinal):
            invalid += not index.valid
            sink(index)

    engine = Engine(plan, seen, _Share(mine=mine), pass_on, limits)
    engine.run(source)
    engine.invalid_invoices = invalid
    return engine


def _together(findings: Findings, engines: Sequence[Engine]) -> None:
    """Every share's findings in the document's order, bounded like one's."""
    shares = [engine.findings for engine in engines]
    total, invalid = findings.total, findings.invalid
    drafts = [draft for share in shares for draft in share.listed()]
    for draft in sorted(drafts, key=lambda d: d.invoice.ordinal if d.invoice is not None else 0):
        findings.add(draft)
    findings.total = total + sum(share.total for share in shares)
    findings.invalid = invalid or any(share.invalid for share in shares)
