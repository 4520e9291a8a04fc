"""What is done with a password now: one login to prove it, its change, or its end."""

from __future__ import annotations

import typer

from gateway.app import App
from gateway.cli.common import Call
from gateway.cli.house import opened
from gateway.credentials import Standing
from gateway.errors import ConfigError, TransportError
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
        machine = machine or _next_machine(app.credentials.standings(), payer, number)
        try:
            before = app.credentials.standing(payer, number, machine).row
            if before.state == CredentialState.CHANGING:
                settle(app.rooms.mailboxes, app.credentials, before)
            else:
                change(app.rooms, app.credentials, before, forced=True)
        except TransportError as error:
            return _failed(call, error, payer, number)
        after = app.credentials.standing(payer, number, machine).row
    done = after.changed_at != before.changed_at
    call.tell("credential.rotated" if done else "credential.not_rotated", number=number, payer=payer)
    return 0 if done else 1


def _next_machine(standings: list[Standing], payer: str, number: str) -> str:
    """Of machine identifiers the one that was changed first: they take turns. Empty where the payer makes none."""
    ours = [s.row for s in standings if (s.row.payer, s.row.number) == (payer, number) and s.by_us and s.row.alone]
    turn = sorted(ours, key=lambda row: row.changed_at or row.created_at)
    return turn[0].machine if turn else ""


def machine(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
) -> int:
    """Asked by a person each time: it uses the agency's own password. Then a login proves what the payer made."""
    call: Call = ctx.obj
    with opened(call) as app:
        if app.config.payer(payer).password.change != "machine":
            raise ConfigError(call.say("credential.no_machines", payer=payer))
        try:
            name, password = _made(app, payer, number)
            app.credentials.set_machine(payer, number, name, password)
            app.rooms.mailboxes.payer_login(payer, number, name)
        except TransportError as error:
            return _failed(call, error, payer, number)
    call.tell("credential.machine_made", number=number, payer=payer, machine=name)
    return 0


def _made(app: App, payer: str, number: str) -> tuple[str, str]:
    """From an answer that was journalled before a crash, else from the payer."""
    maker = app.rooms.mailboxes.machine_maker(payer, number)
    raw = app.credentials.unread(payer, number, "")
    if raw is not None:
        return maker.made(raw)
    with app.credentials.secret(payer, number, machine="", first=True) as secret:
        return maker.make(secret)


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
