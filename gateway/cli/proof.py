"""`gateway show ID --proof`: one page about one transmission, with what a person can say to the payer.

Everything on it can be checked: hashes of what went, of each link of the chain of events, and the head of that chain.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.app import App
from gateway.cli.common import Call
from gateway.clock import local
from gateway.models import Attempt, Event, Reply, Request
from gateway.sheets import Block, Grid, Heading, Pairs, Sheet, Text
from gateway.states import RequestState
from gateway.store import Tx, attempts, chain, proofs

_DELIVERED = (RequestState.TRANSMITTED, RequestState.RECEIVABLE, RequestState.NOT_RECEIVABLE)
_ABSENT = ("unreachable", "denied")  # outcomes after which nothing became visible at the payer


def proof(tx: Tx, app: App, request: Request) -> dict[str, Any]:
    """Everything known of the transmission of a request: no personal data, no secret."""
    tries, events = attempts.of(tx, request.id), proofs.links(tx, request.id)
    papers, head = proofs.papers(tx, request.id), chain.head(tx)
    replies = proofs.replies_about(tx, request)
    sums = proofs.sums(tx, [request.id])
    facts = ("no_dem_ext", "state", "holds", "payer", "number", "format", "wire_name", "wire_size", "wire_sha256")
    return {
        "request": {"id": request.id, **{key: getattr(request, key) for key in facts}}
        | {"document_sha256": request.sha256, "invoices": sums.invoices, "cents": sums.cents},
        "conclusion": conclusion(request, tries),
        "payer_facts": _payer_facts(app, request),
        "attempts": [_attempt(one) for one in tries],
        "replies": [_reply(one) for one in replies],
        "evidence": [
            {"id": one.id, "size": one.size, "sha256": one.sha256, "added_at": one.added_at, "added_by": one.added_by}
            for one in papers
        ],
        "events": [_event(one) for one in events],
        "chain": {"events": head.events, "hash": head.hash},
    }


def conclusion(request: Request, tries: list[Attempt]) -> str:
    """`delivered`, `not_delivered`, `person` (nobody knows), or `under_way`."""
    if request.state in _DELIVERED:
        return "delivered"
    if request.state == RequestState.TRANSMITTING:
        return "under_way"
    unclear = [one for one in tries if one.outcome not in _ABSENT]
    if not unclear:
        return "not_delivered"
    proved_absent = request.state == RequestState.READY and unclear[-1].looks and not request.holds
    return "not_delivered" if proved_absent and unclear[-1].looks[-1]["saw"] == "absent" else "person"


def _payer_facts(app: App, request: Request) -> dict[str, str]:
    payer = app.config.payer(request.payer) if request.payer in app.config.payer_names else None
    if payer is None:
        return {}
    return {"on_repeat": payer.repeat_fact(request.format or ""), "deposits": payer.deposits}


def _attempt(one: Attempt) -> dict[str, Any]:
    keys = ("number", "id", "name", "size", "sha256", "started_at", "ended_at", "outcome", "bytes_sent", "looks")
    return {key: getattr(one, key) for key in keys} | {"receipt": one.receipt, "worker": one.owner}


def _reply(one: Reply) -> dict[str, Any]:
    keys = ("id", "name", "state", "kind", "sha256", "created_at")
    return {key: getattr(one, key) for key in keys}


def _event(one: Event) -> dict[str, Any]:
    link = {name: getattr(one, name) for name in chain.LINK}
    keys = ("seq", "at", "from_state", "to_state", "actor", "reason", "detail", "previous_hash", "hash")
    return {key: getattr(one, key) for key in keys} | {"as_written": chain.link_hash(link) == one.hash}


def sheet(call: Call, told: dict[str, Any]) -> Sheet:
    """The page."""
    request = told["request"]
    blocks: list[Block] = [
        Text(call.say(f"proof.conclusion_{told['conclusion']}"), strong=True),
        Pairs(_pairs(call, told)),
        Heading(call.say("proof.say_heading")),
        Text(say_to_payer(call, told)),
        _grid(call, "attempts", [_attempt_row(one) for one in told["attempts"]]),
        _grid(call, "looks", [row for one in told["attempts"] for row in _look_rows(one)]),
        _grid(call, "replies", [(o["id"], o["name"], o["state"], o["sha256"]) for o in told["replies"]]),
        _grid(call, "evidence", [(o["id"], o["added_by"], _at(o["added_at"]), o["sha256"]) for o in told["evidence"]]),
        _grid(call, "events", [_event_row(call, one) for one in told["events"]]),
    ]
    foot = call.say("proof.foot", events=told["chain"]["events"], hash=told["chain"]["hash"])
    title = call.say("proof.title", number=request["no_dem_ext"] or request["id"])
    shown = tuple(block for block in blocks if not isinstance(block, Grid) or block.rows)
    return Sheet(title, request["id"], shown, foot)


def say_to_payer(call: Call, told: dict[str, Any]) -> str:
    """What a person can say: which file, of which bytes, when; and the one question."""
    request, tries = told["request"], told["attempts"]
    if not tries:
        return call.say("proof.say_never")
    question = "say_answer" if told["conclusion"] == "delivered" else "say_received"
    facts = {key: request[key] or "–" for key in ("number", "no_dem_ext", "wire_name", "wire_size", "wire_sha256")}
    last = tries[-1]["started_at"]
    about = call.say("proof.say_about", first=_at(tries[0]["started_at"]), last=_at(last), count=len(tries), **facts)
    return f"{about} {call.say(f'proof.{question}')}"


def _pairs(call: Call, told: dict[str, Any]) -> tuple[tuple[str, str | None], ...]:
    request = told["request"] | told["payer_facts"]
    keys = (
        "state", "holds", "payer", "number", "wire_name", "wire_size", "wire_sha256", "document_sha256", "invoices",
        "on_repeat", "deposits",
    )  # fmt: skip
    return tuple(
        (call.say(f"proof.is_{key}"), _word(request[key])) for key in keys if request.get(key) not in (None, [])
    )


def _grid(call: Call, what: str, rows: list[tuple[str, ...]]) -> Grid:
    columns = tuple(call.say(f"proof.columns_{what}").split(" | "))
    return Grid(call.say(f"proof.{what}"), columns, tuple(rows))


def _attempt_row(one: dict[str, Any]) -> tuple[str, ...]:
    sent = f"{_word(one['bytes_sent'])} / {one['size']}"
    receipt = (one["receipt"] or {}).get("verified", "–")
    return (str(one["number"]), _at(one["started_at"]), _at(one["ended_at"]), one["outcome"] or "?", sent, receipt)


def _look_rows(one: dict[str, Any]) -> list[tuple[str, ...]]:
    looks = ((datetime.fromisoformat(look["at"]), look["saw"], look.get("proof", "–")) for look in one["looks"])
    return [(str(one["number"]), _at(at), saw, by) for at, saw, by in looks]


def _event_row(call: Call, one: dict[str, Any]) -> tuple[str, ...]:
    way = f"{one['from_state'] or '·'} → {one['to_state']}"
    good = "" if one["as_written"] else call.say("proof.altered")
    return (str(one["seq"]), _at(one["at"]), way, one["reason"], one["actor"], one["hash"][:16] + good)


def _at(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M:%S}" if moment else "–"


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "–" if value is None else str(value)
