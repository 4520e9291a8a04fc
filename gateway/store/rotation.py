"""What stands in the way of changing a password now: a transmission of its agency, another change of its agency."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlmodel import col

from gateway.identifiers import lane
from gateway.models import Credential, CredentialAttempt, Due, Request
from gateway.states import CredentialState, RequestState
from gateway.store.credentials import UNREADABLE, in_lanes
from gateway.store.engine import Tx

Number = tuple[str, str]  # payer, number


def transmitting(tx: Tx, numbers: Collection[Number], waits: Number | None = None) -> bool:
    """Whether a worker that may still live sends under one of these numbers, or looks what there is to send; looking
    does not count under the number that `waits`."""
    lanes = [lane(payer, number) for payer, number in numbers if (payer, number) != waits]
    looking = select(col(Due.stage)).where(
        col(Due.stage) == "transmit",
        col(Due.endpoint).in_(lanes),
        col(Due.owner).is_not(None),
        col(Due.lease_until) > tx.now,
    )
    sending = select(col(Request.id)).where(
        or_(*(and_(col(Request.payer) == payer, col(Request.number) == number) for payer, number in numbers)),
        col(Request.state) == RequestState.TRANSMITTING,
        col(Request.lease_until) > tx.now,
    )
    return any(tx.session.execute(query.limit(1)).first() is not None for query in (looking, sending))


def logging_in(tx: Tx, numbers: Collection[Number], but: Credential) -> bool:
    """Whether another password of these numbers is in use by a login, or by a change, just now."""
    return _any(tx, numbers, col(Credential.lease_until) > tx.now, col(Credential.id) != but.id)


def in_doubt(tx: Tx, numbers: Collection[Number], but: Credential, *, unreadable: bool = True) -> bool:
    """Whether of another password of these numbers nobody knows which slot counts. `unreadable`: count those too that
    a person must settle, for nobody can read the payer's answer."""
    rests = or_(col(Credential.lease_until).is_(None), col(Credential.lease_until) <= tx.now)
    some = true() if unreadable else func.coalesce(col(Credential.reason), "") != UNREADABLE
    changing = col(Credential.state) == CredentialState.CHANGING
    return _any(tx, numbers, changing, rests, some, col(Credential.id) != but.id)


def under_way(tx: Tx, numbers: Collection[Number]) -> bool:
    """Whether a password of these numbers is being changed just now without the payer having asked."""
    unasked = exists().where(
        col(CredentialAttempt.credential_id) == col(Credential.id),
        col(CredentialAttempt.generation) == col(Credential.generation),
        col(CredentialAttempt.slot) == "change",
    )
    changing = col(Credential.state) == CredentialState.CHANGING
    return _any(tx, numbers, changing, col(Credential.lease_until) > tx.now, unasked)


def _any(tx: Tx, numbers: Collection[Number], *which: ColumnElement[bool]) -> bool:
    query = select(col(Credential.id)).where(in_lanes(numbers), *which)
    return tx.session.execute(query.limit(1)).first() is not None
