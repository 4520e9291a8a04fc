"""Limits that come near: what the alerts of the deadline guardian are about, one for each agency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway import deadlines
from gateway.clock import today
from gateway.store import deadlines as rows
from gateway.store import watching
from gateway.store.alerts import Symptom
from gateway.watch import Look, Source

URGENT, SOON = 3, 14  # days left


def limits(look: Look) -> Iterator[Symptom]:
    """Told again whenever some invoices reach another threshold."""
    day = today(look.clock)
    with look.store.read() as tx:
        groups, alerts, told = rows.open_invoices(tx, alerted=True), rows.alerts(tx), watching.thresholds_told(tx)
    of: dict[str, dict[tuple[str, date], tuple[date, int]]] = {}
    for alert, risk, last in deadlines.live(alerts, deadlines.ranked(groups, look.catalog, day), day):
        of.setdefault(alert.agency_id, {})[(alert.request_id, alert.service)] = last, risk.of.invoices
    for agency, found in sorted(of.items()):
        last = min(day for day, _ in found.values())
        left = (last - day).days
        severity = "critical" if left <= URGENT else "warning" if left <= SOON else "notice"
        example = min((last, key[0]) for key, (last, _) in found.items())[1]
        facts = {"last": last.isoformat(), "days_left": left, "example": example}
        invoices = sum(count for _, count in found.values())
        yield Symptom("deadline", agency, agency, severity, told.get(agency, 1), invoices, facts)


SOURCES = (Source(frozenset({"deadline"}), limits),)
