"""What the chain also tells: who looked at what, which configuration was in force; and the registers drawn from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlmodel import col

from gateway.models import Batch, Event, Reply, Request
from gateway.states import ReplyState, RequestState
from gateway.store import moves
from gateway.store.engine import Tx

LOOK = "look"  # the kind of an event that tells of a person who looked; its record is what was looked at
SETTINGS = "configuration"
_STREAM = {"yield_per": 1000}


@dataclass(frozen=True, slots=True)
class Look:
    """A person looked at a record: which, by which command, when."""

    seq: int
    at: datetime
    actor: str
    kind: str
    record: str
    command: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one person did in a period: looks at how many records, other entries of the chain."""

    actor: str
    looks: int
    records: int
    others: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Communication:
    """A document went to somebody: a request to a payer, or a reply to an agency. `recipient`: a payer's name, or an
    agency's id."""

    seq: int
    at: datetime
    record: str
    nature: str  # the request's format, or the reply's kind
    purpose: str  # payment: insured services are claimed from the payer; answer: the agency gets what is owed to it
    recipient: str
    number: str | None  # the transmission number
    agency: str | None  # whose it is
    sha256: str | None  # of a request: the bytes


def look(tx: Tx, kind: str, record: str, command: str) -> None:
    """A person sees what is kept of a record; written before it is shown."""
    moves.tell(tx, LOOK, [(record, "looked", {"kind": kind, "command": command})])


def settings(tx: Tx, sections: Mapping[str, str]) -> list[str]:
    """Note the configuration in force, by the hash of each section, when it is another than the last noted; give the
    names of the sections that changed, came or went."""
    query = select(col(Event.detail)).where(col(Event.record_id) == SETTINGS, col(Event.record_kind) == SETTINGS)
    known = (tx.session.scalar(query.order_by(col(Event.seq).desc()).limit(1)) or {}).get("sections", {})
    changed = sorted(name for name in known.keys() | sections.keys() if known.get(name) != sections.get(name))
    if changed:
        detail = {"changed": changed, "sections": dict(sections)}
        moves.tell(tx, SETTINGS, [(SETTINGS, "configuration_changed", detail)])
    return changed


def looks(tx: Tx, since: datetime, until: datetime) -> Iterator[Look]:
    """Who saw what from `since` until before `until`, in the chain's order."""
    query = select(col(Event.seq), col(Event.at), col(Event.actor), col(Event.detail), col(Event.record_id)).where(
        col(Event.record_kind) == LOOK, *_within(since, until)
    )
    for row in tx.session.execute(query.order_by(col(Event.seq)), execution_options=_STREAM):
        kind, command = row.detail.get("kind", ""), row.detail.get("command", "")
        yield Look(row.seq, row.at, row.actor, kind, row.record_id, command)


def accesses(tx: Tx, since: datetime, until: datetime) -> list[Access]:
    """The same, by person, with what else they did; by name."""
    looked = case((col(Event.record_kind) == LOOK, col(Event.record_id)))
    query = (
        select(
            col(Event.actor),
            func.count(looked).label("looks"),
            func.count(looked.distinct()).label("records"),
            func.count().label("entries"),
            func.min(col(Event.at)).label("first"),
            func.max(col(Event.at)).label("last"),
        )
        .where(*_within(since, until))
        .group_by(col(Event.actor))
        .order_by(col(Event.actor))
    )
    return [
        Access(row.actor, row.looks, row.records, row.entries - row.looks, row.first, row.last)
        for row in tx.session.execute(query)
    ]


def communications(tx: Tx, since: datetime, until: datetime) -> Iterator[Communication]:
    """What went to whom: every request that was transmitted and every reply that was distributed."""
    went = or_(
        and_(col(Event.record_kind) == "request", col(Event.to_state) == RequestState.TRANSMITTED),
        and_(col(Event.record_kind) == "reply", col(Event.to_state) == ReplyState.DISTRIBUTED),
    )
    moved = or_(col(Event.from_state).is_(None), col(Event.from_state) != col(Event.to_state))
    query = (
        select(
            col(Event.seq),
            col(Event.at),
            col(Event.record_kind),
            col(Event.record_id),
            func.coalesce(col(Request.format), col(Reply.kind)).label("nature"),
            func.coalesce(col(Request.number), col(Reply.number)).label("number"),
            func.coalesce(col(Request.agency_id), col(Reply.agency_id), col(Batch.agency_id)).label("agency"),
            col(Request.payer),
            func.coalesce(col(Request.wire_sha256), col(Request.sha256), col(Reply.sha256)).label("sha256"),
        )
        .outerjoin(Request, and_(col(Request.id) == col(Event.record_id), col(Event.record_kind) == "request"))
        .outerjoin(Reply, and_(col(Reply.id) == col(Event.record_id), col(Event.record_kind) == "reply"))
        .outerjoin(Batch, col(Batch.id) == col(Reply.batch_id))
        .where(went, moved, *_within(since, until))
        .order_by(col(Event.seq))
    )
    for row in tx.session.execute(query, execution_options=_STREAM):
        purpose, recipient = ("payment", row.payer) if row.record_kind == "request" else ("answer", row.agency)
        facts = (row.nature or "", purpose, recipient or "", row.number, row.agency, row.sha256)
        yield Communication(row.seq, row.at, row.record_id, *facts)


def _within(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (col(Event.at) >= since, col(Event.at) < until)
