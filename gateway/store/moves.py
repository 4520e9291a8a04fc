"""The one door through which a record changes its state, and the chain of events that tells of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import make_transient
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel, col

from gateway import models
from gateway.errors import StaleState, StoreError
from gateway.models import Alert, Batch, ChainHead, Credential, Event, Reply, Request
from gateway.models.columns import Leased
from gateway.states import BORN, AlertState, BatchState, CredentialState, ReplyState, RequestState, allowed
from gateway.store import chain
from gateway.store.connection import sentence
from gateway.store.engine import Tx, changed, table_of

Record = Batch | Request | Reply | Credential | Alert
_STATES: MappingProxyType[str, type[StrEnum]] = MappingProxyType(
    {
        "batch": BatchState,
        "request": RequestState,
        "reply": ReplyState,
        "credential": CredentialState,
        "alert": AlertState,
    }
)
_REGISTRY = (
    models.Fact,
    models.Account,
    models.Agency,
    models.Developer,
    models.PracticeGroup,
    models.Practitioner,
    models.Source,
)
# Who rests in one of these is asked why; elsewhere an old reason would only mislead.
_EXPLAINED = frozenset({"HELD", "REFUSED", "LOCKED", "EXPIRED", "REVOKED"})


def born(tx: Tx, record: Record, reason: str, detail: dict[str, Any] | None = None) -> None:
    """Insert a record in a state it may start in, with its first event. `reason` is a code.

    Raises StoreError when it may not start there.
    """
    if record.state not in BORN[kind_of(record)]:
        raise StoreError(sentence("unborn", record=record.id, state=record.state))
    if record.state in _EXPLAINED and record.reason is None:
        record.reason = reason
    tx.session.add(record)
    tx.session.flush()
    tx.undo.append(lambda: make_transient(record))
    _tell(tx, record, None, record.state, reason, detail)


def move(
    tx: Tx, record: Record, to: StrEnum, reason: str, *, detail: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Bring a record from the state we saw it in to another one; write the event; bring the object up to date.

    `reason` is a code; the record keeps it while it rests HELD, REFUSED, LOCKED, EXPIRED or REVOKED. A lease ends with
    the state it was taken for. Raises StoreError when no way leads there, StaleState when the record is no longer in
    that state or its lease was taken by another worker.
    """
    old = record.state
    if not allowed(kind_of(record), _STATES[kind_of(record)](old), to):
        raise StoreError(sentence("forbidden", record=record.id, old=old, new=to))
    changes = {"state": str(to), "reason": reason if to in _EXPLAINED else None} | changes
    if isinstance(record, Leased):
        changes = {"lease_owner": None, "lease_until": None} | changes
    _change(tx, record, changes)
    _tell(tx, record, old, str(to), reason, detail)


def take(tx: Tx, record: Record, to: StrEnum, reason: str, *, owner: str, seconds: float, **changes: Any) -> int:
    """Move a record and lease it to `owner` for `seconds`; give its new fencing number. Raises like `move`."""
    if not isinstance(record, Leased):
        raise TypeError(f"a {kind_of(record)} has no lease")
    fence = record.fence + 1
    until = tx.now + timedelta(seconds=seconds)
    move(tx, record, to, reason, lease_owner=owner, lease_until=until, fence=fence, **changes)
    return fence


def renew(tx: Tx, record: Record, *, seconds: float) -> None:
    """Keep a lease for `seconds` more from now, without an event. Raises StaleState when it is no longer ours."""
    _change(tx, record, {"lease_until": tx.now + timedelta(seconds=seconds)})


def note(tx: Tx, record: SQLModel, reason: str, detail: dict[str, Any] | None = None) -> None:
    """An event about a record that does not change its state (or has none: then the event's states are empty)."""
    state = getattr(record, "state", "")
    _tell(tx, record, state or None, state, reason, detail)


def tell(tx: Tx, kind: str, told: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
    """Events about many records without a state at once, in their order: id, reason (a code), detail."""
    _chain(tx, ((kind, id_, None, "", reason, detail) for id_, reason, detail in told))


def kind_of(record: SQLModel) -> str:
    """What an event calls the record: `batch`, `request`, `reply`, `credential`, `registry`, else its table's name."""
    return "registry" if isinstance(record, _REGISTRY) else table_of(type(record)).name


def verify_chain(tx: Tx) -> int | None:
    """The number of the first event that was altered, deleted or put elsewhere; None when all are as written.

    A chain cut at its end together with its head looks whole: only a head kept elsewhere shows that (chain.examine).
    """
    flaw = chain.examine(tx).flaw
    return None if flaw is None else flaw.seq


def _tell(tx: Tx, record: SQLModel, old: str | None, new: str, reason: str, detail: dict[str, Any] | None) -> None:
    _chain(tx, [(kind_of(record), _id(record), old, new, reason, detail)])


def _chain(tx: Tx, told: Iterable[tuple[str, str, str | None, str, str, dict[str, Any] | None]]) -> None:
    """Add links to the chain. Its head is locked until the transaction ends."""
    head = tx.session.execute(select(col(ChainHead.hash), col(ChainHead.events)).with_for_update()).one()
    previous, seq, rows = head.hash, head.events, []
    for kind, id_, old, new, reason, detail in told:
        values = (chain.CHAIN_VERSION, previous, kind, id_, old, new, tx.now, tx.actor, reason, detail or {})
        link = dict(zip(chain.LINK, values, strict=True))
        link["detail"] = json.loads(json.dumps(link["detail"], allow_nan=False))  # as it will be read back
        previous, seq = chain.link_hash(link), seq + 1
        rows.append({**link, "seq": seq, "hash": previous})
    if rows:
        tx.session.execute(table_of(Event).insert(), rows)
        tx.session.execute(update(table_of(ChainHead)).values(hash=previous, events=seq))


def _change(tx: Tx, record: Record, changes: dict[str, Any]) -> None:
    """The guarded update: only while the record is as we saw it."""
    table = table_of(type(record))
    seen = (table.c.id == record.id) & (table.c.state == record.state)
    if isinstance(record, Leased):
        seen &= table.c.fence == record.fence
    if changed(tx, update(table).where(seen).values(changes)) != 1:
        raise StaleState(sentence("stale", record=record.id, state=record.state))
    before = {name: getattr(record, name) for name in changes}
    tx.undo.append(lambda: _set(record, before))
    _set(record, changes)


def _set(record: Record, values: dict[str, Any]) -> None:
    for name, value in values.items():
        set_committed_value(record, name, value)


def _id(record: SQLModel) -> str:
    return str(inspect(record).mapper.primary_key_from_instance(record)[0])
