"""`gateway registry proposals list|accept|reject`: what the payer does as if the registry said it, and our answer."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import typer

from gateway.cli.common import Call, show_json
from gateway.cli.days import day
from gateway.cli.house import opened
from gateway.clock import local
from gateway.errors import ConfigError, GatewayError
from gateway.messages import both
from gateway.models import Evidence, Proposal
from gateway.registry import Book
from gateway.registry.evidence import ACCREDITATION, stands
from gateway.registry.proposed import accept as accept_
from gateway.registry.proposed import text as text_of
from gateway.store import Tx
from gateway.store import proposals as rows

proposals = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="registry.proposals_help")
_KINDS = ("admin_individual", "admin_collective")


class Unclear(GatewayError):
    """Nothing, or more than one thing, is meant; or it was decided."""


@proposals.command("list", help="registry.proposals_list_help")
def list_(
    ctx: typer.Context,
    everything: bool = typer.Option(False, "--all", help="registry.proposals_all"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, evidence = Book.load(tx), rows.evidence(tx)
        found = [row for row in rows.every(tx, decided=everything) if everything or stands(book, row)]
        told = [_told(call, book, row, evidence.get(row.id, [])) for row in found]
    if as_json:
        show_json(told)
    elif not told:
        call.tell("registry.no_proposals")
    else:
        sys.stdout.write("\n".join(line for one in told for line in (*_lines(call, one), "")))


@proposals.command("accept", help="registry.proposals_accept_help")
def accept(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="registry.proposal_id"),
    since: str = typer.Option("", "--from", metavar="DAY", help="registry.proposal_since"),
    kind: str = typer.Option("", "--kind", metavar="|".join(_KINDS), help="registry.proposal_kind"),
    dry_run: bool = typer.Option(False, "--dry-run", help="registry.dry_run"),
) -> int:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.read() as tx:
            row = _undecided(tx, call, id_)
            known = Book.load(tx).account(row.subject, row.since) is not None
        first = _first(call, row, since)
        if row.what == ACCREDITATION and not known and row.subject.startswith("admin:") and kind not in _KINDS:
            raise ConfigError(both("registry.proposal_kind_wanted", account=row.subject))
        plan = accept_(app.store, row, app.config, app.catalog, since=first, kind=kind or None, dry_run=dry_run)
    sys.stdout.write(plan.text(call.lang) + "\n")
    return 1 if plan.refusals else 0


@proposals.command("reject", help="registry.proposals_reject_help")
def reject(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="registry.proposal_id"),
    reason: str = typer.Option(..., "--reason", help="registry.proposal_reason"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.write() as tx:
        row = _undecided(tx, call, id_)
        rows.decide(tx, row.id, rows.REJECTED, reason)
    call.tell("registry.proposal_rejected", id=row.id)


def _first(call: Call, row: Proposal, since: str) -> date | None:
    """The day that was typed; not after the evidence. Raises ConfigError."""
    first = day(call, since, "--from")
    if first is not None and first > row.since:
        raise ConfigError(both("registry.proposal_since_late", day=first, since=row.since))
    return first


def _undecided(tx: Tx, call: Call, text: str) -> Proposal:
    """The proposal whose id begins or ends so. Raises Unclear."""
    found = rows.matching(tx, text) if text else []
    if not found:
        raise Unclear(call.say("registry.proposal_nothing", text=text))
    if len(found) > 1:
        raise Unclear(call.say("registry.proposal_several", text=text, ids=", ".join(row.id for row in found)))
    if found[0].decided_at is not None:
        raise Unclear(call.say("registry.proposal_decided", id=found[0].id))
    return found[0]


def _told(call: Call, book: Book, row: Proposal, evidence: list[Evidence]) -> dict[str, Any]:
    keys = ("id", "what", "subject", "agency_id", "payer", "number", "since", "decision", "decided_by", "said")
    values = {key: getattr(row, key) for key in keys} | {"opened_at": row.opened_at, "decided_at": row.decided_at}
    agency = book.agency(row.agency_id).name
    says = call.say(f"registry.proposes_{row.what}", agency=agency, **{k: values[k] for k in keys[2:7]})
    waits = row.decided_at is None and stands(book, row)
    return values | {
        "says": says,
        "standing": row.decision or ("open" if waits else "moot"),
        "evidence": [{"record": one.record_id, "day": one.day} for one in evidence],
        "registry": text_of(book, row) if waits else "",
    }


def _lines(call: Call, told: dict[str, Any]) -> list[str]:
    standing = "was_rejected" if told["standing"] == "rejected" else told["standing"]
    on = f"{local(told['decided_at']):%Y-%m-%d}" if told["decided_at"] else ""
    became = call.say(f"registry.proposal_{standing}", who=told["decided_by"], day=on, said=told["said"] or "–")
    lines = [f"{told['id']}  {told['says']} — {became}"]
    lines += [f"  {call.say('registry.proposal_evidence', **one)}" for one in told["evidence"]]
    return lines + [f"    {line}" for line in str(told["registry"]).splitlines() if line]
