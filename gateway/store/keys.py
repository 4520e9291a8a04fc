"""The rows of keys: which master key counts, and what is wrapped under it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select, update
from sqlmodel import col

from gateway.models import Credential, DataKey, MasterKey
from gateway.store.engine import Tx, changed

SEALED = ("current", "pending", "journal")  # the columns of a credential that are sealed, by what they hold


def current(tx: Tx) -> MasterKey | None:
    """The master key that new data keys are wrapped under; None before the first start."""
    return tx.session.scalars(select(MasterKey).where(col(MasterKey.retired_at).is_(None))).one_or_none()


def master(tx: Tx, fingerprint: str) -> MasterKey | None:
    """A master key that is or was in use."""
    return tx.session.get(MasterKey, fingerprint, populate_existing=True)


def retiring(tx: Tx) -> list[MasterKey]:
    """The master keys that data keys may still be wrapped under although another one took their place."""
    old = select(MasterKey).where(col(MasterKey.retired_at).is_not(None), col(MasterKey.refused_at).is_(None))
    return list(tx.session.scalars(old.order_by(col(MasterKey.since))))


def begin(tx: Tx, fingerprint: str) -> bool:
    """From now on this master key is the current one, and every other one is retired; False when it was already."""
    before = current(tx)
    if before is not None and before.fingerprint == fingerprint:
        return False
    others = col(MasterKey.fingerprint) != fingerprint
    changed(tx, update(MasterKey).where(others, col(MasterKey.retired_at).is_(None)).values(retired_at=tx.now))
    changed(tx, update(MasterKey).where(~others).values(retired_at=None))
    if master(tx, fingerprint) is None:
        tx.session.add(MasterKey(fingerprint=fingerprint, since=tx.now))
        tx.session.flush()
    return True


def refuse(tx: Tx, fingerprint: str) -> None:
    """This master key opens nothing any more."""
    mine = col(MasterKey.fingerprint) == fingerprint
    changed(tx, update(MasterKey).where(mine, col(MasterKey.refused_at).is_(None)).values(refused_at=tx.now))


def kit_made(tx: Tx, fingerprint: str) -> None:
    """A recovery kit of this master key was made."""
    changed(tx, update(MasterKey).where(col(MasterKey.fingerprint) == fingerprint).values(kit_at=tx.now))


def find(tx: Tx, scope: str) -> DataKey | None:
    """The data key of a scope, as it stands in the database now."""
    return tx.session.get(DataKey, scope, populate_existing=True)


def add(tx: Tx, scope: str, wrapped: bytes, fingerprint: str) -> None:
    """Keep a new data key."""
    tx.session.add(DataKey(scope=scope, wrapped=wrapped, master=fingerprint, made_at=tx.now))
    tx.session.flush()


def destroy(tx: Tx, scope: str) -> bool:
    """Overwrite the data key of a scope; whether there was one. First with as many zeros, in its own place: a row that
    grows may be written elsewhere, and its old bytes stay in the file."""
    row = find(tx, scope)
    if row is None or row.destroyed_at is not None:
        return False
    mine = update(DataKey).where(col(DataKey.scope) == scope)
    changed(tx, mine.values(wrapped=bytes(len(row.wrapped))))
    changed(tx, mine.values(destroyed_at=tx.now))
    return True


def under(tx: Tx, fingerprint: str, most: int) -> list[DataKey]:
    """At most so many data keys that are wrapped under a master key."""
    live = select(DataKey).where(col(DataKey.master) == fingerprint, col(DataKey.destroyed_at).is_(None))
    return list(tx.session.scalars(live.limit(most)))


def rewrap(tx: Tx, scope: str, wrapped: bytes, fingerprint: str) -> None:
    """Put the same data key under another master key, in its own place."""
    changed(tx, update(DataKey).where(col(DataKey.scope) == scope).values(wrapped=wrapped, master=fingerprint))


def count(tx: Tx) -> tuple[int, int]:
    """How many data keys there are, and how many were destroyed."""
    destroyed = func.count(col(DataKey.destroyed_at))
    every, gone = tx.session.execute(select(func.count(col(DataKey.scope)), destroyed)).one()
    return every - gone, gone


def sealed_values(tx: Tx) -> Iterator[tuple[Credential, str, bytes]]:
    """Every sealed value of a credential: the row, the column, the value."""
    for row in tx.session.scalars(select(Credential)).all():
        yield from ((row, column, value) for column in SEALED if (value := getattr(row, column)) is not None)


def seal_again(tx: Tx, row: Credential, column: str, value: bytes) -> None:
    """Keep another sealed form of the same value."""
    changed(tx, update(Credential).where(col(Credential.id) == row.id).values({column: value}))
