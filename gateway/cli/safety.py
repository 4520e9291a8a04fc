"""Whether the house could be saved: its last backup and rehearsal, and what holds it; for `status` and `doctor`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gateway import instance
from gateway.cli.common import Call
from gateway.cli.held import held_sentence
from gateway.clock import local
from gateway.config import Config
from gateway.store import Tx, backups


def safety(tx: Tx, config: Config) -> dict[str, Any]:
    """Moments are aware UTC; `late` where a configured backup is older than twice its interval; `held`: a code."""
    made, rehearsed = backups.last(tx, backups.MADE), backups.last(tx, backups.REHEARSED)
    said = config.backup
    late = bool(said.folder) and (made is None or made.at + timedelta(seconds=2 * said.every) < tx.now)
    held = instance.held(config.paths.instance)
    return {
        "configured": bool(said.folder),
        "last": made and made.at,
        "rehearsed": rehearsed and rehearsed.at,
        "late": late,
        "held": held and held.why,
    }


def sentence(call: Call, found: dict[str, Any]) -> str:
    """When the last backup was made, and when one was last proved."""
    if not found["configured"] and found["last"] is None:
        return call.say("backups.never_configured")
    return call.say("backups.safety", last=_day(found["last"]), rehearsed=_day(found["rehearsed"]))


def why_held(call: Call, config: Config) -> str | None:
    """The sentence, when the place is held."""
    held = instance.held(config.paths.instance)
    return held_sentence(call, held) if held is not None else None


def _day(moment: datetime | None) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}" if moment is not None else "–"
