"""Does everything tie? What the agencies deposited, what the payer says it got, and what lies in the returns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.app import App
from gateway.cli.demo.lots import Deposited
from gateway.cli.demo.routes import seen
from gateway.cli.demo.scene import Scene
from gateway.messages import both
from gateway.store import credentials, moves, status

Check = dict[str, Any]


@dataclass(frozen=True)
class Played:
    """What happened on the agencies' side, and what the payer issued: statements by transmission number."""

    deposited: Sequence[Deposited]
    statements: Counter[str]


def look(app: App, scene: Scene, picture: dict[str, Any], played: Played) -> dict[str, Any]:
    """The demonstration's own keys of the JSON: checks, payer_received, credentials."""
    deposited = played.deposited
    received = [
        {"number": d.number, "name": d.name, "sha256": d.sha256, "times": d.times} for d in scene.payer.journal()
    ]
    with app.store.read() as tx:
        known: list[dict[str, Any]] = [
            {"number": row.number, "state": row.state, "generation": row.generation} for row in credentials.every(tx)
        ]
        sent = status.transmitted(tx)
        broken = moves.verify_chain(tx)
    made = [
        _invoices_tie(picture, deposited),
        _statements_tie(picture),
        *_payer_got_each_once(received, sent, deposited),
        *_fates(picture, deposited),
        *_returns(scene, picture),
        _statements_arrived(played, picture),
        *(_check(name, *ends) for name, ends in seen(app, scene, picture).items()),
        _check("credentials_changed", len(known), sum(c["state"] == "ACTIVE" and c["generation"] > 0 for c in known)),
        _check("history_unbroken", None, broken),
    ]
    return {"checks": made, "payer_received": received, "credentials": known}


def _check(name: str, expected: Any, seen: Any) -> Check:
    return {"name": name, "expected": expected, "seen": seen, "ok": expected == seen}


def title(name: str) -> dict[str, str]:
    """What a check says, in both languages."""
    return both(f"demo.check_{name}")


def _invoices_tie(picture: dict[str, Any], deposited: Sequence[Deposited]) -> Check:
    """deposited = refused + pending + sent + receivable + not receivable + cancelled + held"""
    return _check("invoices_tie", sum(d.invoices for d in deposited), sum(picture["invoices"].values()))


def _statements_tie(picture: dict[str, Any]) -> Check:
    """receivable = on statements + outstanding"""
    told = picture["statements"]
    return _check(
        "statements_tie", picture["invoices"].get("receivable", 0), told["on_statements"] + told["outstanding"]
    )


def _payer_got_each_once(
    received: list[dict[str, Any]], sent: Sequence[status.Sent], deposited: Sequence[Deposited]
) -> list[Check]:
    """The payer's own journal against the agencies' own files: same bytes, under the right number, once."""
    documents = {digest for lot in deposited for digest in lot.documents}
    ours = {item.sha256 for item in sent if item.document_sha256 in documents}
    return [
        _check(
            "payer_got_what_went",
            sorted((s.number, s.name, s.sha256) for s in sent),
            sorted((r["number"], r["name"], r["sha256"]) for r in received),
        ),
        _check("payer_got_deposited_bytes", len(received), sum(r["sha256"] in ours for r in received)),
        _check("payer_got_once", len(received), sum(r["times"] == 1 for r in received)),
    ]


def _fates(picture: dict[str, Any], deposited: Sequence[Deposited]) -> list[Check]:
    """Each lot met the end it was made for."""
    fates = Counter(lot.fate for lot in deposited)
    requests = picture["requests"]
    return [
        _check("lots", sum(fates.values()) - fates["repeat"], sum(picture["batches"].values())),
        _check("refused", fates["refused"] + fates["mixed"], requests.get("REFUSED", 0)),
        _check("held", fates["held"], requests.get("HELD", 0)),
        _check("answered", fates["sent"] + 2 * fates["mixed"], _answered(requests)),
    ]


def _answered(requests: dict[str, int]) -> int:
    return requests.get("RECEIVABLE", 0) + requests.get("NOT_RECEIVABLE", 0)


def _returns(scene: Scene, picture: dict[str, Any]) -> list[Check]:
    """Every file in an agency's returns is one we delivered to it, whole; and nothing else lies there."""
    electronic = [d for d in picture["deliveries"] if not d["name"].endswith(".pdf")]  # paper lies elsewhere
    told = sorted((d["agency"], d["name"], d["sha256"]) for d in electronic)
    lying = sorted(
        (number, file.name, hashlib.sha256(file.read_bytes()).hexdigest())
        for number in scene.temporary_passwords
        for file in scene.box(number, "retours").iterdir()
    )
    return [_check("returns_whole", told, lying)]


def _statements_arrived(played: Played, picture: dict[str, Any]) -> Check:
    """Every statement the payer issued under a number lies in that agency's returns."""
    issued = played.statements
    arrived = Counter(
        d["agency"] for d in picture["deliveries"] if d["kind"] == "statement" and d["name"].endswith(".xml")
    )
    return _check("statements_arrived", dict(issued), dict(arrived))
