"""`gateway key show|rotate|kit|restore`: the master key, by its fingerprint; its words only on paper."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import typer

from gateway import keyring, rendering
from gateway.app import App
from gateway.archive import ALL_SEALED
from gateway.cli.common import Call, show_json
from gateway.cli.house import configuration, opened
from gateway.clock import SystemClock
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import write_private
from gateway.resident import instance_lock, recover
from gateway.sealing import fingerprint_of, words, write_key
from gateway.store import Store, keys, moves

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="key.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="key")


@group.command("show", help="key.show_help")
def show(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        standing, where = app.keyring.standing(), app.keyring.masters.source.where()
        sealed = app.keyring.has(ALL_SEALED)
    if as_json:
        show_json(asdict(standing) | {"source": where, "archive_sealed": sealed})
        return
    call.tell("key.source", where=where)
    call.tell("key.fingerprint", fingerprint=standing.fingerprint)
    call.tell("key.data_keys", live=standing.live, destroyed=standing.destroyed)
    if standing.retiring:
        call.tell("key.unfinished", old=", ".join(standing.retiring))
    call.tell("key.archive_sealed" if sealed else "key.archive_later")
    call.tell("key.kit_there" if standing.kit else "key.kit_missing")


@group.command("rotate", help="key.rotate_help")
def rotate(ctx: typer.Context) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        _seal_what_is_old(app)
        fingerprint, moved = keyring.renew(app.keyring)
    call.tell("key.rotated", fingerprint=fingerprint, moved=moved)
    call.tell("key.kit_missing")


def _seal_what_is_old(app: App) -> None:
    """A paper of before is sealed under the master key itself: it would be lost with it. Raises ConfigError when a
    service of the version before still runs."""
    if not app.keyring.has(ALL_SEALED):
        with instance_lock(app.config):
            recover(app)


@group.command("kit", help="key.kit_help")
def kit(
    ctx: typer.Context,
    out: Path = typer.Option(..., "--out", metavar="FILE.html|.pdf", help="key.opt_out"),
    in_parts: bool = typer.Option(False, "--parts", help="key.opt_parts"),
) -> None:
    call: Call = ctx.obj
    if out.suffix.lower() not in (".html", ".pdf"):
        raise ConfigError(both("key.html_or_pdf", file=out))
    with opened(call) as app:
        key, made = _key(app), app.clock.now()
        fingerprint = fingerprint_of(key)
        draw = import_module("gateway.cli.kit").sheets  # what draws QR codes is loaded only here
        pages = draw(words.parts(key) if in_parts else [words.whole(key)], fingerprint, made)
        pdf = out.suffix.lower() == ".pdf"
        write_private(out, rendering.sheets_pdf(pages, "fr", made) if pdf else rendering.sheets_html(pages, "fr"))
        with app.store.write() as tx:
            keys.kit_made(tx, fingerprint)
            moves.tell(tx, "key", [(fingerprint, "key_kit_made", {"parts": len(pages)})])
    call.tell("key.kit_written", file=out, pages=len(pages))


def _key(app: App) -> bytes:
    """The master key that counts."""
    wanted = app.keyring.standing().fingerprint
    return next(key for key in app.keyring.masters.source.read() if fingerprint_of(key) == wanted)


@group.command("restore", help="key.restore_help")
def restore(ctx: typer.Context) -> None:
    call: Call = ctx.obj
    config = configuration(call)
    if config.key.command:
        raise ConfigError(both("key.restore_command", command=config.key.command[0]))
    where = config.paths.key_file
    if where.exists():
        raise ConfigError(both("key.restore_there", file=where))
    if sys.stdin.isatty():
        call.tell("key.restore_type")
    key = words.key_from(sys.stdin.read())
    fingerprint = fingerprint_of(key)
    if config.paths.database.exists():
        _must_count(Store.open(config.paths.database, SystemClock(), actor=call.who), fingerprint)
    write_key(where, key)
    call.tell("key.restored", file=where, fingerprint=fingerprint)


def _must_count(store: Store, fingerprint: str) -> None:
    """Before it lies in anybody's way: is it this installation's? Raises ConfigError."""
    try:
        with store.read() as tx:
            current = keys.current(tx)
    finally:
        store.close()
    if current is not None and current.fingerprint != fingerprint:
        raise ConfigError(both("key.restore_other", found=fingerprint, wanted=current.fingerprint))
