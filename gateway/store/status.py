"""What `status` and `show` ask: counts, deliveries, what is held, one record's history, and who bears a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select, union_all
from sqlmodel import SQLModel, col

from gateway.models import (
    Batch,
    Credential,
    Distribution,
    Event,
    Invoice,
    Parcel,
    Reply,
    Request,
    Submission,
)
from gateway.states import RequestState
from gateway.store.engine import Tx, table_of
from gateway.store.spoken import on_statement

STANDINGS = ("refused", "pending", "sent", "receivable", "not_receivable", "cancelled", "held")


@dataclass(frozen=True, slots=True)
class Standings:
    """Invoices by standing (DESIGN section 3); of the receivable ones, how many a statement speaks of."""

    counts: dict[str, int]  # every standing, also those at 0
    on_statements: int
    outstanding: int  # receivable, not on any statement yet

    @property
    def deposited(self) -> int:
        """All of them: the seven standings leave nobody out."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Delivered:
    """One artefact that is in an agency's returns. `number`: the transmission number its reply was fetched under."""

    reply_id: str
    agency_id: str
    number: str | None
    kind: str  # receipt | report | receivability | statement
    artefact: str  # document | html | json
    name: str
    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What went to a payer: under which number and name, with which bytes; `document_sha256` is the deposited one's."""

    payer: str
    number: str
    name: str
    sha256: str
    document_sha256: str


