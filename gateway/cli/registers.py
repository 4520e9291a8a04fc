"""`gateway audit export`: the registers the chain holds, as CSV, JSON or a page to print. Making one is a look too."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import typer

from gateway import rendering
from gateway.cli.common import Call
from gateway.cli.days import day
from gateway.cli.house import opened
from gateway.clock import TORONTO, local, today
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.models import Incident
from gateway.platform import open_private
from gateway.sheets import Grid, Sheet
from gateway.store import Tx, audit, incidents

Rows = Callable[[Tx, datetime, datetime], Iterable[Any]]
# What each holds, in the order of its columns.
REGISTERS: Mapping[str, tuple[Rows, tuple[str, ...]]] = {
    "looks": (audit.looks, ("seq", "at", "actor", "kind", "record", "command")),
    "access": (audit.accesses, ("actor", "looks", "records", "others", "first", "last")),
    "communications": (
        audit.communications,
        ("seq", "at", "record", "nature", "purpose", "recipient", "number", "agency", "sha256"),
    ),
    "incidents": (
        incidents.learned,
        (
            "id", "opened_at", "opened_by", "aware_on", "began_on", "ended_on", "information", "circumstances", "cause",
            "persons", "residents", "serious", "reasoning", "commission_on", "persons_on", "measures", "closed_at",
        ),
    ),
}  # fmt: skip
FORMATS = ("csv", "json", "html")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(
    ctx: typer.Context,
    register: str = typer.Argument(..., metavar="|".join(REGISTERS), help="audit.register"),
    since: str = typer.Option("", "--from", metavar="DAY", help="audit.since"),
    until: str = typer.Option("", "--to", metavar="DAY", help="audit.until"),
    form: str = typer.Option("csv", "--format", metavar="csv|json|html", help="audit.format"),
    out: Path | None = typer.Option(None, "--out", metavar="FILE", help="audit.out"),
) -> None:
    call: Call = ctx.obj
    for what, known in ((register, tuple(REGISTERS)), (form, FORMATS)):
        if what not in known:
            raise ConfigError(both("audit.unknown", what=what, known=", ".join(known)))
    with opened(call) as app:
        first, last = _period(call, since, until, today(app.clock))
        with app.store.write() as tx:
            audit.look(tx, "register", register, "audit export")
        rows, names = REGISTERS[register]
        with app.store.read() as tx:
            found = (_columns(row) for row in rows(tx, _begins(first), _begins(last + timedelta(days=1))))
            _write(_FORMS[form](call, register, names, found, (first, last)), out)


def _period(call: Call, since: str, until: str, now: date) -> tuple[date, date]:
    """Both included; without words, the month before this one."""
    before = now.replace(day=1) - timedelta(days=1)
    first = day(call, since, "--from") or before.replace(day=1)
    last = day(call, until, "--to") or (now if since else before)
    return first, last


def _columns(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = row.model_dump() if isinstance(row, Incident) else asdict(row)
    return values


def _begins(on: date) -> datetime:
    return datetime.combine(on, time.min, TORONTO).astimezone(UTC)


def _write(pieces: Iterable[str], out: Path | None) -> None:
    if out is None:
        sys.stdout.writelines(pieces)
        return
    with open_private(out) as file:
        file.writelines(piece.encode() for piece in pieces)


def _plain(value: object) -> str:
    return f"{local(value):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else "" if value is None else str(value)


def _cell(value: object) -> str:
    """A text that a spreadsheet would take for a formula is no formula."""
    text = _plain(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(
    call: Call, _register: str, names: tuple[str, ...], rows: Iterator[dict[str, Any]], _of: object
) -> Iterator[str]:
    yield _line([call.say(f"audit.column_{name}") for name in names])
    for row in rows:
        yield _line([_cell(row[name]) for name in names])


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _json(_call: Call, _register: str, _names: object, rows: Iterator[dict[str, Any]], _of: object) -> Iterator[str]:
    comma = "[\n"
    for row in rows:
        yield comma + json.dumps(row, ensure_ascii=False, default=lambda moment: moment.isoformat())
        comma = ",\n"
    yield "\n]\n" if comma != "[\n" else "[]\n"


def _html(
    call: Call, register: str, names: tuple[str, ...], rows: Iterator[dict[str, Any]], of: tuple[date, date]
) -> Iterator[str]:
    title, about = call.say(f"audit.title_{register}"), call.say("audit.period", first=of[0], last=of[1])
    cells = tuple(tuple(_plain(row[name]) for name in names) for row in rows)
    grid = Grid(title, tuple(call.say(f"audit.column_{name}") for name in names), cells)
    yield rendering.sheets_html([Sheet(title, about, (grid,))], call.lang).decode()


_FORMS = {"csv": _csv, "json": _json, "html": _html}
