"""Parcels: files fetched from a payer, until they are known to be gone there."""

from __future__ import annotations

from sqlmodel import col, select

from gateway.models import Parcel, Reply
from gateway.store.engine import Tx


def known(tx: Tx, payer: str, number: str, name: str, sha256: str) -> Parcel | None:
    """What was already fetched under this number with this name and these bytes."""
    return tx.session.exec(
        select(Parcel).where(
            Parcel.payer == payer, Parcel.number == number, Parcel.name == name, Parcel.sha256 == sha256
        )
    ).one_or_none()


def add(tx: Tx, row: Parcel) -> None:
    """Record one that was fetched."""
    tx.session.add(row)
    tx.session.flush()


def of(tx: Tx, reply: Reply) -> Parcel | None:
    """What a reply came in; None for one of ours, or one given at once."""
    return tx.session.get(Parcel, reply.parcel_id) if reply.parcel_id else None


def still_there(tx: Tx, payer: str, number: str) -> list[Parcel]:
    """Parcels that are recorded but not known to be removed from the payer's mailbox."""
    return list(
        tx.session.exec(
            select(Parcel).where(Parcel.payer == payer, Parcel.number == number, col(Parcel.removed_at).is_(None))
        )
    )


def removed(tx: Tx, parcel_id: str) -> None:
    """The parcel is out of the payer's mailbox."""
    found = tx.session.get_one(Parcel, parcel_id)
    if found.removed_at is None:
        found.removed_at = tx.now
        tx.session.add(found)


def said_again(tx: Tx, parcel_id: str, more: int) -> None:
    """The payer put a parcel there anew after we had removed it: so many more replies came with it."""
    found = tx.session.get_one(Parcel, parcel_id)
    found.replies, found.removed_at = found.replies + more, None
    tx.session.add(found)
