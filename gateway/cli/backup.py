"""`gateway backup|rehearse`: make a sealed second copy, and prove that it could save the house."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from gateway.app import App
from gateway.backups import Folder, make
from gateway.backups import rehearse as rehearsal
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local
from gateway.errors import BackupError, ConfigError
from gateway.messages import both


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("backup", help="backups.backup_help")(backup)
    root.command("rehearse", help="backups.rehearse_help")(rehearse)


def backup(
    ctx: typer.Context,
    folder: Path | None = typer.Argument(None, metavar="[DIR]", help="backups.folder"),
    to: Path | None = typer.Option(None, "--to", metavar="DIR", help="backups.folder"),
    listed: bool = typer.Option(False, "--list", help="backups.list_help"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        place = chosen(app, folder or to)
        if listed:
            _list(call, place, as_json)
            return
        made = make(app.house, place)
    manifest = made.manifest
    if as_json:
        cost = {"copied": made.copied, "copied_bytes": made.copied_size, "dropped": made.dropped}
        show_json(manifest.model_dump(mode="json", exclude={"key", "proof"}) | cost)
        return
    call.tell("backups.made", backup=manifest.name, folder=place.root, files=manifest.files, events=manifest.events)
    call.tell("backups.copied", count=made.copied, size=_megabytes(made.copied_size), dropped=made.dropped)


def rehearse(
    ctx: typer.Context,
    folder: Path | None = typer.Argument(None, metavar="[DIR]", help="backups.folder"),
    name: str | None = typer.Option(None, "--backup", metavar="NAME", help="backups.name"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        place = chosen(app, folder)
        try:
            seen = rehearsal(app.house, place, name)
        except BackupError as error:
            sys.stderr.write(f"{call.say('backups.rehearsal_failed')} {error}\n")
            return 1
        now = app.clock.now()
    facts = {"events": seen.events, "documents": seen.documents, "purged": seen.purged}
    if as_json:
        show_json({"backup": seen.manifest.name, "rehearsed_at": now} | facts)
    else:
        call.tell("backups.rehearsed", backup=seen.manifest.name, day=f"{local(now):%Y-%m-%d %H:%M}", **facts)
    return 0


def chosen(app: App, folder: Path | None) -> Folder:
    """The folder that was named, else the configured one. Raises ConfigError when there is neither."""
    said = folder or app.config.backup.folder
    if not said:
        raise ConfigError(both("backups.no_folder_said", file=app.config.path or "gateway.toml"))
    return Folder(Path(said).absolute())


def _list(call: Call, place: Folder, as_json: bool) -> None:
    """Needs no key: manifests tell whose backup, of when, how large."""
    found = [place.manifest(name) for name in place.names()]
    if as_json:
        show_json([one.model_dump(mode="json", exclude={"key", "proof"}) for one in found])
        return
    for one in found:
        size = _megabytes(one.size)
        call.tell(
            "backups.one", backup=one.name, day=f"{local(one.made_at):%Y-%m-%d %H:%M}", files=one.files, size=size
        )
    if not found:
        call.tell("backups.none_there", folder=place.root)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}"
