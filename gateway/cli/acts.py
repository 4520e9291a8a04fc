"""`gateway hold|release|cancel`: a person decides about a request, with a reason that stays in its history."""

from __future__ import annotations

import typer

from gateway.cli.common import Call
from gateway.cli.find import the_request
from gateway.cli.house import opened
from gateway.store import requests


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
        request = the_request(tx, call, record)
        requests.hold(tx, request, reason=reason)
    call.tell("cli.act_held", record=request.id)


def release(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="act.id"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    despite: list[str] = typer.Option([], "--despite", help="act.despite"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        request = the_request(tx, call, record)
        left = requests.release(tx, request, despite=despite, reason=reason)
    if left:
        call.tell("cli.act_still_held", record=request.id, codes=", ".join(left))
        return 1
    call.tell("cli.act_released", record=request.id)
    return 0


def cancel(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="act.id"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        request = the_request(tx, call, record)
        requests.cancel(tx, request, reason=reason)
    call.tell("cli.act_cancelled", record=request.id)
