"""`gateway credential status`: each password's state, days left, last proof and remaining attempts; never itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local
from gateway.credentials import Standing
from gateway.messages import room

_COLUMNS = ("payer", "number", "machine", "state", "days_left", "change", "proof", "attempts")


def status(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        found = app.credentials.standings()
    if as_json:
        show_json([_told(one) for one in found])
        return
    table = Table(*(Column(call.say(f"credential.column_{key}"), overflow="fold") for key in _COLUMNS), box=None)
    for one in found:
        table.add_row(*_cells(call, one))
    console = Console()
    console.print(table)
    for one in found:
        for said in _remarks(call, one):
            console.print(said, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _told(one: Standing) -> dict[str, Any]:
    row = one.row
    keys = ("payer", "number", "machine", "state", "reason", "generation", "origin", "alone", "changed_at", "proved_at")
    return {key: getattr(row, key) for key in keys} | {
        "ends_at": one.term.ends if one.term else None,
        "days_left": one.days_left,
        "change_by": one.change,
        "change_at": one.term.change_at if one.term else None,
        "attempts_left": one.attempts_left,
        "tries_left_at_payer": one.tries_left,
    }


def _cells(call: Call, one: Standing) -> tuple[str, ...]:
    row = one.row
    days = "–" if one.days_left is None else str(one.days_left)
    state = call.say(f"credential.state_{row.state.lower()}")
    off = one.change not in ("asked", "person") and not (row.alone and one.by_us)
    change = call.say(f"credential.change_{'off' if off else one.change}")
    return (
        row.payer,
        row.number,
        row.machine or "–",
        state,
        days,
        change,
        _moment(row.proved_at),
        str(one.attempts_left),
    )


def _remarks(call: Call, one: Standing) -> list[str]:
    """What a person should know or do."""
    row, said = one.row, []
    values = {"payer": row.payer, "number": row.number}
    if row.reason in room("credentials"):
        said.append(call.say(f"credentials.{row.reason}", **values))
    if one.soon and one.days_left is not None:
        said.append(
            call.say("credential.soon" if one.days_left >= 0 else "credential.over", days=one.days_left, **values)
        )
    if row.origin == "other":
        said.append(call.say("credentials.password_of_others", **values))
    return said


def _moment(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}" if moment else "–"