@dataclass(frozen=True, slots=True)
class Held:
    """Something a person must look at. `reason` is a code."""

    kind: str  # batch | request | reply
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a number or a name may mean. `state` is empty for what has none."""

    kind: str  # batch | request | invoice | reply | parcel | credential
    id: str
    agency_id: str | None
    state: str


def states(tx: Tx, model: type[Batch | Request | Reply]) -> dict[str, int]:
    """How many records rest in each state; states nobody rests in are left out."""
    rows = tx.session.execute(select(col(model.state), func.count()).group_by(col(model.state)))
    return {str(state): count for state, count in rows}


def standings(tx: Tx) -> Standings:
    """Count every deposited invoice under the one standing it has now."""
    each = (
        select(standing_now().label("standing"), on_statement().label("spoken_of"))
        .select_from(Submission)
        .join(Request, col(Request.id) == col(Submission.request_id))
        .outerjoin(Invoice, col(Invoice.id) == col(Submission.invoice_id))
        .where(col(Submission.action) == "new")
        .subquery()
    )
    counts, on_statements = dict.fromkeys(STANDINGS, 0), 0
    rows = tx.session.execute(select(each.c.standing, each.c.spoken_of, func.count()).group_by(*each.c))
    for standing, is_spoken_of, count in rows:
        counts[standing] += count
        if standing == "receivable" and is_spoken_of:
            on_statements += count
    return Standings(counts, on_statements, counts["receivable"] - on_statements)


def standing_now() -> ColumnElement[str]:
    """A request the payer found receivable, and an invoice in it the payer has not spoken of: still only sent."""
    state, verdict = col(Request.state), col(Submission.verdict)
    return case(
        (col(Invoice.cancelled_by).is_not(None), "cancelled"),
        (state == RequestState.REFUSED, "refused"),
        (state == RequestState.CANCELLED, "cancelled"),
        (and_(state == RequestState.SHADOWED, verdict.is_(None)), "held"),  # who has it, this house cannot say
        (state == RequestState.HELD, "held"),
        (state == RequestState.READY, "pending"),
        (or_(state == RequestState.NOT_RECEIVABLE, verdict == "not_receivable"), "not_receivable"),
        (verdict == "receivable", "receivable"),
        else_="sent",
    )


def deliveries(tx: Tx) -> list[Delivered]:
    """Every artefact that was delivered, in the order of delivery."""
    rows = tx.session.execute(
        select(
            col(Reply.id),
            col(Distribution.agency_id),
            col(Reply.number),
            col(Reply.kind),
            col(Distribution.kind),
            col(Distribution.name),
            col(Distribution.sha256),
            col(Distribution.delivered_at),
        )
        .join(Distribution, col(Distribution.reply_id) == col(Reply.id))
        .where(col(Distribution.delivered_at).is_not(None))
        .order_by(col(Distribution.delivered_at), col(Distribution.id))
    )
    return [Delivered(*row) for row in rows]


def transmitted(tx: Tx) -> list[Sent]:
    """Every request whose receipt is stored, as it went to the payer."""
    names = ("payer", "number", "wire_name", "wire_sha256", "sha256")
    query = select(*(table_of(Request).c[name] for name in names)).where(col(Request.transmitted_at).is_not(None))
    return [Sent(*row) for row in tx.session.execute(query.order_by(col(Request.transmitted_at), col(Request.id)))]


def held(tx: Tx) -> list[Held]:
    """Everything a person must look at, the oldest first."""
    parts: list[Select[Any]] = []
    for kind, model in (("batch", Batch), ("request", Request), ("reply", Reply)):
        table = table_of(model)
        why = func.coalesce(table.c.reason, "").label("why")
        parts.append(select(literal(kind).label("kind"), table.c.id, why).where(table.c.state == "HELD"))
    everything = union_all(*parts).subquery()
    return [Held(*row) for row in tx.session.execute(select(*everything.c).order_by(func.substr(everything.c.id, 5)))]


def history(tx: Tx, record_id: str) -> list[Event]:
    """What happened to a record, the first event first; who looked at it is in the register of looks (audit.py)."""
    told = (col(Event.record_id) == record_id, col(Event.record_kind) != "look")
    return list(tx.session.scalars(select(Event).where(*told).order_by(col(Event.seq))))


def find(tx: Tx, text: str) -> list[Found]:
    """The records that `text` names: by our id, or by a number or file name from outside, which may name several."""
    return _called(tx, text, _NAMED)


def seek(tx: Tx, text: str) -> list[Found]:
    """Every record that bears this id, number or file name, wherever it stands."""
    return _called(tx, text, _BEARING)


_Names = tuple[tuple[str, type[SQLModel], tuple[str, ...]], ...]


def _called(tx: Tx, text: str, kinds: _Names) -> list[Found]:
    found: list[Found] = []
    for kind, model, names in kinds:
        table = table_of(model)
        agency = table.c.agency_id if "agency_id" in table.c else null()
        state = table.c.state if "state" in table.c else literal("")
        named = or_(*(table.c[name] == text for name in names))
        rows = tx.session.execute(select(table.c.id, agency, state).where(named).order_by(table.c.id))
        found += [Found(kind, *row) for row in rows]
    return found


def record(tx: Tx, found: Found) -> Batch | Request | Reply | None:
    """The row of what was found; None for a kind about which nobody decides anything."""
    if found.kind == "batch":
        return tx.session.get(Batch, found.id)
    if found.kind == "request":
        return tx.session.get(Request, found.id)
    return tx.session.get(Reply, found.id) if found.kind == "reply" else None


_NAMED: _Names = (
    ("batch", Batch, ("id", "name")),
    ("request", Request, ("id", "no_dem_ext")),
    ("invoice", Invoice, ("id", "no_fact_ext", "no_fact_ramq")),
    ("reply", Reply, ("id",)),
    ("parcel", Parcel, ("id",)),
    ("credential", Credential, ("id", "number")),
)
_BEARING: _Names = (
    ("batch", Batch, ("id", "name")),
    ("request", Request, ("id", "no_dem_ext", "wire_name", "member")),
    ("invoice", Invoice, ("id", "no_fact_ext", "no_fact_ramq")),
    ("reply", Reply, ("id", "name", "key")),
    ("parcel", Parcel, ("id", "name")),
    ("credential", Credential, ("id", "number")),
)
