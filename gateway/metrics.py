"""What Prometheus is told: counts, ages and moments, under labels that name codes and mailboxes, never people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.states import TRANSITIONS, CredentialState
from gateway.store.gauges import Gauges


def exposition(
    look: Gauges, disk_free: int, ends: Mapping[str, datetime] = MappingProxyType({}), *, held: bool = False
) -> bytes:
    """The text format of Prometheus. `disk_free`: bytes left where the state folder lies. `ends`: when the term of a
    credential ends (aware UTC), by its id, where that is known. `held`: nothing may leave."""
    registry = CollectorRegistry(auto_describe=False)
    free = _one("disk_free_bytes", "Bytes left where the state is.", disk_free)
    gauge = _one("held", "1 while a person must release this place.", held)
    registry.register(_Look([*_metrics(look, ends), free, gauge]))
    return generate_latest(registry)


class _Look(Collector):
    def __init__(self, made: Iterable[Metric]) -> None:
        self._made = made

    def collect(self) -> Iterable[Metric]:
        return self._made


def _metrics(look: Gauges, ends: Mapping[str, datetime]) -> Iterator[Metric]:
    build = _gauge("build_info", "The version that runs.", "version")
    build.add_metric([__version__], 1)
    yield build
    yield from _queue(look)
    sent = CounterMetricFamily("gateway_transmissions", "Tries at a transmission.", labels=["payer", "outcome"])
    for labels, count in sorted(look.transmissions.items()):
        sent.add_metric(labels, count)
    yield sent
    found = CounterMetricFamily("gateway_findings", "Listed findings of our own judging.", labels=["code", "severity"])
    for labels, count in sorted(look.findings.items()):
        found.add_metric(labels, count)
    yield found
    yield from _credentials(look, ends)
    yield from _looks(look)
    silent = _gauge("payer_silences", "Silences of a payer in a row; from 3 on it is left alone.", "payer")
    for row in look.breakers:
        silent.add_metric([row.payer], row.failures)
    yield silent
    lasting = _gauge("alerts", "Alerts that are not over.", "kind", "severity")
    for of, count in sorted(look.alerts.items()):
        lasting.add_metric(of, count)
    waiting = _gauge("messages_waiting", "Messages that have not arrived.", "recipient")
    for recipient, count in sorted(look.messages.items()):
        waiting.add_metric([recipient], count)
    yield from (lasting, waiting)
    for name, help, moment in (
        ("backup", "When the last backup was made.", look.backup),
        ("rehearsal", "When a rehearsal last proved a backup.", look.rehearsal),
    ):
        last = _gauge(f"{name}_timestamp_seconds", help)
        _moment(last, (), moment)
        yield last


def _queue(look: Gauges) -> Iterator[Metric]:
    """Every state is told, also at 0: a series that comes and goes cannot be alerted on. The age is that of records
    that still have a way to go."""
    records = _gauge("records", "Records that rest in a state.", "kind", "state")
    oldest = _gauge("oldest_seconds", "Since the oldest record of an unfinished state was made.", "kind", "state")
    for kind, table in TRANSITIONS.items():
        for state, ways in table.items():
            if kind in ("credential", "alert"):
                continue
            count, since = look.records.get((kind, str(state)), (0, look.at))
            records.add_metric([kind, str(state)], count)
            if ways:
                oldest.add_metric([kind, str(state)], (look.at - since).total_seconds())
    yield from (records, oldest)


def _credentials(look: Gauges, ends: Mapping[str, datetime]) -> Iterator[Metric]:
    states = _gauge("credentials", "Passwords in a state.", "payer", "state")
    for payer in sorted({row.payer for row in look.credentials}):
        for state in CredentialState:
            states.add_metric([payer, str(state)], sum((r.payer, r.state) == (payer, state) for r in look.credentials))
    whose = ("payer", "number", "machine")
    proved = _gauge("credential_proved_timestamp_seconds", "When a login last proved a password.", *whose)
    changed = _gauge("credential_changed_timestamp_seconds", "When a password was last changed.", *whose)
    left = _gauge("credential_days_left", "Days until a password's term ends; negative after it.", *whose)
    for row in look.credentials:
        labels = (row.payer, row.number, row.machine)
        _moment(proved, labels, row.proved_at)
        _moment(changed, labels, row.changed_at)
        if row.id in ends:
            left.add_metric(labels, (ends[row.id] - look.at).total_seconds() / 86400)
    yield from (states, proved, changed, left)


def _looks(look: Gauges) -> Iterator[Metric]:
    success = _gauge("last_success_timestamp_seconds", "When a stage last looked without failing.", "stage", "endpoint")
    failing = _gauge("failing", "1 where the last look failed.", "stage", "endpoint")
    for row in look.looks:
        _moment(success, (row.stage, row.endpoint), row.last_success)
        failing.add_metric([row.stage, row.endpoint], row.last_error is not None)
    waiting = [row.next_run for row in look.looks if row.owner is None]
    late = max(0.0, (look.at - min(waiting)).total_seconds()) if waiting else 0.0
    yield from (success, failing, _one("overdue_seconds", "How long the longest due look has been waiting.", late))


def _gauge(name: str, help: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"gateway_{name}", help, labels=labels)


def _one(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"gateway_{name}", help, value=value)


def _moment(family: GaugeMetricFamily, labels: tuple[str, ...], moment: datetime | None) -> None:
    if moment is not None:
        family.add_metric(labels, moment.timestamp())
