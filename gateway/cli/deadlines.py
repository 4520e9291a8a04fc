"""`gateway deadlines`: what a limit may still take away, the fewest days first; alerts; sending again."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Column, Table

from gateway import deadlines as guardian
from gateway.app import App
from gateway.cli.again import send_once_more
from gateway.cli.check import count
from gateway.cli.common import Call, show_json
from gateway.cli.days import day
from gateway.cli.house import opened
from gateway.clock import today
from gateway.deadlines import Risk
from gateway.errors import GatewayError
from gateway.models import DeadlineAlert
from gateway.registry import Book
from gateway.store import Tx
from gateway.store import deadlines as rows

group = typer.Typer(invoke_without_command=True, rich_markup_mode=None, help="deadlines.help")


class NotDismissedError(GatewayError):
    """There is no such alert, or its last day has passed."""


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="deadlines")


@group.callback(help="deadlines.help")
def show(
    ctx: typer.Context,
    agency: str = typer.Option("", "--agency", help="deadlines.agency", metavar="NAME"),
    within: str = typer.Option("", "--within", help="deadlines.within", metavar="DAYS"),
    most: str = typer.Option("50", "--limit", help="deadlines.most", metavar="N"),
    on: str = typer.Option("", "--today", help="deadlines.today", metavar="YYYY-MM-DD"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    if ctx.invoked_subcommand:
        return
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book = Book.load(tx)
        names = {one.id: one.name for one in book.agencies()}
        asked = day(call, on, "--today") or today(app.clock)
        risks = guardian.ranked(rows.open_invoices(tx), app.catalog, asked)
        risks = [risk for risk in risks if not agency or names.get(risk.of.agency_id) == agency]
        if within:
            most_left = count(call, within, "--within")
            risks = [risk for risk in risks if risk.left is not None and risk.left <= most_left]
        told = {
            "today": asked,
            "sums": sums(risks),
            "invoices": [line(risk, names) for risk in risks],
            "alerts": live(app, tx, risks),
        }
    if as_json:
        show_json(told)
    else:
        _print(call, told, count(call, most, "--limit"))


def sums(risks: list[Risk]) -> dict[str, int]:
    """All of them together: how many, and what is known of their amount."""
    return {
        "invoices": sum(risk.of.invoices for risk in risks),
        "cents": sum(risk.cents for risk in risks),
        "without_amount": sum(risk.of.unknown for risk in risks),
        "late": sum(risk.of.invoices for risk in risks if risk.left is not None and risk.left < 0),
        "send_again": sum(risk.of.invoices for risk in risks if risk.waited),
    }


def line(risk: Risk, names: dict[str, str]) -> dict[str, Any]:
    """One group of invoices, for people and machines."""
    counted = risk.counted
    return {
        "last": counted.last if counted else None,
        "days_left": risk.left,
        "invoices": risk.of.invoices,
        "cents": risk.of.cents,
        "without_amount": risk.of.unknown,
        "standing": risk.of.standing,
        "agency": names.get(risk.of.agency_id, risk.of.agency_id),
        "request": risk.of.request_id,
        "number": risk.of.number,
        "practice": risk.of.practice,
        "service": risk.of.service,
        "days": counted.limit.days if counted else None,
        "letter": counted.limit.letter if counted else None,
        "confirmed": counted.limit.confirmed if counted else None,
        "extension": counted.extension.letter if counted and counted.extension else None,
        "send_again_from": risk.again_from,
        "send_again": risk.waited,
    }


def live(app: App, tx: Tx, risks: list[Risk]) -> list[dict[str, Any]]:
    """The alerts that still hold."""
    day_ = today(app.clock)
    return [
        _alert(alert) | {"last": last, "days_left": (last - day_).days}
        for alert, _, last in guardian.live(rows.alerts(tx), risks, day_)
    ]


def _alert(alert: DeadlineAlert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "request": alert.request_id,
        "service": alert.service,
        "threshold": alert.threshold,
        "invoices": alert.invoices,
        "cents": alert.cents,
        "raised_at": alert.raised_at,
    }


@group.command("dismiss", help="deadlines.dismiss_help")
def dismiss(
    ctx: typer.Context,
    alert: str = typer.Argument(..., metavar="ALR-…", help="deadlines.alert"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        done = rows.dismiss(tx, alert, today(app.clock), said=reason)
    if done is None:
        raise NotDismissedError(call.say("deadlines.no_alert", alert=alert))
    if not done:
        raise NotDismissedError(call.say("deadlines.past", alert=alert))
    call.tell("deadlines.dismissed", alert=alert)


@group.command("resend", help="deadlines.resend_help")
def resend(
    ctx: typer.Context,
    request: str = typer.Argument(..., metavar="DEM-…", help="deadlines.resend_request"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    send_once_more(ctx.obj, request, reason, yes=yes)


_COLUMNS = ("last", "days_left", "invoices", "amount", "standing", "agency", "request")


def _print(call: Call, told: dict[str, Any], most: int) -> None:
    console = Console(soft_wrap=True)
    if not told["invoices"]:
        call.tell("deadlines.nothing")
        return
    table = Table(*(Column(call.say(f"deadlines.column_{key}")) for key in _COLUMNS), box=None)
    for row in told["invoices"][:most]:
        unsure = "" if row["confirmed"] in (True, None) else " ?"
        left = "–" if row["days_left"] is None else str(row["days_left"])
        table.add_row(
            f"{row['last'] or '–'}{unsure}", left, str(row["invoices"]), money(row), _standing(call, row),
            row["agency"], row["number"] or row["request"], style="red" if (row["days_left"] or 0) < 0 else None,
        )  # fmt: skip
    console.print(table)
    if len(told["invoices"]) > most:
        call.tell("deadlines.more", count=len(told["invoices"]) - most)
    call.tell("deadlines.sums", amount=_dollars(told["sums"]["cents"]), **told["sums"])
    for row in [row for row in told["invoices"] if row["send_again"]][:most]:
        call.tell("deadlines.send_again", **row)
    for alert in told["alerts"]:
        which = "late" if alert["days_left"] < 0 else "near"
        console.print(call.say(f"deadlines.alert_{which}", **alert), style="yellow", highlight=False, markup=False)


def _standing(call: Call, row: dict[str, Any]) -> str:
    return call.say(f"deadlines.standing_{row['standing']}")


def money(row: dict[str, Any]) -> str:
    """The known amount; "+?" where some have none."""
    if row["cents"] is None:
        return "?"
    return _dollars(row["cents"]) + (" + ?" if row["without_amount"] else "")


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d} $"
