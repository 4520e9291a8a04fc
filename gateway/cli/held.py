"""The sentence of a place that is held: why nothing leaves, and what to do."""

from __future__ import annotations

from gateway import instance
from gateway.app import App
from gateway.cli.common import Call
from gateway.clock import local
from gateway.instance import Held


def held_sentence(call: Call, held: Held) -> str:
    """For `run`, `once`, `status` and `doctor`."""
    since = f"{local(held.since):%Y-%m-%d %H:%M}"
    made_at = f"{local(held.made_at):%Y-%m-%d %H:%M}" if held.made_at else "–"
    return call.say(f"backups.held_{held.why}", since=since, day=made_at)


def tell_held(call: Call, app: App) -> bool:
    """Complain when this place is held; whether it is."""
    held = instance.held(app.config.paths.instance)
    if held is not None:
        call.complain(held_sentence(call, held))
    return held is not None
