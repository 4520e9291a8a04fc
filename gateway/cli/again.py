"""`gateway resend|mark-delivered|recheck`: what a person decides about a request that may be at the payer."""

from __future__ import annotations

import io
from pathlib import Path

import typer

from gateway.app import App
from gateway.cli.acts import possible
from gateway.cli.before import agreed, numbers
from gateway.cli.common import Call
from gateway.cli.find import the_one
from gateway.cli.house import opened
from gateway.errors import ConfigError, StaleState
from gateway.identifiers import new_id
from gateway.messages import both
from gateway.models import DeliveryProof, Request
from gateway.stages.resend import NotSentAgainError, planned, send_again
from gateway.states import RequestState
from gateway.store import Tx, proofs, requests, status
from gateway.store.proofs import Sums
from gateway.store.status import Found

_LARGEST = 25_000_000  # bytes of a paper


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("resend", help="acts.resend_help")(resend)
    root.command("mark-delivered", help="acts.mark_help")(mark_delivered)
    root.command("recheck", help="acts.recheck_help")(recheck)


def resend(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="acts.request"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    send_once_more(ctx.obj, record, reason, yes=yes)


def send_once_more(call: Call, record: str, reason: str, *, yes: bool) -> None:
    """By a person's decision: the same bytes, or the unpaid invoices under new numbers. Raises NotAgreed, NotPossible,
    ConfigError."""
    with opened(call) as app:
        with app.store.read() as tx:
            found, row = _request(tx, call, record)
            told = _would(tx, call, app, row)
        agreed(call, told, yes=yes)
        (_as_it_is if _in_doubt(row) else _anew)(call, app, found, reason)


def _would(tx: Tx, call: Call, app: App, row: Request) -> list[str]:
    """What sending it again means, in numbers. Raises ConfigError where it cannot be."""
    if _in_doubt(row):
        count = numbers(call, proofs.sums(tx, [row.id]))
        told = call.say("acts.resend_same", record=row.id, numbers=count, tries=row.attempts, name=row.wire_name)
        return [told, call.say("acts.resend_risk")]
    try:
        sent = planned(tx, app.rooms, row.id).sent
    except NotSentAgainError as error:
        raise ConfigError(error.both) from error
    known = [one.amount_cents for one in sent if one.amount_cents is not None]
    count = numbers(call, Sums(1, len(sent), sum(known), len(sent) - len(known)))
    return [call.say("acts.resend_new", record=row.id, numbers=count)]


def _in_doubt(row: Request | None) -> bool:
    """Held only because it may be at the payer already."""
    return row is not None and row.state == RequestState.HELD and bool(row.holds) and set(row.holds) <= requests.RISKY


def _anew(call: Call, app: App, found: Found, reason: str) -> None:
    """Receivable and on no statement: a new lot, with new numbers."""
    try:
        lot = send_again(app.rooms, found.id, reason=reason)
    except NotSentAgainError as error:
        raise ConfigError(error.both) from error
    call.tell("deadlines.resent", request=found.id, lot=lot)


def _as_it_is(call: Call, app: App, found: Found, reason: str) -> None:
    """Held because it may be there: the same bytes under the same name, after one more look."""
    with app.store.write() as tx, possible(call, found):
        row = requests.get(tx, found.id)
        if row is None or not _in_doubt(row):
            raise StaleState(f"{found.id} is not held in doubt")
        requests.release(tx, row, despite=row.holds, reason=reason)
    call.tell("cli.act_released", record=found.id)


def mark_delivered(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="acts.request"),
    evidence: Path = typer.Option(..., "--evidence", metavar="FILE", help="acts.evidence"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    call: Call = ctx.obj
    paper = _paper(evidence)
    with opened(call) as app:
        with app.store.read() as tx:
            found, row = _request(tx, call, record)
            count = numbers(call, proofs.sums(tx, [found.id]))
        with possible(call, found):
            _must_be_open(row)
        agreed(call, [call.say("acts.mark_would", record=found.id, numbers=count, size=len(paper))], yes=yes)
        id_ = new_id("PRV")
        stored = app.archive.put(id_, io.BytesIO(paper))
        with app.store.write() as tx, possible(call, found):
            now = requests.get(tx, found.id)
            assert now is not None  # requests are never deleted
            kept = DeliveryProof(
                id=id_,
                record_id=found.id,
                size=stored.size,
                sha256=stored.sha256,
                archive_ref=stored.ref,
                added_at=tx.now,
                added_by=tx.actor,
            )
            within = app.config.payer(now.payer or "").reply_within
            proofs.mark_delivered(tx, now, kept, reason=reason, reply_within=within)
    call.tell("acts.marked", record=found.id, paper=id_, sha256=stored.sha256)


def _must_be_open(row: Request) -> None:
    if row.state != RequestState.HELD or row.attempts == 0:
        raise StaleState(f"{row.id} is {row.state}")


def _paper(file: Path) -> bytes:
    with file.open("rb") as source:
        data = source.read(_LARGEST + 1)
    if not data or len(data) > _LARGEST:
        raise ConfigError(both("acts.paper_size", file=file, limit=_LARGEST))
    return data


def recheck(ctx: typer.Context, record: str = typer.Argument(..., metavar="ID", help="acts.request")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        found, row = _request(tx, call, record)
        with possible(call, found):
            if row.holds != ["in_doubt"]:
                raise StaleState(f"{row.id} is not held in doubt")
            requests.look_again(tx, row, tx.now)
            requests.wake_lane(tx, row)
    call.tell("acts.rechecked", record=found.id)


def _request(tx: Tx, call: Call, text: str) -> tuple[Found, Request]:
    found = the_one(tx, call, text, ("request",))
    row = status.record(tx, found)
    assert isinstance(row, Request)
    return found, row
