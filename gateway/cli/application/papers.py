"""`gateway application form|letter|import`: sheets to copy onto official forms, what the payer wrote, new forms."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import typer

from gateway import rendering
from gateway.app import App
from gateway.applications import procedures, summary
from gateway.archive import Stored
from gateway.cli.application.facts import Desk, the_one
from gateway.cli.common import Call
from gateway.cli.days import day_of
from gateway.cli.house import configuration, opened
from gateway.cli.shelf import keep_and_tell
from gateway.clock import SystemClock
from gateway.clock import today as today_of
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.payer import Directory, Letters, shelves
from gateway.platform import write_private
from gateway.store import audit

_LARGEST = 25_000_000  # bytes of a letter or of a proof


def keep_paper(app: App, id_: str, source: Path) -> Stored:
    """Archive a paper of an application. Raises ConfigError, OSError, StoreError."""
    with source.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ConfigError(both("applications.letter_large", file=source, limit=_LARGEST))
    if not data:
        raise ConfigError(both("applications.letter_empty", file=source))
    return app.archive.put(id_, io.BytesIO(data))


def letter(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="applications.opt_id"),
    out: Path = typer.Option(..., "--out", metavar="FILE", help="applications.opt_letter_out"),
    proof: bool = typer.Option(False, "--proof", help="applications.opt_letter_proof"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.read() as tx:
            row = the_one(tx, call, id_)
        ref = row.proof_ref if proof else row.letter_ref
        if ref is None:
            raise ConfigError(both("applications.no_paper", id=row.id))
        with app.store.write() as tx:
            audit.look(tx, "application", row.id, "application letter")
        with app.archive.open(ref) as stream:
            data = app.keyring.unseal_old(row.id, stream.read())
    write_private(out, data)
    call.tell("applications.written", file=out)


def form(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="applications.opt_id"),
    out: Path = typer.Option(..., "--out", metavar="FILE.html|.pdf", help="applications.opt_form_out"),
    only: str = typer.Option("", "--form", metavar="NUMBER", help="applications.opt_form_only"),
) -> None:
    call: Call = ctx.obj
    if out.suffix.lower() not in (".html", ".pdf"):
        raise ConfigError(both("applications.html_or_pdf", file=out))
    with opened(call) as app:
        today, folders = today_of(app.clock), shelves(app.config.gateway.state_dir)
        with app.store.read() as tx:
            desk = Desk(tx, app.config.gateway.state_dir, today)
            row = the_one(tx, call, id_)
            progress = desk.progress(row, today)
        directory = Directory.load(folders, Letters.load(folders))
        to = progress.procedure.send_to
        sheets = summary.sheets(row, progress, directory.service(to, today) if to else None, call.lang, only)
        if not sheets:
            known = ", ".join(needed.number for needed in progress.forms) or "–"
            raise ConfigError(both("applications.form_not_needed", number=only or "–", known=known))
        if out.suffix.lower() == ".pdf":
            page = rendering.sheets_pdf(sheets, call.lang, app.clock.now())
        else:
            page = rendering.sheets_html(sheets, call.lang)
    write_private(out, page)
    call.tell("applications.written", file=out)


def import_(
    ctx: typer.Context,
    source: Path = typer.Argument(..., metavar="FILE", help="applications.opt_import_file"),
    since: str = typer.Option("", "--from", metavar="DAY", help="payer.kept_from"),
) -> None:
    call: Call = ctx.obj
    kind = "procedures" if "procedure" in _tables(source) else "forms"
    count = procedures.check(source, kind, Letters.load(shelves(configuration(call).gateway.state_dir)))
    keep_and_tell(call, source, kind, count, day_of(since, today_of(SystemClock())))


def _tables(source: Path) -> set[str]:
    """The file's tables; a file that is no TOML is `check`'s to refuse."""
    try:
        return set(tomllib.loads(source.read_text("utf-8")))
    except ValueError:
        return set()
