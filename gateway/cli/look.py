"""`gateway status` and `gateway show ID`: where everything is; one thing's history, why, and what comes next."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from gateway.cli.common import Call, show_json
from gateway.cli.find import the_one
from gateway.cli.house import opened
from gateway.cli.picture import standing
from gateway.clock import local
from gateway.messages import room
from gateway.models import Batch, Invoice, Reply, Request
from gateway.store import Tx, status
from gateway.store.status import Found

COUNTED = ("batches", "requests", "invoices", "replies")
MODELS: dict[str, type[Any]] = {"batch": Batch, "request": Request, "invoice": Invoice, "reply": Reply}
# What of a record a person wants to see; nothing here names a patient.
SHOWN = (
    "name", "size", "sha256", "received_at", "payer", "number", "format", "document", "action", "no_dem_ext",
    "no_fact_ext", "no_fact_ramq", "account", "practice", "requester", "software", "wire_name", "wire_sha256",
    "invoices", "invalid_invoices", "findings", "holds", "despite", "reason", "kind", "key", "batch_id",
    "request_id", "duplicate_of", "attempts", "next_try_at", "transmitted_at", "answer_by",
)  # fmt: skip

# The rooms whose sentences say why a record of that kind rests where it is.
EXPLAINING = {
    "batch": ("validate",),
    "request": ("transmit", "validate"),
    "reply": ("match", "receive", "distribute"),
}


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("status", help="status.help")(status_)
    root.command("show", help="show.help")(show)


def status_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        picture = standing(app)
    if as_json:
        show_json(picture)
        return
    console = Console()
    for what in COUNTED:
        counts = {name: count for name, count in picture[what].items() if count}
        said = ", ".join(f"{name} {count}" for name, count in counts.items()) or "–"
        console.print(f"[bold]{call.say(f'look.{what}')}[/bold]  {said}", highlight=False)
    console.print(f"[bold]{call.say('look.deliveries')}[/bold]  {len(picture['deliveries'])}", highlight=False)
    for held in picture["held"]:
        console.print(call.say("look.held", record=held["id"], reason=held["reason"]), style="yellow", highlight=False)


def show(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="show.id"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        found = the_one(tx, call, record)
        told = _told(tx, found)
    if as_json:
        show_json(told | {"why": _why(call, told), "next": _next(call, told)})
    else:
        _print(call, told, Console())


def _told(tx: Tx, found: Found) -> dict[str, Any]:
    """Everything known of a record: its own columns, and its events. An invoice's history is its request's."""
    model = MODELS.get(found.kind)
    row = tx.session.get(model, found.id) if model else None
    facts = {name: value for name in SHOWN if (value := getattr(row, name, None)) not in (None, "", [])}
    teller = getattr(row, "request_id", None) if found.kind == "invoice" else found.id
    events = [
        {
            "at": f"{local(event.at):%Y-%m-%d %H:%M:%S}",
            "from": event.from_state,
            "to": event.to_state,
            "actor": event.actor,
            "reason": event.reason,
            "detail": event.detail,
        }
        for event in status.history(tx, str(teller))
    ]
    state = found.state or (events[-1]["to"] if events else "")
    return {"id": found.id, "kind": found.kind, "state": state, "facts": facts, "history": events}


def _reason(told: dict[str, Any]) -> str:
    return str(told["facts"].get("reason") or (told["history"][-1]["reason"] if told["history"] else "–"))


def _explained(call: Call, told: dict[str, Any], suffix: str = "") -> str | None:
    """The sentence a room has for the reason a record rests where it is."""
    key = _reason(told).lower() + suffix
    sentences = (room(name).get(key) for name in EXPLAINING.get(told["kind"], ()))
    return next((sentence[call.lang] for sentence in sentences if sentence), None)


def _why(call: Call, told: dict[str, Any]) -> str:
    if not told["state"]:
        return "–"
    why = call.say(f"look.why_{told['state']}", reason=_reason(told))
    return " ".join(filter(None, (why, _explained(call, told))))


def _next(call: Call, told: dict[str, Any]) -> str:
    if (step := _explained(call, told, "_next")) is not None:
        return step
    moment = told["facts"].get("next_try_at") or told["facts"].get("answer_by")
    when = call.say("look.at", moment=f"{local(moment):%Y-%m-%d %H:%M}") if moment else ""
    return (call.say(f"look.next_{told['state']}") + " " + when).strip() if told["state"] else "–"


def _print(call: Call, told: dict[str, Any], console: Console) -> None:
    console.print(f"[bold]{told['id']}[/bold]  {told['state']}", highlight=False)
    console.print(_why(call, told), highlight=False)
    console.print(call.say("look.next", what=_next(call, told)), highlight=False)
    facts = Table(box=None, show_header=False)
    for name, value in told["facts"].items():
        facts.add_row(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    console.print(facts)
    history = Table(*(call.say(f"look.column_{name}") for name in ("at", "from", "to", "actor", "reason")), box=None)
    for event in told["history"]:
        history.add_row(event["at"], event["from"] or "", event["to"], event["actor"], event["reason"])
    console.print(history)
