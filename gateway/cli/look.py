"""`gateway status`: where everything is, what waits for a person, and which mailboxes cannot be reached."""

from __future__ import annotations

import typer
from rich.console import Console

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.cli.picture import standing

COUNTED = ("batches", "requests", "invoices", "replies")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("status", help="status.help")(status_)


def status_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        picture = standing(app)
    if as_json:
        show_json(picture)
        return
    console = Console(soft_wrap=True)  # an identifier cut in two cannot be copied
    for what in COUNTED:
        counts = {name: count for name, count in picture[what].items() if count}
        said = ", ".join(f"{name} {count}" for name, count in counts.items()) or "–"
        console.print(f"[bold]{call.say(f'look.{what}')}[/bold]  {said}", highlight=False)
    console.print(f"[bold]{call.say('look.deliveries')}[/bold]  {len(picture['deliveries'])}", highlight=False)
    for held in picture["held"]:
        console.print(
            call.say("look.held", record=held["id"], reason=held["reason"]),
            style="yellow",
            highlight=False,
            markup=False,
        )
    for failing in picture["failing"]:
        console.print(call.say("look.failing", **failing), style="yellow", highlight=False, markup=False)
