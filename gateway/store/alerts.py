"""Alerts: raised once for one cause at one place, added to while it lasts, resolved when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, update
from sqlmodel import col

from gateway.identifiers import new_id
from gateway.models import Alert, AlertNotice
from gateway.states import AlertState
from gateway.store import moves
from gateway.store.engine import Tx, changed


class Symptom(NamedTuple):
    """Something that is wrong now: what an alert is raised about. `facts` hold codes, our ids, numbers and days, and
    nothing of a patient."""

    kind: str  # a key of locales/alerts.toml
    subject: str
    agency_id: str | None
    severity: str  # notice | warning | critical
    level: int = 1
    things: int = 1
    facts: Mapping[str, Any] = {}

    @property
    def key(self) -> str:
        """One alert at a time has it."""
        return f"{self.kind} {self.subject}"


def unresolved(tx: Tx) -> dict[str, Alert]:
    """Every alert that is not over, by its key."""
    query = select(Alert).where(col(Alert.open_key).is_not(None)).order_by(col(Alert.id))
    return {str(alert.open_key): alert for alert in tx.session.scalars(query)}


def every(tx: Tx, since: timedelta | None = None) -> list[Alert]:
    """The alerts that are not over, and those that were `since` ago or later (None: none of them), the newest first."""
    live, over = col(Alert.open_key).is_not(None), col(Alert.resolved_at)
    wanted = live if since is None else or_(live, over >= tx.now - since)
    return list(tx.session.scalars(select(Alert).where(wanted).order_by(col(Alert.id).desc())))


def get(tx: Tx, alert_id: str) -> Alert | None:
    """The alert of that id."""
    return tx.session.get(Alert, alert_id)


def raised(tx: Tx, of: Symptom) -> Alert:
    """A new alert."""
    values = of._asdict() | {"facts": dict(of.facts), "open_key": of.key, "state": AlertState.OPEN}
    values |= {"opened_at": tx.now, "last_seen_at": tx.now, "told_at": tx.now}
    alert = Alert(id=new_id("ALE"), **values)
    moves.born(tx, alert, of.kind, {"subject": of.subject, "things": of.things})
    return alert


def add(tx: Tx, alert: Alert, of: Symptom) -> None:
    """What caused the alert is still there, as it is now. It never gets less bad while it lasts."""
    values: dict[str, Any] = {"things": of.things, "facts": dict(of.facts), "last_seen_at": tx.now}
    if of.level > alert.level:
        values |= {"level": of.level, "severity": of.severity}
    _keep(tx, alert, values)


def reopen(tx: Tx, alert: Alert) -> None:
    """It got worse since somebody said that they are on it."""
    moves.move(tx, alert, AlertState.OPEN, "worse", seen_by=None, said=None)


def seen(tx: Tx, alert: Alert, *, said: str) -> None:
    """A person is on it: it is not told again unless it gets worse."""
    moves.move(tx, alert, AlertState.SEEN, "seen", detail={"said": said}, seen_by=tx.actor, said=said)


def resolve(tx: Tx, alert: Alert) -> None:
    """It is over; the same cause raises a new one."""
    moves.move(tx, alert, AlertState.RESOLVED, "over", open_key=None, resolved_at=tx.now)


def told(tx: Tx, alert: Alert) -> None:
    """It was put on the way to whoever must know."""
    _keep(tx, alert, {"told_at": tx.now})


def _keep(tx: Tx, alert: Alert, values: dict[str, Any]) -> None:
    changed(tx, update(Alert).where(col(Alert.id) == alert.id).values(**values))
    tx.session.refresh(alert)


# -- who is to be told --


def notice(tx: Tx, alert: Alert, recipient: str, what: str) -> None:
    """A recipient is to be told: `opened`, `worse`, `still` or `resolved`."""
    row = AlertNotice(
        id=new_id("NOT"), alert_id=alert.id, recipient=recipient, what=what, severity=alert.severity, created_at=tx.now
    )
    tx.session.add(row)


def notified(tx: Tx, alert: Alert) -> set[str]:
    """Whoever was told of it, or is about to be."""
    query = select(col(AlertNotice.recipient)).where(col(AlertNotice.alert_id) == alert.id)
    return set(tx.session.scalars(query))


def counted(tx: Tx) -> dict[tuple[str, str], int]:
    """How many alerts are not over, by kind and severity."""
    keys = (col(Alert.kind), col(Alert.severity))
    query = select(*keys, func.count()).where(col(Alert.open_key).is_not(None)).group_by(*keys)
    return {(kind, severity): count for kind, severity, count in tx.session.execute(query)}
