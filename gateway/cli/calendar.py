"""`gateway calendar`: the payer's cut-offs and statements, Quebec's holidays, and for which statement a lot counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway import calendars
from gateway.calendars import Calendar, Period, holidays
from gateway.cli.common import Call, show_json
from gateway.cli.days import day
from gateway.cli.find import the_one
from gateway.cli.house import configuration, opened
from gateway.clock import SystemClock, local, today
from gateway.models import Request
from gateway.states import REQUEST_OVER
from gateway.store import requests

_AHEAD = timedelta(weeks=8)


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("calendar", help="calendar.help")(calendar)


def calendar(
    ctx: typer.Context,
    since: str = typer.Option("", "--from", help="calendar.since", metavar="YYYY-MM-DD|today"),
    until: str = typer.Option("", "--to", help="calendar.until", metavar="YYYY-MM-DD"),
    payer: str = typer.Option("", "--payer", help="calendar.payer", metavar="NAME"),
    lot: str = typer.Option("", "--lot", help="calendar.lot", metavar="LOT-…"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    if lot:
        told = _of_lot(call, lot)
        show_json(told) if as_json else _print_lot(call, told)
        return
    config = configuration(call)
    if payer:
        config.payer(payer)
    first = day(call, since, "--from") or today(SystemClock())
    last = day(call, until, "--to") or first + _AHEAD
    told = _between(calendars.load(config.paths.state).of(payer), first, last, call.lang)
    show_json(told) if as_json else _print(call, told)


def _between(known: Calendar, first: date, last: date, lang: str) -> dict[str, Any]:
    years = range(first.year, last.year + 1)
    closed = [
        {"day": off, "name": name[lang]}
        for year in years
        for off, name in holidays(year).items()
        if first <= off <= last
    ]
    closed += [{"day": off, "name": None} for off in sorted(known.closed) if first <= off <= last]
    periods = [_told(period) for period in known.between(first, last)]
    return {"payer": known.payer, "from": first, "to": last, "periods": periods, "closed": closed}


def _told(period: Period) -> dict[str, Any]:
    """A period as people read it: Toronto's clock."""
    return {
        "cut_off": f"{local(period.cut_off):%Y-%m-%d %H:%M}",
        "statement": period.statement,
        "payment": period.payment,
        "authority": period.authority,
    }


def _print(call: Call, told: dict[str, Any]) -> None:
    columns = ("cut_off", "statement", "payment", "authority")
    table = Table(*(Column(call.say(f"calendar.column_{key}")) for key in columns), box=None)
    for row in told["periods"]:
        table.add_row(*(str(row[key] or "–") for key in columns[:3]), call.say(f"calendar.from_{row['authority']}"))
    console = Console(soft_wrap=True)
    console.print(table)
    for off in told["closed"]:
        name = off["name"] or call.say("calendar.closed")
        console.print(call.say("calendar.holiday", day=off["day"], name=name), highlight=False, markup=False)
    if any(row["authority"] == "reconstructed" for row in told["periods"]):
        console.print(call.say("calendar.fill_in"), style="yellow", highlight=False, markup=False)


def _of_lot(call: Call, lot: str) -> dict[str, Any]:
    """For which statement each payer counts what a lot holds: handed over already, or as if it were now."""
    with opened(call) as app, app.store.read() as tx:
        found = the_one(tx, call, lot, ("batch", "request"))
        row = requests.get(tx, found.id) if found.kind == "request" else None
        whole = [row] if row else requests.of_batch(tx, found.id)
        known = calendars.load(app.config.paths.state)
        return {"id": found.id, "counts": list(_counts(whole, known, tx.now))}


def _counts(whole: list[Request], known: calendars.Book, now: datetime) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str, Period], int] = {}
    for request in whole:
        sent = request.transmitted_at
        if request.payer is None or (request.state in REQUEST_OVER):
            continue
        key = (request.payer, "sent" if sent else "waiting", known.of(request.payer).counts(sent or now))
        groups[key] = groups.get(key, 0) + 1
    for (payer, how, period), number in groups.items():
        yield {"payer": payer, "how": how, "requests": number, **_told(period)}


def _print_lot(call: Call, told: dict[str, Any]) -> None:
    if not told["counts"]:
        call.tell("calendar.counts_nothing", lot=told["id"])
    for row in told["counts"]:
        call.tell(f"calendar.counts_{row['how']}", lot=told["id"], **row)
        call.tell(f"calendar.said_{row['authority']}")
