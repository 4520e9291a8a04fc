"""`gateway audit incident …`: the register of confidentiality incidents; nothing in it goes to anybody by itself."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import typer

from gateway import incidents
from gateway.cli.common import Call, show_json
from gateway.cli.days import day
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.errors import ConfigError, GatewayError
from gateway.messages import both
from gateway.models import Incident
from gateway.store import Tx, audit
from gateway.store import incidents as rows

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="incidents.help")
_ID = typer.Argument(..., metavar="ID", help="incidents.id")
_SERIOUS = ("yes", "no")
_SHOWN = (
    "information", "circumstances", "cause", "began_on", "ended_on", "aware_on", "persons", "residents", "serious",
    "reasoning", "commission_on", "persons_on", "measures", "planned", "contact", "kept_until",
)  # fmt: skip


class Unclear(GatewayError):
    """Nothing, or more than one thing, is meant; or it cannot be done to it."""


def _text(name: str) -> Any:
    return typer.Option("", f"--{name}", metavar="TEXT", help=f"incidents.opt_{name}")


def _day(option: str, name: str) -> Any:
    return typer.Option("", option, metavar="DAY", help=f"incidents.opt_{name}")


@group.command("new", help="incidents.new_help")
def new(
    ctx: typer.Context,
    circumstances: str = typer.Option(..., "--circumstances", metavar="TEXT", help="incidents.opt_circumstances"),
    aware: str = _day("--aware", "aware_on"),
    information: str = _text("information"),
    began: str = _day("--from", "began_on"),
    ended: str = _day("--to", "ended_on"),
    record: list[str] = typer.Option([], "--record", metavar="ID", help="incidents.opt_record"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        now = today_of(app.clock)
        words = {"circumstances": circumstances, "information": information}
        values = _values(call, words, {"began_on": (began, "--from"), "ended_on": (ended, "--to")}, {})
        with app.store.write() as tx:
            learned = day(call, aware, "--aware") or now
            row = rows.open_(tx, learned, values, origin="person", records=record)
            _refuse(row, now)
    call.tell("incidents.opened", id=row.id)


@group.command("record", help="incidents.record_help")
def record_(
    ctx: typer.Context,
    id_: str = _ID,
    information: str = _text("information"),
    circumstances: str = _text("circumstances"),
    cause: str = _text("cause"),
    began: str = _day("--from", "began_on"),
    ended: str = _day("--to", "ended_on"),
    aware: str = _day("--aware", "aware_on"),
    persons: str = typer.Option("", "--persons", metavar="NUMBER", help="incidents.opt_persons"),
    residents: str = typer.Option("", "--residents", metavar="NUMBER", help="incidents.opt_residents"),
    serious: str = typer.Option("", "--serious", metavar="|".join(_SERIOUS), help="incidents.opt_serious"),
    reasoning: str = _text("reasoning"),
    commission: str = _day("--commission-notified", "commission_on"),
    notified: str = _day("--persons-notified", "persons_on"),
    measures: str = _text("measures"),
    planned: str = _text("planned"),
    contact: str = _text("contact"),
) -> None:
    call: Call = ctx.obj
    words = dict(zip(incidents.TEXTS, (information, circumstances, cause, reasoning, measures, planned, contact),
                     strict=True))  # fmt: skip
    days = {"began_on": (began, "--from"), "ended_on": (ended, "--to"), "aware_on": (aware, "--aware")}
    days |= {"commission_on": (commission, "--commission-notified"), "persons_on": (notified, "--persons-notified")}
    values = _values(call, words, days, {"persons": persons, "residents": residents})
    if serious:
        if serious not in _SERIOUS:
            raise ConfigError(both("incidents.yes_or_no", what=serious))
        values["serious"] = serious == "yes"
    if not values:
        raise ConfigError(both("incidents.nothing_said"))
    with opened(call) as app, app.store.write() as tx:
        row = the_one(tx, call, id_)
        if not rows.record(tx, row, values):
            raise Unclear(call.say("incidents.is_closed", id=row.id))
        _refuse(row, today_of(app.clock))
        left = incidents.missing(row)
    call.tell("incidents.recorded", id=row.id)
    _tell_missing(call, left)


@group.command("list", help="incidents.list_help")
def list_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        audit.look(tx, "register", "incidents", "audit incident list")
        found = rows.every(tx)
        if as_json:
            show_json([told(row) for row in found])
        elif not found:
            call.tell("incidents.none")
        for row in () if as_json else found:
            words = row.circumstances or call.say("incidents.blank")
            state = call.say(f"incidents.{incidents.standing(row)}")
            sys.stdout.write(f"{row.id}  {row.aware_on}  {state}  {words}\n")


@group.command("show", help="incidents.show_help")
def show(
    ctx: typer.Context,
    id_: str = _ID,
    notice: str = typer.Option("", "--notice", metavar="commission|persons", help="incidents.opt_notice"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    if notice and notice not in incidents.NOTICES:
        raise ConfigError(both("incidents.no_such_notice", what=notice))
    with opened(call) as app, app.store.write() as tx:
        row = the_one(tx, call, id_)
        audit.look(tx, "incident", row.id, "audit incident show")
        values, now = told(row), today_of(app.clock)
        if notice:
            sys.stdout.write(incidents.notice(row, notice, call.lang, now))
        elif as_json:
            show_json(values)
        else:
            _print(call, values)


@group.command("close", help="incidents.close_help")
def close(ctx: typer.Context, id_: str = _ID) -> int:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        row = the_one(tx, call, id_)
        if left := incidents.missing(row):
            _tell_missing(call, left)
            return 1
        if not rows.close(tx, row):
            raise Unclear(call.say("incidents.is_closed", id=row.id))
        until = incidents.kept_until(row)
    call.tell("incidents.closed_now", id=row.id, until=until)
    return 0


def the_one(tx: Tx, call: Call, text: str) -> Incident:
    """The entry whose id begins or ends so. Raises Unclear."""
    found = rows.matching(tx, text) if text else []
    if len(found) != 1:
        key = "several" if found else "nothing"
        raise Unclear(call.say(f"incidents.{key}", text=text, ids=", ".join(row.id for row in found)))
    return found[0]


def told(row: Incident) -> dict[str, Any]:
    """An entry with what follows from it."""
    more = {"standing": incidents.standing(row), "missing": incidents.missing(row)}
    return row.model_dump() | more | {"kept_until": incidents.kept_until(row)}


def _values(
    call: Call, words: dict[str, str], days: dict[str, tuple[str, str]], numbers: dict[str, str]
) -> dict[str, Any]:
    """What was typed. Raises ConfigError."""
    values: dict[str, Any] = {name: text.strip() for name, text in words.items() if text.strip()}
    values |= {name: day(call, text, option) for name, (text, option) in days.items() if text}
    for name, text in numbers.items():
        if text and not (text.isascii() and text.isdigit() and len(text) < 9):
            raise ConfigError(both("incidents.not_a_number", what=text))
        values |= {name: int(text)} if text else {}
    return values


def _refuse(row: Incident, today: date) -> None:
    """Nothing is written of what cannot be. Raises ConfigError."""
    if found := incidents.wrong(row, today):
        raise ConfigError(both(f"incidents.{found[0]}", id=row.id))


def _tell_missing(call: Call, names: list[str]) -> None:
    if names:
        call.tell("incidents.missing", names=", ".join(call.say(f"incidents.item_{name}") for name in names))


def _print(call: Call, values: dict[str, Any]) -> None:
    lines = [f"{values['id']}  {call.say('incidents.' + values['standing'])}"]
    labels = {name: call.say(f"incidents.item_{name}") for name in _SHOWN}
    width = max(map(len, labels.values()))
    lines += [f"{labels[name]:<{width}}  {_word(call, values[name])}" for name in _SHOWN]
    lines += [f"{'':<{width}}  gateway show {record}" for record in values["records"]]
    sys.stdout.write("\n".join([*lines, ""]))
    _tell_missing(call, values["missing"])


def _word(call: Call, value: object) -> str:
    if isinstance(value, bool):
        return call.say("incidents.yes" if value else "incidents.no")
    return call.say("incidents.blank") if value is None else str(value)
