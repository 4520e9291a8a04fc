"""What is done with a password now: one login to prove it, its change, or its end."""

from __future__ import annotations

import typer

from gateway.cli.common import Call
from gateway.cli.house import opened
from gateway.errors import TransportError
from gateway.messages import room
from gateway.stages.rotate import change, settle
from gateway.states import CredentialState


def prove(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
    machine: str | None = typer.Option(None, "--machine", help="credential.machine_option"),
) -> int:
    """One login, which spends an attempt like any other. Exit 1 when it proved nothing."""
    call: Call = ctx.obj
    with opened(call) as app:
        app.config.payer(payer)
        try:
            app.rooms.mailboxes.payer_login(payer, number, machine)
        except TransportError as error:
            return _failed(call, error, payer, number)
    call.tell("credential.proved", number=number, payer=payer)
    return 0


def rotate(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
    machine: str = typer.Option("", "--machine", help="credential.machine_option"),
) -> int:
    """Change it now and prove which one counts, before its time has come. Exit 1 when it was not changed."""
    call: Call = ctx.obj
    with opened(call) as app:
        who = app.config.payer(payer).password.change
        if who not in ("ssh", "machine"):
            call.complain(call.say(f"credential.not_by_us_{who}", number=number, payer=payer))
            return 1
        try:
            before = app.credentials.standing(payer, number, machine).row
            if before.state == CredentialState.CHANGING:
                settle(app.rooms, app.credentials, before)
            else:
                change(app.rooms, app.credentials, before, forced=True)
        except TransportError as error:
            return _failed(call, error, payer, number)
        after = app.credentials.standing(payer, number, machine).row
    done = after.changed_at != before.changed_at
    call.tell("credential.rotated" if done else "credential.not_rotated", number=number, payer=payer)
    return 0 if done else 1


def _failed(call: Call, error: TransportError, payer: str, number: str) -> int:
    known = error.code in room("credentials")
    call.complain(call.say(f"credentials.{error.code}", number=number, payer=payer) if known else str(error))
    return 1


def retire(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
    machine: str = typer.Option("", "--machine", help="credential.machine_option"),
) -> None:
    """Its slots are erased; nothing is said to the payer."""
    call: Call = ctx.obj
    with opened(call) as app:
        app.config.payer(payer)
        app.credentials.stop(payer, number, CredentialState.REVOKED, "retired", machine=machine)
    call.tell("credential.retired", number=number, payer=payer)
