"""`gateway rules counts`: where the payer took what we found wrong, and which rules to demote for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.registry.severities import adjustable
from gateway.store import findings
from gateway.store.findings import RuleCount

_ENOUGH = 5  # answers before a rule is doubted
_MOSTLY = 0.9  # part of them that must be "receivable"
_DOWN = {"error": "warning", "warning": "info"}


def demotion(count: RuleCount, adjustable: Collection[str]) -> str | None:
    """The severity a rule should rather have: the payer nearly always takes what it finds wrong. None for what nobody
    may change."""
    answers = count.receivable + count.not_receivable
    if count.code not in adjustable or answers < _ENOUGH or count.receivable < answers * _MOSTLY:
        return None
    return _DOWN.get(count.severity)


def show(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        may = adjustable(app.catalog)
        rows: list[dict[str, Any]] = [c._asdict() | {"demote_to": demotion(c, may)} for c in findings.counts(tx)]
    if as_json:
        show_json(rows)
        return
    columns = ("code", "severity", "authority", "receivable", "not_receivable", "unanswered", "demote_to")
    table = Table(*(Column(call.say(f"rules.column_{key}"), overflow="fold") for key in columns), box=None)
    for row in rows:
        table.add_row(*("" if row[key] is None else str(row[key]) for key in columns))
    Console().print(table)
    if proposed := ", ".join(f'{row["code"]} = "{row["demote_to"]}"' for row in rows if row["demote_to"]):
        typer.echo(call.say("rules.demote", rules=proposed))
