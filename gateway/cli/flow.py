"""`gateway once`: let the stages work until nothing is due."""

from __future__ import annotations

import logging
import sys

import typer

from gateway.cli.bar import bar
from gateway.cli.common import Call, set_up_logs, show_json
from gateway.cli.held import tell_held
from gateway.cli.house import at_work
from gateway.cli.picture import standing


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("once", help="once.help")(once)


def once(
    ctx: typer.Context,
    as_json: bool = typer.Option(False, "--json", help="option.json"),
    fail_on_held: bool = typer.Option(False, "--fail-on-held", help="option.fail_on_held"),
) -> int:
    call: Call = ctx.obj
    set_up_logs(logging.WARNING)
    with at_work(call) as app:
        if tell_held(call, app):
            return 2
        with bar(call.say("cli.once_working")) as tell:
            runs = app.loop.once(progress=lambda _what, count: tell(call.say("cli.once_runs", count=count)))
        picture = standing(app)
    if as_json:
        show_json(picture)
    else:
        sys.stdout.write(call.say("cli.once_done", count=runs) + "\n")
    return 1 if fail_on_held and picture["held"] else 0
