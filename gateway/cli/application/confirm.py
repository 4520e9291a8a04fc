"""`gateway application confirm`: the payer answered; its letter is kept, and the change of registry is proposed."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import typer

from gateway.app import App
from gateway.applications import Proposal, judged, propose
from gateway.applications.known import Remark
from gateway.cli.application.facts import Desk, tell, the_one
from gateway.cli.application.papers import keep_paper
from gateway.cli.common import Call
from gateway.cli.days import day_of
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.errors import ConfigError
from gateway.identifiers import is_test_number
from gateway.messages import both
from gateway.models import Application
from gateway.platform import private_dir
from gateway.registry import apply
from gateway.store import applications


def confirm(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="applications.opt_id"),
    effective: str = typer.Option("", "--effective", metavar="DAY", help="applications.opt_effective"),
    letter: Path | None = typer.Option(None, "--letter", metavar="FILE", help="applications.opt_letter_file"),
    number: str = typer.Option("", "--number", metavar="NUMBER", help="applications.opt_number"),
    on: str = typer.Option("", "--on", metavar="DAY", help="applications.opt_confirmed_on"),
    payer: str = typer.Option("", "--payer", metavar="NAME", help="applications.opt_payer"),
    correct: bool = typer.Option(False, "--correct", help="applications.opt_correct"),
    apply_: bool = typer.Option(False, "--apply", help="applications.opt_apply"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        today = today_of(app.clock)
        changes: dict[str, Any] = {"confirmed_on": day_of(on, today)}
        changes |= {"effective_from": day_of(effective, today)} if effective else {}
        changes |= {"number": number} if number else {}
        proposal = _confirm(call, app, id_, changes, letter, payer, correct)
        if proposal is None:
            return 1
        if not apply_ or not proposal.text:
            return 0
        plan = apply(app.store, _written(app, proposal.text, id_), app.config, app.catalog)
    sys.stdout.write(plan.text(call.lang) + "\n")
    return 1 if plan.refusals else 0


def _confirm(
    call: Call, app: App, text: str, changes: dict[str, Any], letter: Path | None, payer: str, correct: bool
) -> Proposal | None:
    """Write it down and print what the registry should say; None when it is refused, and nothing is written."""
    today = today_of(app.clock)
    with app.store.read() as tx:
        id_ = the_one(tx, call, text).id
    kept = keep_paper(app, id_, letter) if letter else None
    changes |= {"letter_ref": kept.ref} if kept else {}
    with app.store.write() as tx:
        desk = Desk(tx, app.config.gateway.state_dir, today)
        row = the_one(tx, call, id_)
        if row.withdrawn_on or (row.confirmed_on and not correct):
            raise ConfigError(both("applications.over", id=row.id, standing=desk.progress(row, today).standing))
        applications.change(tx, row, changes, "application_confirmed", {"letter": letter.name} if letter else {})
        procedure = desk.progress(row, today).procedure
        judgement = judged.confirmed(row, procedure, letter=row.letter_ref is not None)
        days = judged.in_order({"opened_on": row.opened_on, "confirmed_on": row.confirmed_on}, today)
        if refusals := [*judgement.refusals, *days]:
            tell(call, "!", refusals)
            raise typer.Exit(1)
        proposal = propose(row, desk.known(row), _payer(app, payer, row), applications.signatures(tx, row.id))
    _print(call, row, proposal, judgement.warnings)
    return proposal


def _payer(app: App, named: str, row: Application) -> str | None:
    """Where a new number is used: the payer that was named, else the only one of its environment."""
    if named:
        return app.config.payer(named).name
    environment = "test" if row.number and is_test_number(row.number) else "production"
    fitting = [payer.name for payer in app.config.payers if payer.environment == environment]
    return fitting[0] if len(fitting) == 1 else None


def _print(call: Call, row: Application, proposal: Proposal, warnings: tuple[Remark, ...]) -> None:
    """The registry's file on standard output, ready to be kept; what is odd in its comments."""
    lines = [call.say("applications.confirmed", id=row.id)]
    lines += [remark.both[call.lang] for remark in (*warnings, *proposal.warnings)]
    lines.append(call.say("applications.proposed" if proposal.text else "applications.nothing_to_propose"))
    sys.stdout.write("".join(f"# {line}\n" for line in lines) + proposal.text)


def _written(app: App, text: str, name: str) -> Path:
    """The proposal as a file in the state folder, to apply."""
    folder = private_dir(private_dir(app.config.paths.payer) / "proposed")
    file = folder / f"{date.isoformat(today_of(app.clock))}-{name[-12:]}.toml"
    file.write_text(text, encoding="utf-8")
    return file
