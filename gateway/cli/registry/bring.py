"""`gateway registry apply|import`: a plan like a diff, and doing it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from gateway.cli.common import Call
from gateway.cli.house import opened
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.registry import apply, bring
from gateway.registry.tabular import ACCOUNTS, PRACTITIONERS, read_sheet


def apply_(
    ctx: typer.Context,
    file: Path = typer.Argument(..., help="registry.file", metavar="FILE"),
    dry_run: bool = typer.Option(False, "--dry-run", help="registry.dry_run"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        plan = apply(app.store, file, app.config, app.catalog, dry_run=dry_run)
    sys.stdout.write(plan.text(call.lang) + "\n")
    return 1 if plan.refusals else 0


def import_(
    ctx: typer.Context,
    what: str = typer.Argument(..., help="registry.what", metavar="practitioners|accounts"),
    file: Path = typer.Argument(..., help="registry.csv", metavar="FILE.csv"),
    dry_run: bool = typer.Option(False, "--dry-run", help="registry.dry_run"),
) -> int:
    call: Call = ctx.obj
    if what not in (PRACTITIONERS, ACCOUNTS):
        raise ConfigError(both("registry.sheet_what", what=what))
    sheet = read_sheet(file, what)
    with opened(call) as app:
        plan = bring(app.store, file, sheet.said, app.config, app.catalog, dry_run=dry_run, lines=sheet.lines)
    sys.stdout.write(plan.text(call.lang) + "\n")
    for refusal in sheet.refused:
        sys.stdout.write(f"! {refusal[call.lang]}\n")
    call.tell("registry.sheet_read", rows=sheet.rows, refused=len(sheet.refused))
    return 1 if plan.refusals or sheet.refused else 0
