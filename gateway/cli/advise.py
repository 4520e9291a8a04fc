"""`gateway advise`: through which channel a service is billed, with which marks, until when, and who says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, get_args

import typer

from gateway import catalog as catalogs
from gateway import limits
from gateway.advice import PROFESSIONS, Advice, Cases, Due, Known, Question, advise
from gateway.advice import question as words
from gateway.calendars import day_of
from gateway.cli.check import one_of
from gateway.cli.common import Call, show_json
from gateway.cli.contacts import opening
from gateway.cli.days import day
from gateway.cli.judged import catalog_folders
from gateway.clock import SystemClock, today
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.payer import Directory, shelves

_ASSISTANCE = "professionals"  # the service of contacts.toml that answers such questions


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("advise", help="advise.help")(advise_)


def advise_(
    ctx: typer.Context,
    profession: str = typer.Option("", "--profession", help="advise.profession", metavar="|".join(PROFESSIONS)),
    service: str = typer.Option("", "--service-date", help="advise.service", metavar="YYYY-MM-DD"),
    kind: str = typer.Option("act", "--kind", help="advise.kind", metavar="|".join(get_args(words.Kind))),
    billed: str = typer.Option("none", "--first-billed", help="advise.billed", metavar="none|old|new|paper"),
    old: str = typer.Option("", "--old-software", help="advise.old", metavar="yes|no"),
    statement: str = typer.Option("", "--statement-date", help="advise.statement", metavar="YYYY-MM-DD"),
    refused: str = typer.Option("", "--refused-number", help="advise.refused", metavar="NUMBER"),
    adds: str = typer.Option("", "--adds-service", help="advise.adds", metavar="YYYY-MM-DD"),
    by: str = typer.Option("", "--by", help="advise.by", metavar="|".join(get_args(words.Asker))),
    via: str = typer.Option("", "--via", help="advise.via", metavar="|".join(get_args(words.Way))),
    account: str = typer.Option("", "--account", help="advise.account", metavar="|".join(get_args(words.Tie))),
    practice: str = typer.Option("", "--practice", help="advise.practice", metavar="NUMBER"),
    asked_on: str = typer.Option("", "--today", help="advise.today", metavar="YYYY-MM-DD"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    rendered = day(call, service, "--service-date")
    if not profession or rendered is None:
        raise ConfigError(both("advice.needs"))
    asked = Question(
        profession=_word(call, profession, PROFESSIONS, "--profession"),
        service=rendered,
        today=day(call, asked_on, "--today") or today(SystemClock()),
        kind=_word(call, kind, get_args(words.Kind), "--kind"),
        first_billed=_word(call, billed, get_args(words.Billed), "--first-billed"),
        old_software=_word(call, old, get_args(words.YesNo), "--old-software"),
        statement=day(call, statement, "--statement-date"),
        refused=refused or None,
        adds=day(call, adds, "--adds-service"),
        by=_word(call, by, get_args(words.Asker), "--by"),
        via=_word(call, via, get_args(words.Way), "--via"),
        account=_word(call, account, get_args(words.Tie), "--account"),
        practice=practice or None,
    )
    return _answer(call, asked, as_json)


def _word(call: Call, word: str, known: tuple[str, ...], option: str) -> Any:
    return one_of(call, word, known, option) if word else None


def known_advice(call: Call) -> Known:
    """What this installation's answers rest on. Raises ConfigError and CatalogError."""
    folders = catalog_folders(call)
    families = catalogs.load(folders).families.values()
    by_system = {str(f.settings["system"]): limits.of(f.settings) for f in families if "system" in f.settings}
    return Known(Cases.load(shelves(folders[0].parent)), by_system)


def _answer(call: Call, asked: Question, as_json: bool) -> int:
    known = known_advice(call)
    found = advise(asked, known)
    if as_json:
        show_json(_public(found))
    else:
        sys.stdout.write("\n".join(_lines(call, found)) + "\n")
        if found.channel == "ask":
            sys.stdout.write("\n".join(_whom(call, known)) + "\n")
    return 2 if found.missing else int(found.too_late)


def _lines(call: Call, found: Advice) -> Iterator[str]:
    yield call.say("advice.channel", what=call.say(f"advice.channel_{found.channel}"))
    yield f"  {found.says[call.lang]}"
    for form in found.forms:
        yield f"  {call.say('advice.form', number=form.number, title=form.title.both[call.lang])}"
    for mark in found.marks:
        yield f"  {call.say('advice.mark', box=mark.box[call.lang], value=mark.value[call.lang])}"
    yield from (f"  {line}" for line in _limit(call, found.due, found.days_left))
    for warning in found.warnings:
        yield f"  ! {warning[call.lang]}"
    for note in found.notes:
        yield f"  – {note[call.lang]}"
    if found.missing:
        yield f"  {call.say('advice.missing')}"
    else:
        yield f"  {call.say('advice.source', what=_source(call, found))}"


def _source(call: Call, found: Advice) -> str:
    letter = found.letter[call.lang] if found.letter else call.say("advice.no_letter")
    section = f", {found.section}" if found.section else ""
    return f"{letter}{section} ({call.say(f'advice.by_{found.authority}')})"


def _limit(call: Call, due: Due | None, left: int | None) -> Iterator[str]:
    if due is None or left is None:
        yield call.say("advice.no_limit")
        return
    counted = call.say(f"advice.after_{due.after}", days=due.days, since=due.since)
    when = call.say("advice.left", left=left) if left >= 0 else call.say("advice.late", late=-left)
    yield call.say("advice.limit", last=due.last, when=when, counted=counted, letter=due.letter)
    if due.extension:
        yield call.say("advice.extended", letter=due.extension)
    if not due.confirmed:
        yield call.say("advice.unconfirmed")
    for last, days, letter in due.others:
        yield call.say("advice.other", last=last, days=days, letter=letter)


def _whom(call: Call, known: Known) -> Iterator[str]:
    """The assistance centre, and whether it is open now."""
    now = SystemClock().now()
    directory = Directory.load(shelves(catalog_folders(call)[0].parent), known.cases.letters)
    if service := directory.service(_ASSISTANCE, day_of(now)):
        state = opening(service, now, call.lang, call)
        yield service.title[call.lang] + (f" – {state}" if state else "")
        yield f"  {call.say('advice.contacts')}"


def _public(found: Advice) -> dict[str, Any]:
    due = found.due
    return {
        "case": found.case,
        "channel": found.channel,
        "authority": found.authority,
        "says": found.says,
        "letter": found.letter,
        "section": found.section,
        "forms": [{"number": form.number, "title": form.title.both} for form in found.forms],
        "marks": [{"box": mark.box, "value": mark.value} for mark in found.marks],
        "limit": due
        and {
            "last": due.last,
            "days": due.days,
            "after": due.after,
            "since": due.since,
            "confirmed": due.confirmed,
            "letter": due.letter,
            "extension": due.extension,
            "others": [{"last": last, "days": days, "letter": letter} for last, days, letter in due.others],
        },
        "days_left": found.days_left,
        "notes": list(found.notes),
        "warnings": list(found.warnings),
        "missing": list(found.missing),
        "may_be": list(found.may_be),
    }
