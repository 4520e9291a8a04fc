"""What a person says about a password: here it is, nobody else uses it, that identifier is another software's."""

from __future__ import annotations

import sys
from datetime import time
from enum import StrEnum
from getpass import getpass

import typer

from gateway.calendars import wall
from gateway.cli.common import Call
from gateway.cli.days import day
from gateway.cli.house import opened
from gateway.errors import ConfigError


class Kind(StrEnum):
    """Which password is typed."""

    temporary = "temporary"
    current = "current"


def set_(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
    kind: Kind = typer.Option(Kind.temporary, "--kind", help="credential.kind"),
    machine: str = typer.Option("", "--machine", help="credential.machine_option"),
    since: str = typer.Option("", "--since", help="credential.since", metavar="YYYY-MM-DD"),
) -> None:
    call: Call = ctx.obj
    in_use_since = day(call, since, "--since")
    if kind is Kind.temporary and (machine or in_use_since):
        raise ConfigError(call.say("credential.only_current"))
    with opened(call) as app:
        app.config.payer(payer)  # a payer nobody configured is told at once
        password = _ask(call, number, kind)
        if kind is Kind.temporary:
            app.credentials.set_temporary(payer, number, password)
        else:
            moment = wall(in_use_since, time()) if in_use_since else None
            app.credentials.set_current(payer, number, password, machine=machine, changed_on=moment)
        call.tell(f"credential.kept_{kind}", number=number, payer=payer)
        left = app.credentials.standing(payer, number, machine).tries_left
    if left is None:
        call.tell("credential.one_try")
    else:
        call.tell("credential.tries_left", left=left)


def _ask(call: Call, number: str, kind: Kind) -> str:
    """From a hidden prompt on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        password = getpass(call.say(f"credential.prompt_{kind}", number=number))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigError(call.say("credential.empty"))
    return password


def alone(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
    machine: str = typer.Option("", "--machine", help="credential.machine_option"),
    shared: bool = typer.Option(False, "--shared", help="credential.shared"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        app.config.payer(payer)
        app.credentials.say_alone(payer, number, not shared, machine=machine)
    call.tell("credential.said_shared" if shared else "credential.said_alone", number=number, payer=payer)


def others(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    machine: str = typer.Argument(..., help="credential.machine"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        app.config.payer(payer)
        app.credentials.note_others(payer, number, machine)
    call.tell("credential.noted", number=number, payer=payer, machine=machine)
