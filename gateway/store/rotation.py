"""What stands in the way of changing a password now: a transmission of its agency, another change of its agency."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, or_, select
from sqlmodel import col

from gateway.identifiers import lane
from gateway.models import Credential, Due, Request
from gateway.states import CredentialState, RequestState
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


def changing(tx: Tx, numbers: Collection[Number], but: Credential) -> bool:
    """Whether another password of these numbers is being changed, or is in use by a login just now."""
    whose = [and_(col(Credential.payer) == payer, col(Credential.number) == number) for payer, number in numbers]
    busy = or_(col(Credential.state) == CredentialState.CHANGING, col(Credential.lease_until) > tx.now)
    query = select(col(Credential.id)).where(or_(*whose), busy, col(Credential.id) != but.id)
    return tx.session.execute(query.limit(1)).first() is not None
