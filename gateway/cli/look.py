"""`gateway status`: where everything is, what waits for a person, and which mailboxes cannot be reached."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from gateway.calendars.payer import CONFIRMED
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.cli.picture import standing
from gateway.cli.safety import sentence, why_held

COUNTED = ("batches", "requests", "invoices", "replies")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("status", help="status.help")(status_)


def status_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        picture = standing(app)
        held = why_held(call, app.config)
    if as_json:
        show_json(picture)
        return
    console = Console(soft_wrap=True)  # an identifier cut in two cannot be copied
    if held:
        console.print(held, style="red", highlight=False, markup=False)
    for what in COUNTED:
        counts = {name: count for name, count in picture[what].items() if count}
        said = ", ".join(f"{name} {count}" for name, count in counts.items()) or "–"
        console.print(f"[bold]{call.say(f'look.{what}')}[/bold]  {said}", highlight=False)
    console.print(f"[bold]{call.say('look.deliveries')}[/bold]  {len(picture['deliveries'])}", highlight=False)
    for record in picture["held"]:
        console.print(
            call.say("look.held", record=record["id"], reason=record["reason"]),
            style="yellow",
            highlight=False,
            markup=False,
        )
    for failing in picture["failing"]:
        console.print(call.say("look.failing", **failing), style="yellow", highlight=False, markup=False)
    for nearest in picture["deadlines"][:1]:
        said = call.say("deadlines.status", count=len(picture["deadlines"]), **nearest)
        console.print(said, style="yellow", highlight=False, markup=False)
    for what in ("proposals", "recalls", "incidents"):
        if picture[what]:
            said = call.say(f"look.{what}", count=picture[what])
            console.print(said, style="yellow", highlight=False, markup=False)
    if waiting := [one for one in picture["alerts"] if one["state"] == "OPEN"]:
        console.print(call.say("alerts.status", count=len(waiting)), style="yellow", highlight=False, markup=False)
    for one in picture["paper"]:
        console.print(call.say("look.paper", **one), style="yellow", highlight=False, markup=False)
    for one in picture["silent"]:
        console.print(call.say(f"look.silent_{_which(one)}", **one), style="yellow", highlight=False, markup=False)
    late = "yellow" if picture["backup"]["late"] else None
    console.print(sentence(call, picture["backup"]), style=late, highlight=False, markup=False)


def _which(silence: dict[str, Any]) -> str:
    """A payer; an agency that deposited before; one that never did."""
    if silence["who"] == "payer":
        return "payer" if silence["authority"] in CONFIRMED else "payer_perhaps"
    return "agency" if silence["last"] else "agency_ever"
