"""The rows of applications and their signatures; every change leaves its event."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import or_, select, update
from sqlmodel import col

from gateway.models import Application, ApplicationSignature
from gateway.store import moves
from gateway.store.engine import Tx


def add(tx: Tx, row: Application, detail: dict[str, Any]) -> None:
    """Insert an application and tell of it."""
    tx.session.add(row)
    tx.session.flush()
    moves.note(tx, row, "application_opened", detail)


def matching(tx: Tx, text: str) -> list[Application]:
    """Those whose id begins or ends with the text (its `%` and `_` are no wildcards)."""
    id_ = col(Application.id)
    query = select(Application).where(or_(id_.startswith(text, autoescape=True), id_.endswith(text, autoescape=True)))
    return list(tx.session.scalars(query.order_by(id_)))


def every(tx: Tx) -> list[Application]:
    """All of them, oldest first."""
    return list(tx.session.scalars(select(Application).order_by(col(Application.id))))


def open_for(tx: Tx, account: str) -> list[Application]:
    """Those about an account that were neither confirmed nor withdrawn."""
    query = select(Application).where(
        col(Application.account_id) == account,
        col(Application.confirmed_on).is_(None),
        col(Application.withdrawn_on).is_(None),
    )
    return list(tx.session.scalars(query.order_by(col(Application.id))))


def change(tx: Tx, row: Application, changes: dict[str, Any], reason: str, detail: dict[str, Any]) -> None:
    """Change columns and tell of it; the values before stay in the chain of events."""
    before = {name: _plain(getattr(row, name)) for name in changes}
    after = {name: _plain(value) for name, value in changes.items()}
    tx.session.execute(update(Application).where(col(Application.id) == row.id).values(**changes))
    tx.session.refresh(row)
    moves.note(tx, row, reason, {"before": before, "after": after, **detail})


def sign(tx: Tx, row: Application, who: str, day: date) -> None:
    """Write down a signature; a second one of the same person replaces the day of the first."""
    known = tx.session.get(ApplicationSignature, (row.id, who))
    if known is not None and known.signed_on == day:
        return
    tx.session.merge(ApplicationSignature(application_id=row.id, who=who, signed_on=day))
    tx.session.flush()
    moves.note(tx, row, "application_signed", {"who": who, "on": str(day)})


def signatures(tx: Tx, id_: str) -> dict[str, date]:
    """Who signed, and when."""
    rows = tx.session.scalars(select(ApplicationSignature).where(col(ApplicationSignature.application_id) == id_))
    return {row.who: row.signed_on for row in rows}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date) else value
