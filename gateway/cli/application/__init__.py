"""`gateway application …`: what is asked of the payer, from the draft to its answer."""

from __future__ import annotations

import typer

from gateway.cli.application.ask import new
from gateway.cli.application.confirm import confirm
from gateway.cli.application.look import list_, show
from gateway.cli.application.papers import form, import_, letter
from gateway.cli.application.record import record

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="applications.cmd_help")
for name, command in (
    ("new", new),
    ("list", list_),
    ("show", show),
    ("record", record),
    ("confirm", confirm),
    ("form", form),
    ("letter", letter),
    ("import", import_),
):
    group.command(name, help=f"applications.cmd_{name}")(command)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="application")
