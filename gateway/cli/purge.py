"""`gateway purge --preview|--yes`, `purge proof ID`: what was kept long enough goes, and that it went is proved."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import typer

from gateway.app import App
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.retention import Due, Proof, prove, purge, survey
from gateway.store import retention

group = typer.Typer(invoke_without_command=True, rich_markup_mode=None, help="retention.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="purge")


@group.callback()
def purge_(
    ctx: typer.Context,
    preview: bool = typer.Option(False, "--preview", help="retention.preview_help"),
    yes: bool = typer.Option(False, "--yes", help="retention.yes_help"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    call: Call = ctx.obj
    if preview == yes:
        raise ConfigError(both("retention.choose"))
    with opened(call) as app:
        if yes:
            _purge(call, app, as_json)
        else:
            _preview(call, app, as_json)


@group.command("proof", help="retention.proof_help")
def proof(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="retention.id"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        found = prove(app.house, record)
    if found is None:
        raise ConfigError(both("retention.not_purged", record=record))
    if as_json:
        show_json(asdict(found) | {"holds": found.holds})
    else:
        _tell(call, found)
    return 0 if found.holds else 1


def _preview(call: Call, app: App, as_json: bool) -> None:
    with app.store.read() as tx:
        due, first = survey(tx, app.config.retention), retention.first_event(tx)
    facts = _counts(app, due) | {"history_until": _history(app, first)}
    if as_json:
        show_json(facts)
        return
    for kind in ("documents", "statements"):
        if not getattr(app.config.retention, kind):
            call.tell(f"retention.{kind}_for_good")
        else:
            call.tell(f"retention.{kind}_due", **facts[kind])
    call.tell("retention.staying", count=due.staying)
    if first is not None:
        call.tell("retention.history", day=f"{local(facts['history_until']):%Y-%m-%d}")


def _counts(app: App, due: Due) -> dict[str, Any]:
    """In numbers: records, files, bytes."""
    counted: dict[str, Any] = {"staying": due.staying}
    for kind, owners in (("documents", due.documents), ("statements", due.statements)):
        lying = [one.size for owner in owners for one in app.archive.of(owner)]
        lots = sum(owner.startswith("LOT-") for owner in owners)
        counted[kind] = {"records": len(owners), "lots": lots, "files": len(lying), "bytes": sum(lying)}
    return counted


def _history(app: App, first: datetime | None) -> datetime | None:
    """Until when the beginning of the history is kept at least."""
    return first + timedelta(seconds=app.config.retention.audit) if first else None


def _purge(call: Call, app: App, as_json: bool) -> None:
    gone = purge(app.house)
    if as_json:
        show_json(asdict(gone))
        return
    call.tell("retention.gone", records=gone.owners, files=gone.files, bytes=gone.size, copies=gone.in_backups)
    if not gone.reached:
        call.tell("retention.backups_not_reached", folder=app.config.backup.folder)


def _tell(call: Call, found: Proof) -> None:
    day = f"{local(found.purged_at):%Y-%m-%d %H:%M}"
    call.tell("retention.proof", **(asdict(found) | {"day": day}))
    call.tell("retention.proof_listed" if found.listed else "retention.proof_unlisted")
    call.tell("retention.proof_lying" if found.lying else "retention.proof_erased")
    call.tell(f"retention.proof_key_{found.key}")
    copies = {None: "unknown", True: "there", False: "gone"}[found.in_backups]
    call.tell(f"retention.proof_copies_{copies}")
