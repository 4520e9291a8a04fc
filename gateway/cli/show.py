"""`gateway show ID`: the whole history of one thing, why it is where it is, what happens next and when."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from gateway import rendering
from gateway.cli.common import Call, show_json
from gateway.cli.find import the_one
from gateway.cli.house import opened
from gateway.cli.lineage import divided, divided_lines
from gateway.cli.proof import proof, say_to_payer, sheet
from gateway.cli.quote import of_history, quoted, sentences
from gateway.cli.whose import whose, whose_lines
from gateway.clock import local
from gateway.messages import room
from gateway.models import Batch, Credential, Invoice, Reply, Request
from gateway.platform import write_private
from gateway.registry import Book
from gateway.store import Tx, audit, requests, status
from gateway.store.status import Found

MODELS: dict[str, type[Any]] = {
    "batch": Batch,
    "request": Request,
    "invoice": Invoice,
    "reply": Reply,
    "credential": Credential,
}
# What of a record a person wants to see, in this order; nothing here names a patient or holds a password.
SHOWN = (
    "name", "size", "sha256", "received_at", "payer", "number", "format", "format_version",
    "document", "action", "no_dem_ext",
    "no_fact_ext", "no_fact_ramq", "account", "practice", "requester", "software", "wire_name", "wire_sha256",
    "invoices", "invalid_invoices", "findings", "holds", "despite", "reason", "kind", "key", "batch_id",
    "request_id", "duplicate_of", "derived_from", "replaces", "attempts", "next_try_at", "transmitted_at", "answer_by",
    "proved_at",
)  # fmt: skip

# The rooms whose sentences say why a record of that kind rests where it is.
EXPLAINING = {
    "batch": ("validate",),
    "request": ("transmit", "validate"),
    "reply": ("match", "receive", "distribute"),
}


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("show", help="show.help")(show)


def show(
    ctx: typer.Context,
    record: str = typer.Argument(..., metavar="ID", help="show.id"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
    with_proof: bool = typer.Option(False, "--proof", help="proof.option"),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="proof.html"),
) -> None:
    call: Call = ctx.obj
    if with_proof or html:
        _proof(call, record, as_json, html)
        return
    with opened(call) as app, app.store.write() as tx:
        found = the_one(tx, call, record)
        audit.look(tx, found.kind, found.id, "show")
        told = _told(tx, found)
        if quote := quoted(tx, app.archive, status.record(tx, found)) or of_history(told["history"]):
            told |= {"finding": quote}
        if found.kind == "reply" and (said := whose(Book.load(tx), told["history"])):
            told |= {"whose": said}
    if as_json:
        show_json(told | {"why": _why(call, told), "next": _next(call, told)})
    else:
        _print(call, told, Console(soft_wrap=True))


def _proof(call: Call, text: str, as_json: bool, html: Path | None) -> None:
    """The page of one transmission, for a person, a machine or a file."""
    with opened(call) as app, app.store.write() as tx:
        found = the_one(tx, call, text, ("request",))
        audit.look(tx, found.kind, found.id, "show --proof")
        row = status.record(tx, found)
        assert isinstance(row, Request)
        told = proof(tx, app, row)
    if html is not None:
        write_private(html, rendering.sheets_html([sheet(call, told)], call.lang))
        call.tell("proof.written", file=html)
    elif as_json:
        show_json(told | {"say": say_to_payer(call, told)})
    else:
        sys.stdout.write(rendering.sheets_text([sheet(call, told)], call.lang))


def _told(tx: Tx, found: Found) -> dict[str, Any]:
    """Everything known of a record: its own columns, and its events. An invoice's history is its request's."""
    model = MODELS.get(found.kind)
    row = tx.session.get(model, found.id) if model else None
    facts = {name: value for name in SHOWN if (value := getattr(row, name, None)) not in (None, "", [])}
    teller = getattr(row, "request_id", None) if found.kind == "invoice" else found.id
    events = [
        {
            "at": _moment(event.at),
            "from": event.from_state,
            "to": event.to_state,
            "actor": event.actor,
            "reason": event.reason,
            "detail": event.detail,
        }
        for event in status.history(tx, str(teller))
    ]
    state = found.state or (events[-1]["to"] if events else "")
    told = {"id": found.id, "kind": found.kind, "state": state, "facts": facts, "history": events}
    if isinstance(row, Request) and (parts := divided(tx, row)):
        told |= {"salvage": parts}
    return told | {"requests": _requests(tx, found.id)} if found.kind == "batch" else told


def _requests(tx: Tx, batch_id: str) -> list[dict[str, Any]]:
    """What became of a lot: its requests."""
    keys = ("id", "member", "no_dem_ext", "state", "reason")
    return [{key: getattr(row, key) for key in keys} for row in requests.of_batch(tx, batch_id)]


def _moment(at: datetime) -> str:
    return f"{local(at):%Y-%m-%d %H:%M:%S}"


def _reason(told: dict[str, Any]) -> str:
    return str(told["facts"].get("reason") or (told["history"][-1]["reason"] if told["history"] else "–"))


def _explained(call: Call, told: dict[str, Any], suffix: str = "") -> str | None:
    """The sentence a room has for the reason a record rests where it is."""
    key = _reason(told).lower() + suffix
    sentences = (room(name).get(key) for name in EXPLAINING.get(told["kind"], ()))
    return next((sentence[call.lang] for sentence in sentences if sentence), None)


def _why(call: Call, told: dict[str, Any]) -> str:
    """The state's sentence, the reason's, and what the person who decided said."""
    if not told["state"]:
        return "–"
    why = call.say(f"look.why_{told['state']}", reason=_reason(told))
    said = _said(told["history"][-1]) if told["history"] else ""
    return " ".join(filter(None, (why, _explained(call, told), call.say("look.said", text=said) if said else "")))


def _said(event: dict[str, Any]) -> str:
    """What a person gave as the reason of a decision."""
    return str(event["detail"].get("said") or "")


def _next(call: Call, told: dict[str, Any]) -> str:
    if (step := _explained(call, told, "_next")) is not None:
        return step
    moment = told["facts"].get("next_try_at") or told["facts"].get("answer_by")
    when = call.say("look.at", moment=f"{local(moment):%Y-%m-%d %H:%M}") if moment else ""
    return (call.say(f"look.next_{told['state']}") + " " + when).strip() if told["state"] else "–"


def _print(call: Call, told: dict[str, Any], console: Console) -> None:
    console.print(f"[bold]{told['id']}[/bold]  {told['state']}", highlight=False)
    console.print(_why(call, told), highlight=False, markup=False)
    for line in sentences(call, told["finding"]) if "finding" in told else ():
        console.print(line, highlight=False, markup=False)
    for line in whose_lines(call, told.get("whose", {}), held=told["state"] == "HELD"):
        console.print(line, highlight=False, markup=False)
    console.print(call.say("look.next", what=_next(call, told)), highlight=False, markup=False)
    console.print()
    labels = {name: call.say(f"look.fact_{name}") for name in told["facts"]}
    width = max(map(len, labels.values()), default=0)
    for name, value in told["facts"].items():
        console.print(f"{labels[name]:<{width}}  {_written(value)}", highlight=False, markup=False)
    for line in divided_lines(call, told.get("salvage")):
        console.print(line, highlight=False, markup=False)
    for request in told.get("requests", ()):
        line = "  ".join(str(request[key]) for key in ("id", "state", "no_dem_ext", "member") if request[key])
        console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_history(call, told["history"]))


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return _moment(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _history(call: Call, events: list[dict[str, Any]]) -> Table:
    columns = ("at", "from", "to", "actor", "reason")
    table = Table(*(Column(call.say(f"look.column_{name}"), overflow="fold") for name in columns), box=None)
    for event in events:
        reason = ": ".join(filter(None, (event["reason"], _said(event))))
        table.add_row(*map(escape, (event["at"], event["from"] or "", event["to"], event["actor"], reason)))
    return table
