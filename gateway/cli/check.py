"""`gateway check FILE…`: judge documents and ZIPs where they lie; no database, nothing sent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import typer

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.cli.common import Call, raw_config, show_json
from gateway.rendering import report_text
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation import check_file

EXIT = {"valid": 0, "invalid": 1, "not_judged": 2}


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("check", help="check.help")(check)


def check(
    ctx: typer.Context,
    files: list[Path] = typer.Argument(..., help="check.files", metavar="FILE…"),
    form: Format = typer.Option(Format.TEXT, "--format", help="check.format"),
) -> int:
    call: Call = ctx.obj
    catalog = _catalog(call)
    reports: list[Report] = []
    worst = 0
    for report in judged(call, files, catalog):
        worst = max(worst, EXIT[report.verdict])
        if form is Format.TEXT:
            sys.stdout.write(report_text(report, call.lang))
        else:
            reports.append(report)
    if form is Format.JSON:
        show_json([report.public() for report in reports])
    return worst


def judged(call: Call, files: Iterable[Path], catalog: Catalog) -> Iterator[Report]:
    """The report of every document; a file that cannot be read is told on the error stream and not judged."""
    for file in files:
        try:
            yield from check_file(file, catalog)
        except OSError as error:
            call.complain(call.say("cli.check_unreadable", file=file, why=error.strerror or type(error).__name__))
            yield Report(str(file), "", None, None, None, "not_judged")


def _catalog(call: Call) -> Catalog:
    """The state folder's own families before the shipped ones; the configuration is not judged for this."""
    folder = call.state_dir
    if folder is None:
        try:
            raw = raw_config(str(call.config_file) if call.config_file else None)
            folder = (call.config_file or Path("gateway.toml")).parent / raw["gateway"]["state_dir"]
        except (OSError, KeyError, ValueError):
            folder = Path("var")
    return catalogs.load([folder / "schemas", data_dir("schemas")])
