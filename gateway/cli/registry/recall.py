"""`gateway registry recall`: what went, or was handed over, under facts of the registry that were corrected since."""

from __future__ import annotations

import sys
from typing import Any

import typer

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local
from gateway.models import Recall
from gateway.registry import Book
from gateway.registry.recall import told
from gateway.store import recalls


def recall(
    ctx: typer.Context,
    everything: bool = typer.Option(False, "--all", help="registry.recall_all"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, rows = Book.load(tx), recalls.every(tx, withdrawn=everything)
        says = [told(row, book.agency(row.agency_id).name)[call.lang] for row in rows]
        if as_json:
            show_json([row.model_dump() | {"says": said} for row, said in zip(rows, says, strict=True)])
        elif not rows:
            call.tell("registry.no_recalls")
        else:
            lines = [line for row, said in zip(rows, says, strict=True) for line in _lines(call, row, said)]
            sys.stdout.write("\n".join([*lines, ""]))
        return 1 if any(row.withdrawn_at is None for row in rows) else 0


def _lines(call: Call, row: Recall, said: str) -> list[str]:
    more: list[Any] = []
    if row.incident_id:
        more.append(call.say("registry.recall_incident", incident=row.incident_id))
    if row.withdrawn_at:
        more.append(call.say("registry.recall_withdrawn", day=local(row.withdrawn_at).date()))
    return [said, *(f"    {one}" for one in more)]
