"""`gateway registry apply|show`: bring the registry in line with a file, and read it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import today
from gateway.registry import Book, apply

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="registry.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="registry")


@group.command("apply", help="registry.apply.help")
def apply_(
    ctx: typer.Context,
    file: Path = typer.Argument(..., help="registry.file", metavar="FILE"),
    dry_run: bool = typer.Option(False, "--dry-run", help="registry.dry_run"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        plan = apply(app.store, file, app.config, app.catalog, dry_run=dry_run)
    sys.stdout.write(plan.text(call.lang) + "\n")
    return 1 if plan.refusals else 0


@group.command("show", help="registry.show.help")
def show(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, day = Book.load(tx), today(app.clock)
        rows = [
            {
                "agency": agency.name,
                "kind": agency.kind,
                "migrated_on": str(book.migrated_on(agency.id) or ""),
                "numbers": [n for payer in book.payers(agency.id) for n in book.numbers(agency.id, payer, day)],
                "sources": [source.name for source in book.sources(agency.id)],
                "accounts": book.accounts(agency.id, day),
                "rules": [f"{code} = {severity}" for code, severity in sorted(agency.rules.items())],
            }
            for agency in book.agencies()
        ]
    if as_json:
        show_json(rows)
        return
    columns = ("agency", "kind", "migrated_on", "numbers", "sources", "accounts", "rules")
    table = Table(*(Column(call.say(f"cli.registry_column_{key}"), overflow="fold") for key in columns), box=None)
    for row in rows:
        table.add_row(*("\n".join(v) if isinstance(v := row[key], list) else str(v) for key in columns))
    Console().print(table)
