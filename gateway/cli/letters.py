"""`gateway letters show|import`: the register of the payer's letters, and what each of them changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import typer

from gateway.cli.common import Call, show_json
from gateway.cli.days import moment_of
from gateway.cli.house import configuration
from gateway.cli.shelf import keep_and_tell
from gateway.clock import local
from gateway.payer import Change, Letter, Letters, letters, shelves

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="payer.letters_help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="letters")


@group.command("show", help="payer.letters_show_help")
def show(
    ctx: typer.Context,
    id_: str = typer.Argument("", metavar="[ID]", help="payer.letters_id"),
    on: str = typer.Option("", "--on", metavar="DAY", help="payer.letters_on"),
    rule: str = typer.Option("", "--rule", metavar="CODE", help="payer.letters_rule"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    known = Letters.load(shelves(configuration(call).gateway.state_dir))
    wanted = [known.get(id_, "letters")] if id_ else known.every()
    day = local(moment_of(on)).date() if on else None
    found = [(letter, kept) for letter in wanted if (kept := _kept(letter, rule, day)) or not (rule or on)]
    if as_json:
        show_json([_public(letter, changes) for letter, changes in found])
    elif not found:
        call.tell("payer.letters_nothing")
    for letter, changes in [] if as_json else found:
        sys.stdout.write("\n".join(_lines(letter, changes, call)) + "\n\n")


@group.command("import", help="payer.letters_import_help")
def import_(
    ctx: typer.Context,
    source: Path = typer.Argument(..., help="payer.letters_file", metavar="FILE"),
    since: str = typer.Option("", "--from", metavar="DAY", help="payer.kept_from"),
) -> None:
    call: Call = ctx.obj
    keep_and_tell(call, source, "letters", letters.check(source), local(moment_of(since)).date())


def _kept(letter: Letter, rule: str, day: date | None) -> list[Change]:
    return [
        change
        for change in letter.changes
        if (not rule or rule in change.rules or rule == change.what) and (day is None or change.holds(day))
    ]


def _lines(letter: Letter, changes: list[Change], call: Call) -> Iterator[str]:
    dated = "" if letter.date else f" ({call.say('payer.undated', day=letter.no_earlier_than)})"
    yield f"{letter.id} – {letter.name[call.lang]}{dated}"
    yield f"  {letter.subject.both[call.lang]}"
    for change in changes:
        rules = f" [{call.say('payer.rules', codes=', '.join(change.rules))}]" if change.rules else ""
        yield f"  – {_days(change, call)} : {change.says.both[call.lang]}{rules}"


def _days(change: Change, call: Call) -> str:
    if change.start and change.to:
        return call.say("payer.from_to", start=change.start, to=change.to)
    if change.start:
        return call.say("payer.from_only", start=change.start)
    return call.say("payer.to_only", to=change.to) if change.to else call.say("payer.always")


def _public(letter: Letter, changes: list[Change]) -> dict[str, object]:
    return letter.model_dump(by_alias=True, exclude={"changes"}) | {
        "change": [change.model_dump(by_alias=True) for change in changes]
    }
