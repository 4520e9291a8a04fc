"""What `gateway show` tells of a request of which only a part goes: both requests, both hashes, the control totals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.cli.common import Call
from gateway.models import Request
from gateway.rendering import formats
from gateway.store import Tx, requests, salvage

_PARTS = ("", "kept_", "aside_", "answered_")


def divided(tx: Tx, request: Request) -> dict[str, Any] | None:
    """The salvage a request was part of, as the one deposited or as the one that goes."""
    row = salvage.of(tx, request)
    if row is None:
        return None
    derived = requests.get(tx, row.derived_id) if row.derived_id else None
    return {
        "original": _named(requests.get(tx, row.request_id)),
        "derived": _named(derived),
        "aside": {"name": row.aside_name, "sha256": row.aside_sha256} if row.aside_name else None,
        "totals": {f"{part}{what}": getattr(row, f"{part}{what}") for part in _PARTS for what in ("invoices", "cents")},
    }


def _named(request: Request | None) -> dict[str, Any] | None:
    return {"id": request.id, "state": request.state, "sha256": request.sha256} if request else None


def divided_lines(call: Call, parts: dict[str, Any] | None) -> Iterator[str]:
    """The same for a person."""
    if parts is None:
        return
    for name in ("original", "derived"):
        if found := parts[name]:
            yield f"{call.say(f'look.salvage_{name}')}: {found['id']}  {found['state']}  {found['sha256']}"
    if aside := parts["aside"]:
        yield f"{call.say('look.salvage_aside')}: {aside['name']}.xml  {aside['sha256']}"
    totals = parts["totals"]
    yield f"{call.say('look.salvage_totals')}: {_sums(call, [str(totals[f'{part}invoices']) for part in _PARTS])}"
    if totals["cents"] is not None:
        amounts = [formats.money(totals[f"{part}cents"], call.lang) for part in _PARTS]
        yield f"{call.say('look.salvage_claimed')}: {_sums(call, amounts)}"


def _sums(call: Call, values: list[str]) -> str:
    invoices, kept, aside, answered = values
    return call.say("look.salvage_sums", invoices=invoices, kept=kept, aside=aside, answered=answered)
