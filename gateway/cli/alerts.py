"""`gateway alerts`: what somebody should know of now, who was told, and who is on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import typer
from rich.console import Console

from gateway import alerts, channels
from gateway.alerts.wording import item
from gateway.cli.common import Call, show_json
from gateway.cli.house import configuration, opened
from gateway.clock import SystemClock, local, today
from gateway.errors import GatewayError, TransportError
from gateway.identifiers import new_id
from gateway.models import Alert, AlertNotice, Message
from gateway.registry import Book
from gateway.store import Tx, outbox
from gateway.store import alerts as rows

RECENT = timedelta(days=7)
STYLES = {"critical": "red", "warning": "yellow", "notice": ""}
group = typer.Typer(invoke_without_command=True, rich_markup_mode=None, help="alerts.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="alerts")


@group.callback(help="alerts.help")
def all_(ctx: typer.Context) -> None:
    if not ctx.invoked_subcommand:
        _list(ctx.obj, over=False, as_json=False)


@group.command("list", help="alerts.list_help")
def list_(
    ctx: typer.Context,
    over: bool = typer.Option(False, "--all", help="alerts.all"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    _list(ctx.obj, over=over, as_json=as_json)


def _list(call: Call, *, over: bool, as_json: bool) -> None:
    with opened(call) as app, app.store.read() as tx:
        found = [_told(tx, call, alert) for alert in rows.every(tx, RECENT if over else None)]
    if as_json:
        show_json(found)
        return
    if not found:
        call.tell("alerts.nothing")
    console = Console(soft_wrap=True)
    for one in found:
        line = call.say(
            "alerts.line",
            id=one["id"],
            state=call.say(f"alerts.state_{one['state']}"),
            severity=call.say(f"alerts.severity_{one['severity']}"),
            cause=one["cause"],
            opened=f"{local(one['opened_at']):%Y-%m-%d %H:%M}",
        )
        style = STYLES[one["severity"]] if one["state"] == "OPEN" else ""
        console.print(line, style=style, highlight=False, markup=False)


def _told(tx: Tx, call: Call, alert: Alert) -> dict[str, Any]:
    """One alert, for people and machines."""
    names = {agency.id: agency.name for agency in Book.load(tx).all_agencies()}
    told = item(alert, "resolved" if alert.resolved_at else "opened", names.get(alert.agency_id or ""))
    del told["what"]
    kept = ("opened_at", "last_seen_at", "resolved_at", "seen_by", "said")
    cause = alerts.title(told | {"what": "opened"}, call.lang).partition(": ")[2]
    return told | {"state": alert.state, "cause": cause} | {name: getattr(alert, name) for name in kept}


@group.command("show", help="alerts.show_help")
def show(
    ctx: typer.Context,
    alert: str = typer.Argument(..., metavar="ALE-…", help="alerts.alert"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        found = _the_one(tx, call, alert)
        told = _told(tx, call, found)
        one = told | {"what": "resolved" if found.resolved_at else "opened"}
        told |= {"text": alerts.sentence(one, call.lang)}
        told |= {"notices": [_notice(*pair) for pair in outbox.of_alert(tx, found.id)]}
    if as_json:
        show_json(told)
        return
    console = Console(soft_wrap=True)
    moment = f"{local(told['opened_at']):%Y-%m-%d %H:%M}"
    state = call.say(f"alerts.state_{told['state']}")
    for text in (f"{told['id']}  {state}  {moment}", told["cause"], told["text"]):
        console.print(text, highlight=False, markup=False)
    if told["seen_by"]:
        console.print(call.say("alerts.seen_by", who=told["seen_by"], said=told["said"]), highlight=False, markup=False)
    for notice in told["notices"]:
        console.print(_notice_line(call, notice), highlight=False, markup=False)


def _notice(notice: AlertNotice, message: Message | None) -> dict[str, Any]:
    """Who was told what, and whether it arrived."""
    tried = {name: getattr(message, name, None) for name in ("sent_at", "given_up_at", "last_error")}
    about = {"recipient": notice.recipient, "told": notice.what, "at": notice.created_at}
    return about | {"message": notice.message_id} | tried


def _notice_line(call: Call, notice: dict[str, Any]) -> str:
    which = "sent" if notice["sent_at"] else "given_up" if notice["given_up_at"] else "waits"
    what = call.say(f"alerts.what_{notice['told']}")
    moment = f"{local(notice['sent_at'] or notice['at']):%Y-%m-%d %H:%M}"
    values = {"recipient": notice["recipient"], "what": what, "moment": moment, "error": notice["last_error"] or "–"}
    return call.say(f"alerts.notice_{which}", **values)


@group.command("ack", help="alerts.ack_help")
def ack(
    ctx: typer.Context,
    alert: str = typer.Argument(..., metavar="ALE-…", help="alerts.alert"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        found = _the_one(tx, call, alert)
        if found.resolved_at is not None:
            call.tell("alerts.over_already", alert=alert)
            return
        alerts.acknowledge(tx, found, today(app.clock), said=reason)
    call.tell("alerts.acknowledged", alert=alert)


@group.command("test", help="alerts.test_help")
def try_(
    ctx: typer.Context,
    to: str = typer.Option("", "--to", metavar="NAME", help="alerts.to"),
) -> int:
    call: Call = ctx.obj
    config, clock = configuration(call), SystemClock()
    wanted = [one.name for one in config.recipients if to in ("", one.name)]
    if not wanted:
        raise GatewayError(call.say("alerts.nobody"))
    failed = 0
    for name in wanted:
        message = _trial(name, clock.now())
        try:
            channels.deliver(config, name, alerts.letter(message, channels.language(config, name)), clock.now())
        except TransportError as problem:
            failed += 1
            call.tell("alerts.not_arrived", recipient=name, error=problem.code, why=problem)
        else:
            call.tell("alerts.arrived", recipient=name, message=message.id)
    return 1 if failed else 0


def _trial(name: str, now: datetime) -> Message:
    """A message that tells nothing; it is kept nowhere."""
    said = {"id": new_id("ALE"), "what": "test", "kind": "test", "severity": "notice", "agency": None, "subject": name}
    moments = {"opened_at": now.isoformat(), "resolved_at": None}
    body = {"alerts": [said | moments | {"things": 0, "facts": {}}]}
    return Message(id=new_id("MSG"), recipient=name, kind="alerts", body=body, created_at=now)


def _the_one(tx: Tx, call: Call, alert_id: str) -> Alert:
    found = rows.get(tx, alert_id)
    if found is None:
        raise GatewayError(call.say("alerts.unknown", alert=alert_id))
    return found
