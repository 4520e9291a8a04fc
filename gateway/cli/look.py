"""`gateway status`: where everything is, what waits for a person, and which mailboxes cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from rich.console import Console

from gateway.calendars.payer import CONFIRMED
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.cli.picture import standing
from gateway.cli.safety import sentence, why_held
from gateway.clock import local

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
    for line in _told(call, picture):
        console.print(line, style="yellow", highlight=False, markup=False)
    late = "yellow" if picture["backup"]["late"] else None
    console.print(sentence(call, picture["backup"]), style=late, highlight=False, markup=False)


def _told(call: Call, picture: dict[str, Any]) -> Iterator[str]:
    """What wants a person, one line each."""
    yield from (call.say("look.held", record=held["id"], reason=held["reason"]) for held in picture["held"])
    yield from (call.say("look.failing", **failing) for failing in picture["failing"])
    for one in (one for one in picture["breakers"] if one["again"]):
        moments = {key: f"{local(one[key]):%Y-%m-%d %H:%M:%S}" for key in ("since", "again")}
        yield call.say("look.breaker", **one | moments)
    yield from (call.say("look.in_shadow", name=name) for name in picture["shadow"])
    for nearest in picture["deadlines"][:1]:
        yield call.say("deadlines.status", count=len(picture["deadlines"]), **nearest)
    for what in ("proposals", "recalls", "incidents"):
        if picture[what]:
            yield call.say(f"look.{what}", count=picture[what])
    if waiting := [one for one in picture["alerts"] if one["state"] == "OPEN"]:
        yield call.say("alerts.status", count=len(waiting))
    yield from (call.say("look.paper", **one) for one in picture["paper"])
    for one in picture["applications"]:
        yield call.say("look.application", id=one["id"], account=one["account"], says=one["says"][call.lang])
    yield from (call.say(f"look.silent_{_which(one)}", **one) for one in picture["silent"])


def _which(silence: dict[str, Any]) -> str:
    """A payer; an agency that deposited before; one that never did."""
    if silence["who"] == "payer":
        return "payer" if silence["authority"] in CONFIRMED else "payer_perhaps"
    return "agency" if silence["last"] else "agency_ever"
