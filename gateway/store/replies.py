"""Replies and distributions: what came back, whose it is, what was delivered of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, func, or_, select, update

from gateway.errors import StaleState
from gateway.identifiers import new_id
from gateway.models import Batch, Distribution, Reply, Request
from gateway.states import ReplyState, RequestState
from gateway.store import due, moves
from gateway.store.engine import Tx, changed

NEVER_WENT = (RequestState.REFUSED, RequestState.CANCELLED)


def add(tx: Tx, *rows: Distribution) -> None:
    """Record what is to be delivered of a reply."""
    tx.session.add_all(rows)
    tx.session.flush()


def received(tx: Tx, payer: str, number: str) -> list[Reply]:
    """Replies fetched under this number whose owner is not known yet, in the order they came."""
    return list(
        tx.session.exec(
            select(Reply)
            .where(Reply.payer == payer, Reply.number == number, Reply.state == ReplyState.RECEIVED)
            .order_by(col(Reply.id))
        )
    )


def with_received(tx: Tx) -> list[tuple[str, str]]:
    """Every (payer, number) that has a RECEIVED reply, also numbers that nobody holds any more."""
    rows = tx.session.exec(select(Reply.payer, Reply.number).where(Reply.state == ReplyState.RECEIVED).distinct())
    return [(payer, number) for payer, number in rows if payer and number]


def held_statements(tx: Tx, payer: str, number: str, reasons: Collection[str]) -> list[Reply]:
    """HELD statements fetched under this number that rest for one of these reasons, in the order they came."""
    query = select(Reply).where(Reply.payer == payer, Reply.number == number, Reply.state == ReplyState.HELD)
    query = query.where(Reply.kind == "statement", col(Reply.reason).in_(reasons))
    return list(tx.session.exec(query.order_by(col(Reply.id))))


def with_held_statements(tx: Tx) -> list[tuple[str, str]]:
    """Every (payer, number) under which a HELD statement was fetched, also numbers that nobody holds any more."""
    query = select(Reply.payer, Reply.number).where(Reply.state == ReplyState.HELD, Reply.kind == "statement")
    return [(payer, number) for payer, number in tx.session.exec(query.distinct()) if payer and number]


def reheld(tx: Tx, reply: Reply, reason: str, detail: dict[str, Any]) -> None:
    """A HELD reply stays held, for another reason than before. Raises StaleState when it is no longer HELD."""
    still = (col(Reply.id) == reply.id) & (col(Reply.state) == ReplyState.HELD)
    if changed(tx, update(Reply).where(still).values(reason=reason)) != 1:
        raise StaleState(f"{reply.id} is no longer HELD")
    set_committed_value(reply, "reason", reason)
    moves.note(tx, reply, reason, detail)


def answered_by(tx: Tx, request_id: str) -> Reply | None:
    """The first reply that gave this request its verdict."""
    return tx.session.exec(
        select(Reply)
        .where(
            Reply.request_id == request_id,
            Reply.kind == "receivability",
            col(Reply.state).not_in([ReplyState.RECEIVED, ReplyState.HELD, ReplyState.DISCARDED]),
        )
        .order_by(col(Reply.id))
    ).first()


def requests_numbered(tx: Tx, payer: str, number: str, no_dem_ext: str) -> list[Request]:
    """Requests sent under this number that bear this request number, the newest first."""
    return list(
        tx.session.exec(
            select(Request)
            .where(Request.payer == payer, Request.number == number, Request.no_dem_ext == no_dem_ext)
            .where(col(Request.state).not_in(NEVER_WENT))
            .order_by(col(Request.id).desc())
        )
    )


def requests_named(tx: Tx, payer: str, number: str, stem: str) -> list[Request]:
    """Requests sent under this number whose name at the payer is this one with some extension, the newest first."""
    wanted = [func.substr(Request.wire_name, 1, len(stem) + 1) == f"{stem}."]
    if tx.session.get_bind().dialect.name == "sqlite":  # which compares by bytes: "/" comes after "."
        wanted += [col(Request.wire_name) >= f"{stem}.", col(Request.wire_name) < f"{stem}/"]
    found = tx.session.exec(
        select(Request)
        .where(Request.payer == payer, Request.number == number, *wanted)
        .where(col(Request.state).not_in(NEVER_WENT))
        .order_by(col(Request.id).desc())
    )
    return [request for request in found if PurePosixPath(request.wire_name or "").stem == stem]


def to_distribute(tx: Tx, source_id: str) -> list[Reply]:
    """MATCHED replies of a source whose time has come, in the order they were made."""
    return list(
        tx.session.exec(
            select(Reply)
            .where(Reply.source_id == source_id, Reply.state == ReplyState.MATCHED)
            .where(or_(col(Reply.next_try_at).is_(None), col(Reply.next_try_at) <= tx.now))
            .order_by(col(Reply.id))
        )
    )


def sources_owed(tx: Tx) -> set[str]:
    """Every source that a reply is still to be delivered to."""
    owed = (ReplyState.MATCHED, ReplyState.DISTRIBUTING)
    return {
        source
        for source in tx.session.exec(select(Reply.source_id).where(col(Reply.state).in_(owed)).distinct())
        if source
    }


def next_try(tx: Tx, source_id: str) -> datetime | None:
    """When the first reply of a source that failed is tried again."""
    return tx.session.exec(
        select(func.min(Reply.next_try_at)).where(Reply.source_id == source_id, Reply.state == ReplyState.MATCHED)
    ).one()


def distributing(tx: Tx, source_id: str) -> list[Reply]:
    """Replies of a source that somebody is delivering, or was."""
    return list(
        tx.session.exec(select(Reply).where(Reply.source_id == source_id, Reply.state == ReplyState.DISTRIBUTING))
    )


def put_off(tx: Tx, source_id: str, until: datetime) -> None:
    """Let every MATCHED reply of a source wait: its returns cannot be entered now."""
    tx.session.execute(
        update(Reply)
        .where(col(Reply.source_id) == source_id, col(Reply.state) == ReplyState.MATCHED)
        .where(or_(col(Reply.next_try_at).is_(None), col(Reply.next_try_at) < until))
        .values(next_try_at=until)
    )


def lot_report(tx: Tx, batch_id: str) -> Reply | None:
    """The latest report of ours about a lot as it was deposited, not about one of its requests."""
    query = select(Reply).where(Reply.batch_id == batch_id, Reply.kind == "report", col(Reply.request_id).is_(None))
    return tx.session.exec(query.order_by(col(Reply.created_at).desc(), col(Reply.id).desc()).limit(1)).first()


def owe(
    tx: Tx,
    kind: str,
    batch: Batch,
    facts: dict[str, Any],
    *,
    source_id: str,
    number: str | None,
    name: str,
    request: Request | None = None,
    document: Mapping[str, Any] | None = None,
) -> None:
    """A receipt or a report of ours about a batch, or about one of its requests: born MATCHED, and its source woken.
    `document` goes with it: the reply's id, archive_ref, size and sha256."""
    own = {"id": new_id("RET")} if document is None else document
    reply = Reply(
        kind=kind,
        state=ReplyState.MATCHED,
        batch_id=batch.id,
        request_id=request.id if request else None,
        number=number,
        agency_id=batch.agency_id,
        source_id=source_id,
        key=request.id if request else batch.id,
        name=name,
        format=request.format if request else None,
        document=request.document if request else None,
        format_version=request.format_version if request else None,
        facts=facts,
        created_at=tx.now,
        **own,
    )
    moves.born(tx, reply, kind)
    due.wake(tx, "distribute", source_id)


