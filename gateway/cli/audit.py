"""`gateway audit`: whether the history is as it was written, and who may prove it."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from gateway import anchors
from gateway.anchors import Anchor, AnchorsError
from gateway.app import App
from gateway.cli import incidents
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.cli.registers import export
from gateway.clock import local
from gateway.errors import ConfigError
from gateway.store import chain
from gateway.store.chain import Examined, Head

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="audit.help")
group.command("export", help="audit.export_help")(export)
group.add_typer(incidents.group, name="incident")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="audit")


@group.command("verify", help="audit.verify_help")
def verify(
    ctx: typer.Context,
    file: str = typer.Option("", "--anchors", metavar="FILE|-", help="audit.anchors"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        known = _anchors(app, file)
        with app.store.read() as tx:
            seen = chain.examine(tx, (Head(anchor.events, anchor.hash) for anchor in known))
    if as_json:
        show_json(_told(seen, known))
    else:
        _say(call, seen, known)
    return 0 if seen.flaw is None else 1


@group.command("anchor", help="audit.anchor_help")
def anchor(ctx: typer.Context) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        _anchors(app, "")  # none is added to a damaged file
        with app.store.read() as tx:
            head = chain.head(tx)
        anchors.add(app.config.anchors, app.clock.now(), head.events, head.hash)
        call.tell("audit.anchored", file=app.config.anchors, events=head.events, hash=head.hash)


def _anchors(app: App, file: str) -> list[Anchor]:
    """The anchors to check by: those of our own file; or a text that somebody kept, which must have some ("-": what is
    pasted). Raises ConfigError."""
    try:
        if not file:
            return list(anchors.every(app.config.anchors))
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8", "replace")
        return anchors.pasted(text, Path(file))
    except AnchorsError as error:
        raise ConfigError(error.both) from error


def _told(seen: Examined, known: list[Anchor]) -> dict[str, object]:
    flaw = seen.flaw
    return {
        "whole": flaw is None,
        "events": seen.events,
        "hash": seen.hash,
        "anchors": len(known),
        "anchors_agreed": seen.anchors,
        "last_anchor": max((anchor.at for anchor in known), default=None),
        "first_bad": flaw and flaw.seq,
        "until": flaw and flaw.until,
        "why": flaw and flaw.why,
    }


def _say(call: Call, seen: Examined, known: list[Anchor]) -> None:
    if seen.flaw is not None:
        call.tell("audit.broken", seq=seen.flaw.seq)
        call.tell(f"audit.why_{seen.flaw.why}", seq=seen.flaw.seq, until=seen.flaw.until, good=seen.events)
        return
    call.tell("audit.whole", events=seen.events, hash=seen.hash)
    if known:
        newest = max(known, key=lambda anchor: anchor.at)
        call.tell("audit.agreed", count=len(known), last=f"{local(newest.at):%Y-%m-%d %H:%M}")
    else:
        call.tell("audit.no_anchor")
