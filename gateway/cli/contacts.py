"""`gateway contacts [import]`: how to reach the payer, by the newest of its letters, and whether it answers now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import typer

from gateway.calendars import holidays
from gateway.cli.common import Call, show_json
from gateway.cli.days import moment_of
from gateway.cli.house import configuration
from gateway.cli.shelf import keep_and_tell
from gateway.clock import local
from gateway.payer import Directory, Letters, Opening, Service, contacts, shelves
from gateway.payer.contacts import IN_LETTER, Line, Said
from gateway.payer.hours import DAYS, clock_time, weekday

group = typer.Typer(rich_markup_mode=None, help="payer.contacts_help", invoke_without_command=True)
_A_MONDAY = date(2024, 1, 1)
_NEAR = 6  # days ahead that the name of a weekday says without its date


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="contacts")


@group.callback(help="payer.contacts_help")
def show(
    ctx: typer.Context,
    today: str = typer.Option("", "--today", metavar="DAY", help="payer.today"),
    everything: bool = typer.Option(False, "--all", help="payer.contacts_all"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    if ctx.invoked_subcommand:
        return
    call: Call = ctx.obj
    moment = moment_of(today)
    folders = shelves(configuration(call).gateway.state_dir)
    services = Directory.load(folders, Letters.load(folders)).services(local(moment).date())
    if as_json:
        show_json([_public(service, moment) for service in services])
        return
    for service in services:
        sys.stdout.write("\n".join(_lines(service, moment, call, everything)) + "\n\n")


@group.command("import", help="payer.contacts_import_help")
def import_(
    ctx: typer.Context,
    source: Path = typer.Argument(..., help="payer.contacts_file", metavar="FILE"),
    since: str = typer.Option("", "--from", metavar="DAY", help="payer.kept_from"),
) -> None:
    call: Call = ctx.obj
    count = contacts.check(source, Letters.load(shelves(configuration(call).gateway.state_dir)))
    keep_and_tell(call, source, "contacts", count, local(moment_of(since)).date())


def opening(service: Service, moment: datetime, lang: str, call: Call) -> str | None:
    """« ouvre mercredi 10 h 30 », "open until 16:30"; None when no letter gives hours."""
    if service.hours is None:
        return None
    now = service.hours.at(moment, _holiday)
    if now.until:
        return call.say("payer.open_until", time=clock_time(now.until.time(), lang))
    if now.opens is None:
        return call.say("payer.closed_long")
    words = {"weekday": weekday(now.opens.date(), lang), "time": clock_time(now.opens.time(), lang)}
    if (now.opens.date() - local(moment).date()).days <= _NEAR:
        return call.say("payer.opens", **words)
    return call.say("payer.opens_later", day=now.opens.date(), **words)


def _holiday(day: date) -> bool:
    return day in holidays(day.year)


def _lines(service: Service, moment: datetime, call: Call, everything: bool) -> Iterator[str]:
    state = opening(service, moment, call.lang, call)
    yield service.title[call.lang] + (f" – {state}" if state else "")
    for way, said in service.ways.items():
        yield f"  {call.say(f'payer.way_{way}')} : {_value(way, said.value, call)}  ({_by(said, call)})"
        if not everything:
            continue
        for old in service.older[way]:
            yield f"    {call.say('payer.was')} : {_value(way, old.value, call)}  ({_by(old, call)})"


def _value(way: str, value: Any, call: Call) -> str:
    if way in ("phones", "fax"):
        return ", ".join(f"{line.number} ({call.say(f'payer.region_{line.region}')})" for line in value)
    if way == "hours":
        spans: dict[str, list[str]] = {}
        for day, span in value.items():
            spans.setdefault(span, []).append(weekday(_A_MONDAY + timedelta(days=DAYS.index(day)), call.lang))
        return "; ".join(f"{', '.join(names)} {_span(span, call.lang)}" for span, names in spans.items())
    if way == "choose":
        return call.say("payer.choose_said", key=value)
    if value == IN_LETTER:
        return call.say("payer.see_letter")
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _span(span: str, lang: str) -> str:
    return " – ".join(clock_time(time.fromisoformat(part), lang) for part in span.split("-"))


def _by(said: Said, call: Call) -> str:
    if said.letter is None:
        return call.say("payer.said_by_us", day=said.since)
    return call.say("payer.said_by", letter=said.letter.name[call.lang])


def _public(service: Service, moment: datetime) -> dict[str, Any]:
    now = service.hours.at(moment, _holiday) if service.hours else Opening(None, None)
    return {
        "service": service.name,
        "title": service.title,
        "open_until": now.until,
        "opens": now.opens,
        "ways": {
            way: {"value": _plain(said.value), "since": said.since, "letter": said.letter and said.letter.id}
            for way, said in service.ways.items()
        },
    }


def _plain(value: Any) -> Any:
    return (
        [part.model_dump() if isinstance(part, Line) else part for part in value] if isinstance(value, tuple) else value
    )
