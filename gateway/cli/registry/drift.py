"""`gateway registry drift`: documents that name another software, or another version, than their source declared."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local, today
from gateway.registry import Book
from gateway.store import drift as drifted

_COLUMNS = ("agency", "source", "declared", "written", "requests", "last")


def drift(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> int:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, day = Book.load(tx), today(app.clock)
        rows = []
        for one in drifted.by_source(tx):
            source = book.source(one.source_id)
            declared = book.declared_software(source.id, day)
            words = (declared.developer, declared.name, declared.version) if declared else ()
            rows.append(
                {
                    "agency": book.agency(source.agency_id).name,
                    "source": source.name,
                    "declared": " ".join(filter(None, words)),
                    "written": one.software,
                    "requests": one.requests,
                    "last": local(one.last).date().isoformat(),
                }
            )
    if as_json:
        show_json(rows)
    elif not rows:
        call.tell("registry.no_drift")
    else:
        table = Table(*(Column(call.say(f"registry.drift_{key}"), overflow="fold") for key in _COLUMNS), box=None)
        for row in rows:
            table.add_row(*(str(row[key]) for key in _COLUMNS))
        Console().print(table)
    return 1 if rows else 0