def distributions(tx: Tx, reply_id: str) -> list[Distribution]:
    """The artefacts of a reply, in the order they are delivered."""
    return list(
        tx.session.exec(select(Distribution).where(Distribution.reply_id == reply_id).order_by(col(Distribution.id)))
    )


def names_taken(tx: Tx, source_id: str, names: Collection[str]) -> set[str]:
    """Which of these artefact names already belong to another artefact of the source."""
    return set(
        tx.session.exec(
            select(Distribution.name).where(Distribution.source_id == source_id, col(Distribution.name).in_(names))
        )
    )


def delivered(tx: Tx, distribution_id: str) -> None:
    """An artefact is in the agency's returns."""
    artefact = tx.session.get_one(Distribution, distribution_id)
    artefact.delivered_at = tx.now
    tx.session.add(artefact)


def release(tx: Tx, reply: Reply, *, reason: str) -> None:
    """A person sets a HELD reply going again, and with it whatever waits for the same source. Raises StaleState when
    it is not HELD, or when nobody knows yet whose it is."""
    if reply.state != ReplyState.HELD or reply.source_id is None:
        raise StaleState(f"{reply.id} is {reply.state}: only a HELD reply whose agency is known can be released")
    moves.move(tx, reply, ReplyState.MATCHED, "released", detail={"said": reason}, next_try_at=None)
    query = update(Reply).where(col(Reply.source_id) == reply.source_id, col(Reply.state) == ReplyState.MATCHED)
    tx.session.execute(query.values(next_try_at=None))
    due.wake(tx, "distribute", reply.source_id)


def discard(tx: Tx, reply: Reply, *, reason: str) -> None:
    """A person puts a HELD reply aside for good. Raises StaleState when it is not HELD."""
    if reply.state != ReplyState.HELD:
        raise StaleState(f"{reply.id} is {reply.state}, not HELD")
    moves.move(tx, reply, ReplyState.DISCARDED, "discarded", detail={"said": reason})
