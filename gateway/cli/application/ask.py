"""`gateway application new`: ask something of the payer, for one account."""

from __future__ import annotations

from typing import get_args

import typer

from gateway.app import App
from gateway.applications import judged
from gateway.applications.procedures import AccountKind, Kind
from gateway.cli.application.facts import Desk, tell
from gateway.cli.application.record import sign
from gateway.cli.application.typed import facts_of, practice_of
from gateway.cli.common import Call
from gateway.cli.days import day_of
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.errors import ConfigError
from gateway.identifiers import ACCOUNT, new_id
from gateway.messages import both
from gateway.models import Application
from gateway.store import applications

_LEAVES = frozenset({"change_agency", "leave", "self_no_software"})


def new(
    ctx: typer.Context,
    kind: str = typer.Option(..., "--kind", metavar="KIND", help="applications.opt_kind"),
    account: str = typer.Option(..., "--account", metavar="ACCOUNT", help="applications.opt_account"),
    route: str = typer.Option("", "--route", metavar="ROUTE", help="applications.opt_route"),
    account_kind: str = typer.Option("", "--account-kind", metavar="KIND", help="applications.opt_account_kind"),
    practice: str = typer.Option("", "--practice", metavar="NUMBER", help="applications.opt_practice"),
    outside: bool = typer.Option(False, "--outside-quebec", help="applications.opt_outside"),
    agency: str = typer.Option("", "--agency", metavar="NAME|NUMBER", help="applications.opt_agency"),
    mandate_ends: str = typer.Option("", "--mandate-ends", metavar="DAY", help="applications.opt_mandate_ends"),
    fact: list[str] = typer.Option([], "--fact", metavar="NAME=VALUE", help="applications.opt_fact"),
    signatory: list[str] = typer.Option([], "--signatory", metavar="NUMBER", help="applications.opt_signatory"),
    signed: list[str] = typer.Option([], "--signed", metavar="WHO[=DAY]", help="applications.opt_signed"),
) -> int:
    call: Call = ctx.obj
    if kind not in get_args(Kind):
        raise ConfigError(both("applications.kind_unknown", kind=kind, known=", ".join(get_args(Kind))))
    if ACCOUNT.fullmatch(account) is None:
        raise ConfigError(both("applications.account_shape", account=account))
    with opened(call) as app:
        today = today_of(app.clock)
        draft = Application(
            id=new_id("APP"),
            kind=kind,
            route=route,
            account_id=account,
            account_kind=account_kind,
            practice=practice_of(practice or account.removeprefix("personal:")),
            outside_quebec=outside,
            facts=facts_of(fact),
            mandate_ends=day_of(mandate_ends, today) if mandate_ends else None,
            signatories=sorted(set(map(practice_of, signatory))),
            opened_on=today,
            created_at=app.clock.now(),
        )
        return _open(call, app, draft, agency, signed)


def _open(call: Call, app: App, draft: Application, agency: str, signed: list[str]) -> int:
    """Judge it and write it down, all or nothing."""
    with app.store.write() as tx:
        desk = Desk(tx, app.config.gateway.state_dir, draft.opened_on)
        _complete(draft, desk, agency)
        judgement = judged.asked(draft, desk.known(draft), desk.book)
        tell(call, "!", judgement.refusals)
        tell(call, "?", judgement.warnings)
        if judgement.refusals:
            return 1
        applications.add(tx, draft, {"kind": draft.kind, "route": draft.route, "account": draft.account_id})
        sign(tx, draft, desk, signed, draft.opened_on)
        progress = desk.progress(draft, draft.opened_on)
        refused = judged.unsigned_group(draft, progress, desk.known(draft))
    call.tell("applications.opened", id=draft.id)
    tell(call, "!", refused)
    return 1 if refused else 0


def _complete(draft: Application, desk: Desk, agency: str) -> None:
    """What follows from the registry and from the payer's procedures, and was not said. Raises ConfigError."""
    draft.account_kind = _account_kind(draft, desk)
    draft.practice = desk.called(draft.practice)
    draft.signatories = sorted({desk.called(number) for number in draft.signatories})
    draft.route = draft.route or _only_route(draft, desk)
    if agency:
        found = desk.agency(agency)
        if found is None:
            raise ConfigError(both("applications.agency_not_found", agency=agency))
        draft.agency_id = found.id
        own = {"agency_name": found.name, "agency_number": found.number or ""}
        draft.facts = {**{name: text for name, text in own.items() if text}, **draft.facts}
    holder = desk.known(draft).holder(draft.opened_on)
    if draft.kind in _LEAVES and holder:
        draft.old_agency_id = holder.id
        own = {"old_agency_name": holder.name, "old_agency_number": holder.number or ""}
        draft.facts = {**{name: text for name, text in own.items() if text}, **draft.facts}


def _account_kind(draft: Application, desk: Desk) -> str:
    personal = draft.account_id.startswith("personal:")
    kind = draft.account_kind or ("personal" if personal else desk.account_kind(draft.account_id))
    if kind is None:
        raise ConfigError(both("applications.account_kind_needed", account=draft.account_id))
    if kind not in get_args(AccountKind) or (kind == "personal") != personal:
        raise ConfigError(both("applications.account_kind_wrong", account=draft.account_id, account_kind=kind))
    return kind


def _only_route(draft: Application, desk: Desk) -> str:
    routes = desk.book.routes(draft.kind, draft.account_kind, draft.opened_on)
    if len(routes) > 1:
        raise ConfigError(both("applications.route_needed", routes=", ".join(routes)))
    return routes[0] if routes else ""  # judged.asked says that there is none
