"""`gateway tables import|list`: the payer's code tables, kept in the state folder, a file for each version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway import catalog as catalogs
from gateway import tables
from gateway.catalog import Catalog
from gateway.cli.common import Call, show_json
from gateway.cli.judged import catalog_folders
from gateway.errors import ConfigError
from gateway.messages import both

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="tables.help")
_THEIRS = ("official", "letter", "reconstructed")  # what is ours travels with the program
_DATED = re.compile(r"(.+?)@([0-9]{4}-[0-9]{2}-[0-9]{2})")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="tables")


@group.command("import", help="tables.import_help")
def import_(
    ctx: typer.Context,
    source: Path = typer.Argument(..., help="tables.file", metavar="FILE|DIR"),
    family: str = typer.Option("ramq-rfp", "--family", help="tables.family"),
    form: str = typer.Option("csv", "--format", help="tables.format", metavar="csv"),
    since: str = typer.Option("", "--from", help="tables.since", metavar="DATE"),
    authority: str = typer.Option("reconstructed", "--authority", help="tables.authority", metavar="|".join(_THEIRS)),
) -> None:
    call: Call = ctx.obj
    if form != "csv":
        raise ConfigError(both("tables.no_form"))
    if authority not in _THEIRS:
        raise ConfigError(both("tables.no_authority", known=", ".join(_THEIRS)))
    folders = catalog_folders(call)
    known = catalogs.load(folders)
    if family not in known.families:
        raise ConfigError(both("tables.no_family", name=family, known=", ".join(known.families)))
    files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
    if not files:
        raise ConfigError(both("tables.nothing", folder=source))
    shelf = catalogs.shelf(folders[0]) / family
    for file in files:
        name, day = named(file, since)
        codes = tables.keep(file, shelf, name, day, authority)
        call.tell("tables.imported", name=name, codes=codes, since=day)


def named(file: Path, since: str) -> tuple[str, date]:
    """The table a file is of, and the day it holds from. Raises ConfigError when nobody says it."""
    dated = _DATED.fullmatch(file.stem)
    name, day = (dated[1], since or dated[2]) if dated else (file.stem, since)
    try:
        return name.lower().replace("-", "_"), date.fromisoformat(day)
    except ValueError as error:
        raise ConfigError(both("tables.no_date", file=file.name)) from error


@group.command("list", help="tables.list_help")
def list_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    rows = list(_rows(catalogs.load(catalog_folders(call))))
    if as_json:
        show_json(rows)
        return
    columns = ("family", "table", "since", "codes", "authority")
    table = Table(*(Column(call.say(f"tables.column_{key}"), overflow="fold") for key in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[key]) for key in columns))
    Console().print(table)


def _rows(catalog: Catalog) -> Iterator[dict[str, object]]:
    for family in catalog.families.values():
        for name, versions in family.tables.items():
            for one in versions:
                yield {
                    "family": family.name,
                    "table": name,
                    "since": one.since.isoformat(),
                    "codes": len(one.rows),
                    "authority": one.authority,
                }
