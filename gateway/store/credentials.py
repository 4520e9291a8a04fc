"""The rows of passwords: found by (payer, number), leased for one login, every attempt counted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlmodel import col

from gateway.identifiers import new_id
from gateway.models import Credential, CredentialAttempt, CredentialPast
from gateway.states import CredentialState
from gateway.store import moves
from gateway.store.engine import Tx, changed

UNREADABLE = "answer_unreadable"  # why one stays CHANGING until a person gives the password


def find(tx: Tx, payer: str, number: str, machine: str = "") -> Credential | None:
    """The credential of a transmission number at a payer, or of one machine of that number."""
    query = select(Credential).where(col(Credential.payer) == payer, col(Credential.number) == number)
    query = query.where(col(Credential.machine) == machine)
    return tx.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def every(tx: Tx) -> list[Credential]:
    """All of them, by payer, number and machine."""
    order = (col(Credential.payer), col(Credential.number), col(Credential.machine))
    return list(tx.session.scalars(select(Credential).order_by(*order).execution_options(populate_existing=True)))


def of_lanes(tx: Tx, lanes: Collection[tuple[str, str]]) -> list[Credential]:
    """The credentials of these (payer, number), their machines' included; by payer, number and machine."""
    order = (col(Credential.payer), col(Credential.number), col(Credential.machine))
    query = select(Credential).where(in_lanes(lanes)).order_by(*order)
    return list(tx.session.scalars(query.execution_options(populate_existing=True)))


def in_lanes(lanes: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    """The condition that a credential is of one of these (payer, number)."""
    whose = [and_(col(Credential.payer) == payer, col(Credential.number) == number) for payer, number in lanes]
    return or_(false(), *whose)


def of_numbers(tx: Tx, payer: str, numbers: Collection[str]) -> list[Credential]:
    """The credentials of these numbers at a payer, their machines' included; by number and machine."""
    query = select(Credential).where(col(Credential.payer) == payer, col(Credential.number).in_(list(numbers)))
    order = (col(Credential.number), col(Credential.machine))
    return list(tx.session.scalars(query.order_by(*order).execution_options(populate_existing=True)))


def expect(
    tx: Tx, payer: str, number: str, machine: str = "", *, origin: str | None = None, reason: str = "number_registered"
) -> Credential:
    """The credential, made EXPECTED when there is none."""
    known = find(tx, payer, number, machine)
    if known is not None:
        return known
    born = Credential(
        id=new_id("CRE"),
        payer=payer,
        number=number,
        machine=machine,
        origin=origin,
        state=CredentialState.EXPECTED,
        created_at=tx.now,
    )
    moves.born(tx, born, reason, {"machine": machine} if machine else None)
    return born


def lease(tx: Tx, row: Credential, *, owner: str, seconds: float) -> bool:
    """Keep everyone else from logging in with this credential. False while someone else does. The fencing number
    rises, so that a login whose lease ran out can no longer change anything."""
    holder = col(Credential.lease_owner)
    free = or_(holder.is_(None), holder == owner, col(Credential.lease_until) <= tx.now)
    mine = update(Credential).where(col(Credential.id) == row.id, free)
    until = tx.now + timedelta(seconds=seconds)
    taken = changed(tx, mine.values(lease_owner=owner, lease_until=until, fence=Credential.fence + 1)) == 1
    tx.session.refresh(row)
    return taken


def release(tx: Tx, row: Credential, *, owner: str) -> None:
    """Let others log in again. Nothing happens when the lease is no longer `owner`'s."""
    mine = update(Credential).where(col(Credential.id) == row.id, col(Credential.lease_owner) == owner)
    changed(tx, mine.values(lease_owner=None, lease_until=None))
    tx.session.refresh(row)


def keep(tx: Tx, row: Credential, **values: Any) -> None:
    """Write columns that are no state: when it was proved, a journal."""
    changed(tx, update(Credential).where(col(Credential.id) == row.id).values(**values))
    tx.session.refresh(row)


def attempt(tx: Tx, row: Credential, slot: str) -> str:
    """Write down that the password of `slot` is about to be given; its outcome is not known yet. Gives its id."""
    made = CredentialAttempt(
        id=new_id("TRY"), credential_id=row.id, slot=slot, generation=row.generation, at=tx.now, outcome=None
    )
    tx.session.add(made)
    tx.session.flush()
    return made.id


def conclude(tx: Tx, attempt_id: str, outcome: str) -> None:
    """What came of an attempt: `proved` or `refused`."""
    changed(tx, update(CredentialAttempt).where(col(CredentialAttempt.id) == attempt_id).values(outcome=outcome))


def spent(tx: Tx, row: Credential, since: datetime) -> list[datetime]:
    """When, after `since`, an attempt failed or stayed unproven; oldest first."""
    tries = select(col(CredentialAttempt.at)).where(
        col(CredentialAttempt.credential_id) == row.id,
        col(CredentialAttempt.at) > since,
        or_(col(CredentialAttempt.outcome).is_(None), col(CredentialAttempt.outcome) != "proved"),
    )
    return list(tx.session.scalars(tries.order_by(col(CredentialAttempt.at))))


def tries(tx: Tx, row: Credential) -> list[tuple[str, str | None]]:
    """The slots tried since the credential's last change, in that order, and what came of it (None: not known)."""
    query = select(col(CredentialAttempt.slot), col(CredentialAttempt.outcome)).where(
        col(CredentialAttempt.credential_id) == row.id, col(CredentialAttempt.generation) == row.generation
    )
    order = (col(CredentialAttempt.at), col(CredentialAttempt.id))
    return [(row.slot, row.outcome) for row in tx.session.execute(query.order_by(*order))]


def last_attempt(tx: Tx, row: Credential, slot: str) -> CredentialAttempt | None:
    """The last time that slot was tried."""
    mine = (col(CredentialAttempt.credential_id) == row.id, col(CredentialAttempt.slot) == slot)
    query = (
        select(CredentialAttempt)
        .where(*mine)
        .order_by(col(CredentialAttempt.at).desc(), col(CredentialAttempt.id).desc())
    )
    return tx.session.scalars(query.limit(1)).first()


def failures(tx: Tx, row: Credential) -> int:
    """How many passwords were refused, or got no answer, since one was accepted: what the payer may have counted."""
    mine = col(CredentialAttempt.credential_id) == row.id
    proved = select(func.max(col(CredentialAttempt.at))).where(mine, col(CredentialAttempt.outcome) == "proved")
    last = tx.session.scalar(proved)
    query = select(func.count()).select_from(CredentialAttempt).where(mine)
    query = query.where(or_(col(CredentialAttempt.outcome).is_(None), col(CredentialAttempt.outcome) != "proved"))
    return tx.session.scalar(query if last is None else query.where(col(CredentialAttempt.at) > last)) or 0


def past(tx: Tx, row: Credential, *, kind: str | None = None) -> list[CredentialPast]:
    """Passwords that were in use, the last one first."""
    query = select(CredentialPast).where(col(CredentialPast.credential_id) == row.id)
    query = query if kind is None else query.where(col(CredentialPast.kind) == kind)
    return list(tx.session.scalars(query.order_by(col(CredentialPast.at).desc(), col(CredentialPast.id).desc())))


def add_past(tx: Tx, row: Credential, *, kind: str, salt: bytes, digest: bytes) -> None:
    """Keep the hash of one that is or was in use."""
    made = CredentialPast(id=new_id("PAS"), credential_id=row.id, kind=kind, salt=salt, digest=digest, at=tx.now)
    tx.session.add(made)
    tx.session.flush()
