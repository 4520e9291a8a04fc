"""`gateway schema add|list|remove`: schema families of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from gateway import families
from gateway.cli.common import Call, show_json
from gateway.cli.house import configuration
from gateway.families import Installed

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="schema.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="schema")


@group.command("add", help="schema.add.help")
def add(
    ctx: typer.Context,
    folder: Path = typer.Argument(..., help="schema.folder", metavar="DIR"),
    replace: bool = typer.Option(False, "--replace", help="schema.replace"),
    dry_run: bool = typer.Option(False, "--dry-run", help="schema.dry_run"),
) -> int:
    call: Call = ctx.obj
    name = folder.resolve().name
    if not folder.is_dir():
        call.complain(call.say("cli.schema_no_folder", folder=folder))
        return 2
    try:
        found = families.add(folder, configuration(call).paths.schemas, replace=replace, dry_run=dry_run)
    except OSError as error:
        call.complain(call.say("cli.schema_unreadable", file=error.filename or folder, why=error.strerror or ""))
        return 2
    for problem in found:
        mark = "✗" if problem.stops else "·"
        sys.stdout.write(f"{mark} {problem.said(call.lang)}\n")
    stopped = sum(problem.stops for problem in found)
    if stopped:
        call.tell("cli.schema_not_installed", name=name, count=stopped)
        return 1
    call.tell("cli.schema_would_install" if dry_run else "cli.schema_installed", name=name)
    return 0


@group.command("list", help="schema.list.help")
def list_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    known = families.families(configuration(call).paths.schemas)
    if as_json:
        show_json([_facts(one) for one in known])
        return
    for one in known:
        where = call.say(f"cli.schema_{'hidden' if one.hidden else 'own' if one.own else 'shipped'}")
        version = call.say("cli.schema_version", version=one.family.version, authority=one.family.authority)
        sys.stdout.write(f"{one.folder} – {one.family.title[call.lang]}\n  {where} {version}\n")
        for document in one.family.documents:
            days = call.say("cli.schema_validity", begin=document.valid_from or "…", end=document.valid_to or "…")
            always = document.valid_from is None and document.valid_to is None
            sys.stdout.write(f"  {document.name} ({document.role}){'' if always else f' {days}'}\n")


@group.command("remove", help="schema.remove.help")
def remove(ctx: typer.Context, name: str = typer.Argument(..., help="schema.name", metavar="NAME")) -> int:
    call: Call = ctx.obj
    schemas = configuration(call).paths.schemas
    if not families.remove(name, schemas):
        call.complain(call.say("cli.schema_not_there", name=name))
        return 1
    shipped = any(one.folder == name for one in families.families(schemas))
    call.tell("cli.schema_removed_for_shipped" if shipped else "cli.schema_removed", name=name)
    return 0


def _facts(one: Installed) -> dict[str, Any]:
    return {
        "folder": one.folder,
        "name": one.family.name,
        "title": dict(one.family.title),
        "version": one.family.version,
        "authority": one.family.authority,
        "own": one.own,
        "counts": not one.hidden,
        "documents": [
            {"name": d.name, "role": d.role, "xsd": d.xsd, "from": d.valid_from, "to": d.valid_to}
            for d in one.family.documents
        ],
    }
