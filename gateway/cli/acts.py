"""`gateway hold|release|cancel`: a person decides about a lot, a request or a reply, and the reason stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from gateway.cli.before import agreed, numbers
from gateway.cli.common import Call
from gateway.cli.find import the_one
from gateway.cli.house import opened
from gateway.errors import GatewayError, NotHeldFor, StaleState
from gateway.models import Batch, Reply, Request
from gateway.store import Tx, deposits, proofs, replies, requests, status
from gateway.store.status import Found

KINDS = ("batch", "request", "reply")


class NotPossible(GatewayError):
    """The record is not in a state in which this can be decided about it."""


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("hold", help="hold.help")(hold)
    root.command("release", help="release.help")(release)
    root.command("cancel", help="cancel.help")(cancel)


def hold(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="act.id"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        found, row = _row(tx, call, record, ("request",))
        with possible(call, found):
            if isinstance(row, Request):
                requests.hold(tx, row, reason=reason)
    call.tell("cli.act_held", record=found.id)


def release(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="act.id"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    despite: list[str] = typer.Option([], "--despite", help="act.despite"),
) -> int:
    call: Call = ctx.obj
    left: list[str] = []
    with opened(call) as app, app.store.write() as tx:
        found, row = _row(tx, call, record, KINDS)
        with possible(call, found):
            if despite and not isinstance(row, Request):
                raise NotHeldFor(despite, ())
            if isinstance(row, Request):
                left = requests.release(tx, row, despite=despite, reason=reason)
            elif isinstance(row, Batch):
                deposits.release(tx, row, reason=reason)
            elif isinstance(row, Reply):
                replies.release(tx, row, reason=reason)
    if left:
        call.tell("cli.act_still_held", record=found.id, codes=", ".join(left))
        return 1
    call.tell("cli.act_released", record=found.id)
    return 0


def cancel(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="act.id"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.read() as tx:
            found, _ = _row(tx, call, record, ("request", "reply"))
            told = _would(tx, call, found)
        agreed(call, told, yes=yes)
        with app.store.write() as tx, possible(call, found):
            now = status.record(tx, found)
            if isinstance(now, Request):
                requests.cancel(tx, now, reason=reason)
            elif isinstance(now, Reply):
                replies.discard(tx, now, reason=reason)
    call.tell("cli.act_cancelled", record=found.id)


def _would(tx: Tx, call: Call, found: Found) -> list[str]:
    """What withdrawing it means, in numbers."""
    if found.kind != "request":
        return [call.say("acts.discard_would", record=found.id, state=found.state)]
    count = numbers(call, proofs.sums(tx, [found.id]))
    return [call.say("acts.cancel_would", record=found.id, state=found.state, numbers=count)]


def _row(tx: Tx, call: Call, text: str, kinds: tuple[str, ...]) -> tuple[Found, Batch | Request | Reply | None]:
    """The only record of these kinds that `text` names. Raises Ambiguous."""
    found = the_one(tx, call, text, kinds)
    return found, status.record(tx, found)


@contextmanager
def possible(call: Call, found: Found) -> Iterator[None]:
    """Turn "it is not in that state", or "not for that code", into a sentence of the command line."""
    try:
        yield
    except StaleState as error:
        raise NotPossible(call.say("cli.act_not_now", record=found.id, state=found.state)) from error
    except NotHeldFor as error:
        codes, held_for = ", ".join(error.codes), ", ".join(error.held_for) or "–"
        raise NotPossible(call.say("cli.act_not_for", record=found.id, codes=codes, held_for=held_for)) from error
