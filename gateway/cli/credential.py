"""`gateway credential set|status`: hand over a temporary password (never as an argument), see how passwords fare."""

from __future__ import annotations

import sys
from getpass import getpass

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local
from gateway.errors import ConfigError
from gateway.store import credentials as rows

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="credential.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="credential")


@group.command("set", help="credential.set.help")
def set_(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="credential.number"),
    payer: str = typer.Option(..., "--payer", help="credential.payer"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        app.config.payer(payer)  # a payer nobody configured is told at once
        password = _ask(call, number)
        app.credentials.set_temporary(payer, number, password)
    call.tell("cli.credential_kept", number=number, payer=payer)


def _ask(call: Call, number: str) -> str:
    """From a hidden prompt on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        password = getpass(call.say("cli.credential_prompt", number=number))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigError(call.say("cli.credential_empty"))
    return password


@group.command("status", help="credential.status.help")
def status(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        found = rows.every(tx)
    if as_json:
        keys = ("payer", "number", "state", "reason", "generation", "changed_at", "proved_at")
        show_json([{key: getattr(row, key) for key in keys} for row in found])
        return
    columns = ("payer", "number", "state", "reason", "generation", "proof")
    table = Table(*(Column(call.say(f"cli.credential_column_{key}"), overflow="fold") for key in columns), box=None)
    for row in found:
        proof = f"{local(row.proved_at):%Y-%m-%d %H:%M}" if row.proved_at else "–"
        table.add_row(row.payer, row.number, row.state, row.reason or "–", str(row.generation), proof)
    Console().print(table)
