"""The register of confidentiality incidents. No entry is ever deleted; of what changes in one the chain is told the
name, never the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlmodel import col

from gateway.clock import local
from gateway.identifiers import new_id
from gateway.models import Incident
from gateway.store import moves
from gateway.store.engine import Tx, changed


def open_(tx: Tx, aware_on: date, values: Mapping[str, Any], *, origin: str, records: Iterable[str] = ()) -> Incident:
    """A new entry. `origin`: person or recall."""
    facts: dict[str, Any] = {"opened_at": tx.now, "opened_by": tx.actor, "origin": origin, "records": list(records)}
    row = Incident(id=new_id("INC"), aware_on=aware_on, **facts, **values)
    tx.session.add(row)
    tx.session.flush()
    detail = {"origin": origin, "aware_on": str(aware_on), "fields": sorted(values), "records": row.records}
    moves.tell(tx, "incident", [(row.id, "incident_opened", detail)])
    return row


def record(tx: Tx, row: Incident, changes: Mapping[str, Any]) -> bool:
    """Write down more. False: it is closed."""
    known = (col(Incident.id) == row.id) & col(Incident.closed_at).is_(None)
    if changed(tx, update(Incident).where(known).values(**changes)) != 1:
        return False
    tx.session.refresh(row)
    moves.tell(tx, "incident", [(row.id, "incident_recorded", {"fields": sorted(changes)})])
    return True


def close(tx: Tx, row: Incident) -> bool:
    """Nothing is missing from it any more. False: it is closed already."""
    known = (col(Incident.id) == row.id) & col(Incident.closed_at).is_(None)
    if changed(tx, update(Incident).where(known).values(closed_at=tx.now, closed_by=tx.actor)) != 1:
        return False
    moves.tell(tx, "incident", [(row.id, "incident_closed", {})])
    return True


def every(tx: Tx, *, closed: bool = True) -> list[Incident]:
    """Every entry, the first that was learned of first."""
    query = select(Incident).order_by(col(Incident.aware_on), col(Incident.id))
    return list(tx.session.scalars(query if closed else query.where(col(Incident.closed_at).is_(None))))


def learned(tx: Tx, since: datetime, until: datetime) -> list[Incident]:
    """Those that one became aware of from the day of `since` until before the day of `until`."""
    first, before = local(since).date(), local(until).date()
    query = select(Incident).where(col(Incident.aware_on) >= first, col(Incident.aware_on) < before)
    return list(tx.session.scalars(query.order_by(col(Incident.aware_on), col(Incident.id))))


def matching(tx: Tx, text: str) -> list[Incident]:
    """Those whose id begins or ends with the text (its `%` and `_` are no wildcards)."""
    id_ = col(Incident.id)
    query = select(Incident).where(or_(id_.startswith(text, autoescape=True), id_.endswith(text, autoescape=True)))
    return list(tx.session.scalars(query.order_by(id_)))
