"""`gateway application list|show`: where applications stand, what is missing, late or blocked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway.applications import Progress, Remark
from gateway.applications.progress import value
from gateway.applications.summary import fact_name, kind_name, signatory_name
from gateway.cli.application.facts import Desk, the_one
from gateway.cli.common import Call, show_json
from gateway.cli.days import day_of
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.models import Application
from gateway.store import applications

_COLUMNS = ("id", "kind", "account", "agency", "standing", "expected", "overdue")


def list_(
    ctx: typer.Context,
    everything: bool = typer.Option(False, "--all", help="applications.opt_all"),
    on: str = typer.Option("", "--today", metavar="DAY", help="applications.opt_today"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        today = day_of(on, today_of(app.clock))
        desk = Desk(tx, app.config.gateway.state_dir, today)
        found = [(row, desk.progress(row, today)) for row in applications.every(tx)]
    shown = [(row, p) for row, p in found if everything or p.standing not in ("in_force", "withdrawn") or p.blocked]
    if as_json:
        show_json([public(row, progress) for row, progress in shown])
        return
    table = Table(*(Column(call.say(f"applications.column_{key}"), overflow="fold") for key in _COLUMNS), box=None)
    for row, p in shown:
        late = " ".join(remark.both[call.lang] for remark in p.overdue)
        agency = row.facts.get("agency_name") or row.facts.get("agency_number") or "–"
        standing = call.say(f"applications.standing_{p.standing}")
        expected = str(p.expected.latest) if p.expected and not row.confirmed_on else "–"
        table.add_row(row.id, kind_name(row.kind)[call.lang], row.account_id, agency, standing, expected, late or "–")
    Console().print(table)


def show(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="applications.opt_id"),
    on: str = typer.Option("", "--today", metavar="DAY", help="applications.opt_today"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        today = day_of(on, today_of(app.clock))
        desk = Desk(tx, app.config.gateway.state_dir, today)
        row = the_one(tx, call, id_)
        progress = desk.progress(row, today)
    if as_json:
        show_json(public(row, progress))
        return
    sys.stdout.write("\n".join(_lines(row, progress, call)) + "\n")


def public(row: Application, progress: Progress) -> dict[str, Any]:
    """An application and where it stands, for machines."""
    return {
        **row.model_dump(exclude={"created_at"}),
        "standing": progress.standing,
        "forms": [
            {
                "number": f.number,
                "sections": [number for number, _ in f.sections],
                "ready": f.ready,
                "missing": f.missing,
            }
            for f in progress.forms
        ],
        "signatures": progress.signatures,
        "unsigned": progress.unsigned,
        "users_unknown": progress.users_unknown,
        "may_be_sent": progress.complete,
        "send": progress.procedure.send,
        "original": progress.procedure.original,
        "number_to": progress.procedure.number_to,
        "password_to": progress.procedure.password_to,
        "expected_from": progress.expected and progress.expected.earliest,
        "expected_by": progress.expected and progress.expected.latest,
        "expected_provisional": progress.expected and progress.expected.provisional,
        "password_by": progress.password_by,
        "overdue": [_coded(remark) for remark in progress.overdue],
        "blocked": [_coded(remark) for remark in progress.blocked],
    }


def _coded(remark: Remark) -> dict[str, Any]:
    return {"code": remark.code, **remark.both}


def _lines(row: Application, p: Progress, call: Call) -> Iterator[str]:
    lang, procedure = call.lang, p.procedure
    standing = call.say(f"applications.standing_{p.standing}")
    yield f"{row.id} – {kind_name(row.kind)[lang]} – {standing}"
    yield "  " + call.say(
        "applications.show_about",
        account=row.account_id,
        practice=row.practice,
        route=row.route,
        letter=procedure.letter,
    )
    if row.route != "form" and procedure.tick:
        yield "  " + call.say("applications.show_tick", tick=procedure.tick.both[lang])
    if procedure.screen:
        given = "; ".join(f"{fact_name(fact)[lang]} : {value(row, fact) or '…'}" for fact in procedure.screen)
        yield "  " + call.say("applications.show_screen", facts=given)
    yield from _forms(p, call)
    yield from _signatures(p, call)
    yield "  " + call.say("applications.show_send", ways=", ".join(procedure.send))
    if procedure.original:
        yield "  " + call.say("applications.original_only_note")
    if procedure.number_to:
        to = call.say(f"applications.to_{procedure.number_to}")
        yield "  " + call.say("applications.show_number_to", to=to)
    yield from _days(row, p, call)
    yield from (f"  {call.say('applications.show_late')} {remark.both[lang]}" for remark in p.overdue)
    yield from (f"  {call.say('applications.show_blocked')} {remark.both[lang]}" for remark in p.blocked)
    yield from (f"  · {words.both[lang]}" for words in procedure.says)
    yield "  → " + call.say(f"applications.next_{p.standing}")


def _forms(p: Progress, call: Call) -> Iterator[str]:
    for form in p.forms:
        sections = [number for number, _ in form.sections if number]
        named = f" ({call.say('applications.show_sections', numbers=', '.join(sections))})" if sections else ""
        yield f"  {'✓' if form.ready else '✗'} {form.number} {form.title[call.lang]}{named}"
        if form.missing and not form.ready:
            facts = ", ".join(fact_name(fact)[call.lang] for fact in form.missing)
            yield "      " + call.say("applications.show_to_give", facts=facts)
        if form.doubt:
            yield f"      ? {form.doubt[call.lang]}"


def _signatures(p: Progress, call: Call) -> Iterator[str]:
    for who, day in p.signatures.items():
        signed = call.say("applications.signed_on", day=day) if day else call.say("applications.show_unsigned")
        yield f"  {'✓' if day else '✗'} {signatory_name(who)[call.lang]} – {signed}"
    if p.users_unknown:
        yield "  ✗ " + call.say("applications.show_users_unknown")


def _days(row: Application, p: Progress, call: Call) -> Iterator[str]:
    days: dict[str, date | str | None] = {
        "sent": row.sent_on,
        "received": row.received_on,
        "password": row.password_on,
        "go_ahead": row.go_ahead_on,
        "confirmed": row.confirmed_on,
        "effective": row.effective_from,
        "withdrawn": row.withdrawn_on,
    }
    yield from (f"  {call.say(f'applications.day_{name}')} {day}" for name, day in days.items() if day)
    if p.procedure.delay is None:
        yield "  " + call.say("applications.show_no_delay")
    elif p.expected and not row.confirmed_on:
        key = "show_provisional" if p.expected.provisional else "show_expected"
        yield "  " + call.say(f"applications.{key}", earliest=p.expected.earliest, latest=p.expected.latest)
