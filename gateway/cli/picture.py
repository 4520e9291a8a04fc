"""The numbers of `status --json`, `once --json` and `demo --json`: counts, deliveries, what is held."""

from __future__ import annotations

from typing import Any

from gateway import calendars
from gateway.app import App
from gateway.cli.application.facts import overdue
from gateway.cli.deadlines import live
from gateway.cli.paper import late
from gateway.cli.safety import safety
from gateway.cli.silent import silent
from gateway.clock import local, today
from gateway.deadlines import ranked
from gateway.models import Batch, Reply, Request
from gateway.registry import Book
from gateway.registry.evidence import waiting
from gateway.store import Tx, alerts, breakers, due, incidents, recalls, shadow, status
from gateway.store import deadlines as rows


def standing(app: App) -> dict[str, Any]:
    """Where everything is now, read in one transaction. Raises ConfigError when the calendar cannot be read."""
    known = calendars.load(app.config.paths.state)
    with app.store.read() as tx:
        invoices = status.standings(tx)
        return {
            "batches": status.states(tx, Batch),
            "requests": status.states(tx, Request),
            "invoices": invoices.counts,
            "replies": status.states(tx, Reply),
            "statements": {"on_statements": invoices.on_statements, "outstanding": invoices.outstanding},
            "deliveries": _deliveries(tx, app),
            "held": [{"id": held.id, "reason": held.reason} for held in status.held(tx)],
            "failing": _failing(tx),
            "breakers": [
                {"payer": one.payer, "silences": one.failures, "since": one.since, "again": one.shut_until}
                for one in breakers.every(tx)
            ],
            "shadow": [one.name for one in shadow.agencies(tx) if one.transmit == shadow.SHADOW],
            "silent": silent(tx, known),
            "deadlines": _deadlines(tx, app),
            "backup": safety(tx, app.config),
            "proposals": len(waiting(tx, Book.load(tx))),
            "alerts": [
                {"id": one.id, "kind": one.kind, "subject": one.subject, "severity": one.severity, "state": one.state}
                for one in alerts.every(tx)
            ],
            "recalls": len(recalls.every(tx)),
            "paper": late(tx, app),
            "applications": overdue(tx, app.config.gateway.state_dir, today(app.clock)),
            "incidents": len(incidents.every(tx, closed=False)),
        }


def _failing(tx: Tx) -> list[dict[str, str]]:
    """What could not be looked at the last time: a source by its agency and name, a payer's box as `payer:number`."""
    book = Book.load(tx)
    sources = {s.id: f"{agency.name} / {s.name}" for agency in book.agencies() for s in book.sources(agency.id)}
    return [
        {
            "stage": row.stage,
            "endpoint": sources.get(row.endpoint, row.endpoint),
            "error": str(row.last_error),
            "again": f"{local(row.next_run):%Y-%m-%d %H:%M:%S}",
        }
        for row in due.failing(tx)
    ]


def _deliveries(tx: Tx, app: App) -> list[dict[str, str | None]]:
    """`agency` is a transmission number: the reply's, else the first one the agency holds today."""
    book, day = Book.load(tx), today(app.clock)
    return [
        {
            "agency": made.number or book.first_number(made.agency_id, day),
            "kind": made.kind,
            "name": made.name,
            "sha256": made.sha256,
        }
        for made in status.deliveries(tx)
    ]


def _deadlines(tx: Tx, app: App) -> list[dict[str, Any]]:
    """The alerts that still hold, the nearest first; only what was alerted about is looked at."""
    groups = rows.open_invoices(tx, alerted=True)
    return sorted(live(app, tx, ranked(groups, app.catalog, today(app.clock))), key=lambda alert: alert["days_left"])
