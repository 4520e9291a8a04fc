"""`gateway registry show|history`: who is who on a day, as it is known now or as it was known then."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.days import day_of
from gateway.cli.house import opened
from gateway.clock import local, today
from gateway.errors import GatewayError
from gateway.registry import Book
from gateway.registry.meant import Meant, meant
from gateway.registry.picture import picture
from gateway.registry.story import Version, story
from gateway.store import status

_COLUMNS = ("agency", "kind", "migrated_on", "numbers", "sources", "accounts", "rules")


class NotThere(GatewayError):
    """Nothing in the registry bears the name."""


def show(
    ctx: typer.Context,
    name: str = typer.Argument("", metavar="[NAME]", help="registry.name"),
    on: str = typer.Option("", "--on", metavar="DAY", help="registry.on"),
    known_on: str = typer.Option("", "--known-on", metavar="DAY", help="registry.known_on"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        now = today(app.clock)
        day = day_of(on, now)
        book = Book.load(tx, day_of(known_on, now) if known_on else None)
        things = meant(book, name, day) if name else []
    if not name:
        _everybody(call, book, day, as_json)
        return
    if not things:
        raise NotThere(call.say("registry.nothing_called", text=name))
    drawn = [{"kind": thing.kind, "id": thing.id, "name": thing.name} | picture(book, thing, day) for thing in things]
    if as_json:
        show_json(drawn)
        return
    for thing, values in zip(things, (picture(book, thing, day) for thing in things), strict=True):
        _print(call, thing, values)


def _print(call: Call, thing: Meant, values: dict[str, list[str]]) -> None:
    lines = [f"{call.say(f'registry.kind_{thing.kind}')} {thing.name}"]
    labels = {name: call.say(f"registry.is_{name}") for name in values}
    width = max(map(len, labels.values()), default=0)
    for name, found in values.items():
        for place, value in enumerate(found):
            lines.append(f"  {labels[name] if place == 0 else '':<{width}}  {value}")
    sys.stdout.write("\n".join([*lines, "", ""]))


def _everybody(call: Call, book: Book, day: Any, as_json: bool) -> None:
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
    table = Table(*(Column(call.say(f"cli.registry_column_{key}"), overflow="fold") for key in _COLUMNS), box=None)
    for row in rows:
        table.add_row(*("\n".join(v) if isinstance(v := row[key], list) else str(v) for key in _COLUMNS))
    Console().print(table)


def history(
    ctx: typer.Context,
    name: str = typer.Argument(..., metavar="NAME", help="registry.name"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book = Book.load(tx)
        things = meant(book, name, today(app.clock))
        told = [(thing, story(tx, book, thing), status.history(tx, thing.id)) for thing in things]
    if not told:
        raise NotThere(call.say("registry.nothing_called", text=name))
    if as_json:
        show_json([_plain(call, thing, versions) for thing, versions, _ in told])
        return
    for thing, versions, events in told:
        lines = [f"{call.say(f'registry.kind_{thing.kind}')} {thing.name}"]
        lines += [f"  {local(e.at):%Y-%m-%d %H:%M}  {e.actor}  {e.reason} {e.detail.get('what', '')}" for e in events]
        lines += [f"  {_line(call, version)}" for version in versions]
        sys.stdout.write("\n".join([*lines, "", ""]))


def _line(call: Call, version: Version) -> str:
    days = f"[{version.valid_from or '…'} – {version.valid_to or '…'}]"
    line = (
        f"{local(version.recorded_at):%Y-%m-%d %H:%M}  {version.recorded_by or '–'}  {version.says[call.lang]} {days}"
    )
    if version.superseded_at is None:
        return line
    until = f"{local(version.superseded_at):%Y-%m-%d %H:%M}"
    return f"{line} — {call.say('registry.believed_until', moment=until, who=version.superseded_by or '–')}"


def _plain(call: Call, thing: Meant, versions: list[Version]) -> dict[str, Any]:
    keys = ("valid_from", "valid_to", "recorded_at", "recorded_by", "superseded_at", "superseded_by")
    told = [{"says": version.says[call.lang], **{key: getattr(version, key) for key in keys}} for version in versions]
    return {"kind": thing.kind, "id": thing.id, "name": thing.name, "history": told}
