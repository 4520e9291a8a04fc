"""`gateway restore DIR`, `restore plan|release`: bring a backup back, held; see what would be sent again; let it go."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from gateway import instance
from gateway.app import App, masters
from gateway.backups import Folder
from gateway.backups import restore as bring_back
from gateway.backups.release import release as let_go
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import SystemClock, local
from gateway.config import load
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.stages import restored
from gateway.stages.restored import Asked

VERDICTS = ("there", "goes", "held")


class _OrFolder(TyperGroup):
    """`gateway restore DIR` is `gateway restore from DIR`: a folder is what one types there first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["from", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(cls=_OrFolder, no_args_is_help=True, rich_markup_mode=None, help="backups.restore_help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="restore")


@group.command("from", help="backups.from_help")
def from_(
    ctx: typer.Context,
    folder: Path = typer.Argument(..., metavar="DIR", help="backups.folder"),
    into: Path | None = typer.Option(None, "--into", metavar="DIR", help="backups.into"),
    name: str | None = typer.Option(None, "--backup", metavar="NAME", help="backups.name"),
    more: Path | None = typer.Option(None, "--tombstones", metavar="FILE", help="backups.tombstones"),
) -> None:
    call: Call = ctx.obj
    config = load(call.config_file, state_dir=into or call.state_dir)
    state = config.paths.state.absolute()
    source = Folder(folder.absolute())
    names = source.names()
    if not names:
        raise source.error("none")
    if more is not None and not more.is_file():
        raise FileNotFoundError(2, "", str(more))
    name = name or names[-1]
    made = bring_back(source, name, state, masters(config), SystemClock(), actor=call.who, more=more)
    made_at = f"{local(made.manifest.made_at):%Y-%m-%d %H:%M}"
    call.tell("backups.restored", backup=made.manifest.name, day=made_at, folder=state, files=made.files)
    if made.purged:
        call.tell("backups.stays_purged", count=made.purged)
    if made.configuration is not None:
        call.tell("backups.configuration_beside", file=made.configuration)
    call.tell("backups.is_held")


@group.command("plan", help="backups.plan_help")
def plan(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        _must_be_held(app)
        asked = list(restored.ask(app.rooms))
    if as_json:
        show_json([_said(one) for one in asked])
        return
    _tell(call, asked)


@group.command("release", help="backups.release_help")
def release(ctx: typer.Context, reason: str = typer.Option(..., "--reason", help="act.reason")) -> None:
    """Each answer is recorded before the next payer is asked: killed anywhere, it is begun again."""
    call: Call = ctx.obj
    with opened(call) as app:
        _must_be_held(app)
        asked = list(_decided(app, restored.ask(app.rooms)))
        unjudged = restored.hold_unjudged(app.rooms)
        _tell(call, asked)
        if unjudged:
            call.tell("backups.unjudged", count=len(unjudged))
        told = let_go(app.house, reason=reason)
        for folder in told:
            call.tell("backups.fenced", folder=folder)
    call.tell("backups.released")


def _decided(app: App, asked: Iterable[Asked]) -> Iterator[Asked]:
    for one in asked:
        restored.decide(app.rooms, one)
        yield one


def _must_be_held(app: App) -> None:
    if instance.held(app.config.paths.instance) is None:
        raise ConfigError(both("backups.not_held", folder=app.config.paths.state))


def _said(one: Asked) -> dict[str, Any]:
    row = one.request
    facts = {"id": row.id, "payer": row.payer, "number": row.number, "name": row.wire_name, "invoices": row.invoices}
    return facts | {"state": row.state, "verdict": one.verdict, "asked": one.asked}


def _tell(call: Call, asked: list[Asked]) -> None:
    """In numbers, then each one that goes again or waits for a person."""
    counts = Counter(one.verdict for one in asked)
    invoices = Counter[str]()
    for one in asked:
        invoices[one.verdict] += one.request.invoices
    for verdict in VERDICTS:
        call.tell(f"backups.verdict_{verdict}", count=counts[verdict], invoices=invoices[verdict])
    for one in asked:
        if one.verdict != "there":
            row = one.request
            lane = f"{row.payer}:{row.number}"
            sys.stdout.write(f"  {row.id}  {lane}  {row.wire_name}  {call.say(f'backups.word_{one.verdict}')}\n")
    if unasked := sum(not one.asked for one in asked):
        call.tell("backups.unasked", count=unasked)
