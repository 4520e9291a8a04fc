"""Messages on their way: written down before anything leaves, sent until they arrive or are given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import col

from gateway.identifiers import new_id
from gateway.models import Alert, AlertNotice, Message
from gateway.store.engine import Tx, changed


def write(tx: Tx, recipient: str, kind: str, body: dict[str, Any]) -> Message:
    """A message that is to leave."""
    message = Message(id=new_id("MSG"), recipient=recipient, kind=kind, body=body, created_at=tx.now)
    tx.session.add(message)
    tx.session.flush()
    return message


def under_way(tx: Tx, recipient: str) -> Message | None:
    """The oldest message that has not arrived."""
    query = select(Message).where(col(Message.recipient) == recipient, _waits()).order_by(col(Message.id)).limit(1)
    return tx.session.scalars(query).one_or_none()


def untold(tx: Tx, recipient: str, severities: Collection[str]) -> list[tuple[AlertNotice, Alert]]:
    """What a recipient is to be told and no message says yet, the oldest first."""
    mine = (col(AlertNotice.recipient) == recipient, col(AlertNotice.message_id).is_(None))
    query = (
        select(AlertNotice, Alert)
        .join(Alert, col(Alert.id) == col(AlertNotice.alert_id))
        .where(*mine, col(AlertNotice.severity).in_(severities))
        .order_by(col(AlertNotice.id))
    )
    return [(notice, alert) for notice, alert in tx.session.execute(query)]


def say(tx: Tx, message: Message, notices: Sequence[AlertNotice]) -> None:
    """The message says what these are about."""
    for notice in notices:
        changed(tx, update(AlertNotice).where(col(AlertNotice.id) == notice.id).values(message_id=message.id))


def sent(tx: Tx, message: Message) -> None:
    """It arrived: the other side said so."""
    _keep(tx, message, {"sent_at": tx.now, "attempts": message.attempts + 1, "next_try_at": None, "last_error": None})


def failed(tx: Tx, message: Message, error: str, next_try_at: datetime | None) -> None:
    """It did not arrive. `error`: a code. Without a next try it is given up."""
    gone = {"given_up_at": tx.now} if next_try_at is None else {}
    _keep(tx, message, {"attempts": message.attempts + 1, "last_error": error, "next_try_at": next_try_at, **gone})


def stuck(tx: Tx, since: datetime) -> list[Message]:
    """Messages written before a moment that have not arrived, one of each recipient: the oldest."""
    first = select(func.min(col(Message.id))).where(_waits()).group_by(col(Message.recipient))
    query = select(Message).where(
        col(Message.id).in_(first), col(Message.created_at) < since, col(Message.attempts) > 0
    )
    return list(tx.session.scalars(query.order_by(col(Message.recipient))))


def waiting(tx: Tx) -> dict[str, int]:
    """How many messages have not arrived, by recipient."""
    query = select(col(Message.recipient), func.count()).where(_waits()).group_by(col(Message.recipient))
    return {str(recipient): count for recipient, count in tx.session.execute(query)}


def of_alert(tx: Tx, alert_id: str) -> list[tuple[AlertNotice, Message | None]]:
    """Who was told what of an alert, and by which message."""
    query = (
        select(AlertNotice, Message)
        .outerjoin(Message, col(Message.id) == col(AlertNotice.message_id))
        .where(col(AlertNotice.alert_id) == alert_id)
        .order_by(col(AlertNotice.id))
    )
    return [(notice, message) for notice, message in tx.session.execute(query)]


def _waits() -> Any:
    return col(Message.sent_at).is_(None) & col(Message.given_up_at).is_(None)


def _keep(tx: Tx, message: Message, values: dict[str, Any]) -> None:
    changed(tx, update(Message).where(col(Message.id) == message.id).values(**values))
