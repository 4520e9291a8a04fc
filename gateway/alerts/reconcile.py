"""Brings the alerts in line with what is wrong now, and puts on the way what somebody must be told.

Levels, not edges: nothing is missed while the gateway is down, and nothing is told twice because it was started again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from gateway.config import AlertsConfig, RecipientConfig
from gateway.errors import GatewayError
from gateway.messages import side_by_side
from gateway.models import Alert
from gateway.states import AlertState
from gateway.store import Tx
from gateway.store import alerts as rows
from gateway.store.alerts import Symptom

# What was tried does not become untried: only a person says that it is over.
BY_HAND = frozenset({"foreign_number"})


class TooLate(GatewayError):
    """Nobody says "I am on it" to a limit whose day has passed."""


def reconcile(
    tx: Tx,
    symptoms: Iterable[Symptom],
    known: Collection[str],
    said: AlertsConfig,
    recipients: Collection[RecipientConfig],
    agencies: Mapping[str, str],
) -> set[str]:
    """Raise, add to, reopen and resolve alerts. `known`: the kinds of which `symptoms` are everything. `agencies`: id →
    name. Gives the recipients for whom there is something new."""
    post = _Post(tx, recipients, agencies)
    left = {key: alert for key, alert in rows.unresolved(tx).items() if alert.kind in known}
    for symptom in symptoms:
        _bring(tx, left.pop(symptom.key, None), symptom, post)
    for alert in left.values():
        away = tx.now - alert.last_seen_at
        if away >= timedelta(seconds=said.calm) and not (alert.kind in BY_HAND and alert.state == AlertState.OPEN):
            rows.resolve(tx, alert)
            post.tell(alert, "resolved")
    for alert in rows.unresolved(tx).values():
        if alert.state == AlertState.OPEN and said.remind and tx.now - alert.told_at >= timedelta(seconds=said.remind):
            post.tell(alert, "still")
    return post.woken


def _bring(tx: Tx, alert: Alert | None, symptom: Symptom, post: _Post) -> None:
    if alert is None:
        post.tell(rows.raised(tx, symptom), "opened")
        return
    worse = symptom.level > alert.level
    rows.add(tx, alert, symptom)
    if worse:
        if alert.state == AlertState.SEEN:
            rows.reopen(tx, alert)
        post.tell(alert, "worse")


class _Post:
    """Who is told what: nobody learns of what concerns another agency."""

    def __init__(self, tx: Tx, recipients: Collection[RecipientConfig], agencies: Mapping[str, str]) -> None:
        self._tx, self._recipients, self._agencies = tx, recipients, agencies
        self.woken: set[str] = set()

    def tell(self, alert: Alert, what: str) -> None:
        """That it is over is told to those who know of it, whatever they want to be told of now."""
        knowing = rows.notified(self._tx, alert) if what == "resolved" else None
        for recipient in self._recipients:
            if (alert.kind, alert.subject) == ("channel", recipient.name):
                continue  # that it cannot be told, it cannot be told
            told = recipient.wants(alert.severity) if knowing is None else recipient.name in knowing
            if told and concerns(recipient, alert, self._agencies):
                rows.notice(self._tx, alert, recipient.name, what)
                self.woken.add(recipient.name)
        rows.told(self._tx, alert)


def concerns(recipient: RecipientConfig, alert: Alert, agencies: Mapping[str, str]) -> bool:
    """Whether an alert is a recipient's business: one that names agencies learns of these and of nothing else."""
    if not recipient.agencies:
        return True
    name = agencies.get(alert.agency_id or "")
    return name is not None and (name in recipient.agencies or alert.agency_id in recipient.agencies)


def acknowledge(tx: Tx, alert: Alert, today: date, *, said: str) -> None:
    """A person is on it. What happened once and is away by now is over with that. Raises TooLate."""
    if alert.kind == "deadline" and date.fromisoformat(str(alert.facts["last"])) < today:
        raise TooLate(side_by_side("alerts.too_late", alert=alert.id, last=alert.facts["last"]))
    if alert.state == AlertState.OPEN:
        rows.seen(tx, alert, said=said)
