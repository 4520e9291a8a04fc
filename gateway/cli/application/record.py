"""`gateway application record`: what happened to an application since: forms filled in, signed, sent, received …"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import typer

from gateway.app import App
from gateway.applications import judged
from gateway.applications.known import Remark
from gateway.cli.application.facts import Desk, tell, the_one
from gateway.cli.application.papers import keep_paper
from gateway.cli.application.typed import facts_of, practice_of
from gateway.cli.common import Call
from gateway.cli.days import day_of
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.models import Application
from gateway.store import Tx, applications

_DAYS = ("opened_on", "sent_on", "received_on", "confirmed_on")


def record(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="applications.opt_id"),
    form: list[str] = typer.Option([], "--form", metavar="NUMBER", help="applications.opt_form_ready"),
    fact: list[str] = typer.Option([], "--fact", metavar="NAME=VALUE", help="applications.opt_fact"),
    signed: list[str] = typer.Option([], "--signed", metavar="WHO[=DAY]", help="applications.opt_signed"),
    signatory: list[str] = typer.Option([], "--signatory", metavar="NUMBER", help="applications.opt_signatory"),
    sent: str = typer.Option("", "--sent", metavar="DAY", help="applications.opt_sent"),
    by: str = typer.Option("", "--by", metavar="online|fax|post", help="applications.opt_by"),
    reference: str = typer.Option("", "--reference", metavar="TEXT", help="applications.opt_reference"),
    proof: Path | None = typer.Option(None, "--proof", metavar="FILE", help="applications.opt_proof"),
    received: str = typer.Option("", "--received", metavar="DAY", help="applications.opt_received"),
    password: str = typer.Option("", "--password-came", metavar="DAY", help="applications.opt_password_came"),
    go_ahead: str = typer.Option("", "--go-ahead", metavar="DAY", help="applications.opt_go_ahead"),
    mandate_ends: str = typer.Option("", "--mandate-ends", metavar="DAY", help="applications.opt_mandate_ends"),
    withdraw: str = typer.Option("", "--withdraw", metavar="REASON", help="applications.opt_withdraw"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        today = today_of(app.clock)
        typed = {"sent_on": sent, "received_on": received, "password_on": password, "go_ahead_on": go_ahead}
        typed["mandate_ends"] = mandate_ends
        changes: dict[str, Any] = {name: day_of(text, today) for name, text in typed.items() if text}
        changes |= {name: text for name, text in (("sent_by", by), ("reference", reference)) if text}
        if fact:
            changes["facts"] = facts_of(fact)
        if withdraw:
            changes |= {"withdrawn_on": today, "withdrawn_why": withdraw}
        return _record(call, app, id_, changes, signed, (signatory, form), proof)


def _record(
    call: Call,
    app: App,
    text: str,
    changes: dict[str, Any],
    signed: list[str],
    added: tuple[list[str], list[str]],
    proof: Path | None,
) -> int:
    today = today_of(app.clock)
    with app.store.read() as tx:
        id_ = the_one(tx, call, text).id
    if proof is not None:
        changes["proof_ref"] = keep_paper(app, id_, proof).ref
    with app.store.write() as tx:
        desk = Desk(tx, app.config.gateway.state_dir, today)
        row = the_one(tx, call, id_)
        _add(row, desk, changes, *added)
        if changes:
            applications.change(tx, row, changes, "application_recorded", {})
        sign(tx, row, desk, signed, today)
        refusals = list(_refusals(row, desk, changes, today))
        if refusals:
            tell(call, "!", refusals)
            raise typer.Exit(1)  # nothing of it is written
    call.tell("applications.recorded", id=id_)
    return 0


def _add(row: Application, desk: Desk, changes: dict[str, Any], signatories: list[str], forms: list[str]) -> None:
    """More signatories, and more forms that are filled in. Raises ConfigError for a form it does not need."""
    if row.withdrawn_on:
        raise ConfigError(both("applications.over", id=row.id, standing="withdrawn"))
    if "facts" in changes:
        changes["facts"] = {**row.facts, **changes["facts"]}
    if signatories:
        changes["signatories"] = sorted(
            {*row.signatories, *(desk.called(practice_of(number)) for number in signatories)}
        )
    if forms:
        needed = [form.number for form in desk.progress(row, desk.day).forms]
        for number in forms:
            if number not in needed:
                known = ", ".join(needed) or "–"
                raise ConfigError(both("applications.form_not_needed", number=number, known=known))
        changes["forms_ready"] = sorted({*row.forms_ready, *forms})
    if changes.get("sent_by", row.sent_by) == "online" and "sent_on" in changes:
        changes.setdefault("received_on", changes["sent_on"])  # the online file takes it at once


def _refusals(row: Application, desk: Desk, changes: dict[str, Any], today: date) -> Iterable[Remark]:
    progress = desk.progress(row, today)
    if "sent_on" in changes or "sent_by" in changes:
        if row.sent_by is None:
            yield Remark("way_missing", {"ways": ", ".join(progress.procedure.send)})
        else:
            yield from judged.sent(row, progress, progress.procedure)
    if row.sent_on is None and any(name in changes for name in ("received_on", "sent_by", "reference", "proof_ref")):
        yield Remark("not_sent_yet")
    yield from judged.in_order({name: getattr(row, name) for name in _DAYS}, today)
    yield from judged.in_order({"password_on": row.password_on}, today)
    yield from judged.in_order({"go_ahead_on": row.go_ahead_on}, today)


def sign(tx: Tx, row: Application, desk: Desk, signed: Iterable[str], today: date) -> None:
    """Write down signatures typed as WHO or WHO=DAY. Raises ConfigError for one who does not sign."""
    for text in signed:
        typed, _, day = text.partition("=")
        who = desk.called(typed)
        must = desk.progress(row, today).signatures
        if who not in must:
            raise ConfigError(both("applications.not_a_signatory", who=who, known=", ".join(must) or "–"))
        on = day_of(day, today)
        if on > today:
            raise ConfigError(judged.in_order({"signed_on": on}, today)[0].both)
        applications.sign(tx, row, who, on)
