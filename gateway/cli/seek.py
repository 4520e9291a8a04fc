"""`gateway find ANYTHING`: everything that bears a name or a number, and the command that says more of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import date

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import today
from gateway.registry import Book
from gateway.registry.meant import meant
from gateway.store import Tx, status

_COLUMNS = ("kind", "what", "state", "next")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("find", help="find.help")(find)


def find(
    ctx: typer.Context,
    text: str = typer.Argument(..., metavar="TEXT", help="find.text"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book = Book.load(tx)
        rows = [*_of_the_registry(call, book, text, today(app.clock)), *_of_the_flow(call, tx, text)]
    if as_json:
        show_json(rows)
    elif not rows:
        call.tell("cli.find_nothing", text=text)
    else:
        table = Table(*(Column(call.say(f"cli.find_{key}"), overflow="fold") for key in _COLUMNS), box=None)
        for row in rows:
            table.add_row(*(row[key] for key in _COLUMNS))
        Console().print(table)
    return 0 if rows else 1


def _of_the_registry(call: Call, book: Book, text: str, day: date) -> Iterator[dict[str, str]]:
    for thing in meant(book, text, day):
        next_ = f"gateway registry show {shlex.quote(thing.name if thing.kind == 'group' else thing.id)}"
        yield {"kind": call.say(f"registry.kind_{thing.kind}"), "what": thing.name, "state": "", "next": next_}


def _of_the_flow(call: Call, tx: Tx, text: str) -> Iterator[dict[str, str]]:
    for found in status.seek(tx, text):
        kind = call.say(f"cli.find_{found.kind}")
        yield {"kind": kind, "what": found.id, "state": found.state, "next": f"gateway show {found.id}"}
