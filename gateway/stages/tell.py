"""Tells recipients what concerns them: what is to be said is written down, then sent until it arrives.

One message at a time for each recipient, and each recipient by itself: a mail server that is down delays no webhook.
Killed after a message left and before that was written down, it is sent again with the same id and the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gateway import channels, retry
from gateway.alerts import letter
from gateway.alerts.wording import item
from gateway.clock import local
from gateway.config.alerts import SEVERITIES
from gateway.errors import TransportError
from gateway.models import Alert, AlertNotice, Message
from gateway.platform import passing
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.store import Tx, outbox

EVERY = 60.0  # seconds; whoever has something to say wakes it
AT_ONCE = 50  # alerts in one message
MOST = 10  # messages in one run
GIVEN_UP = timedelta(days=3)
_RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
POINTS = ("tell.written", "tell.sent")

log = structlog.get_logger()


class Tell:
    """An endpoint for each recipient."""

    name = "tell"

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return [Endpoint(name, EVERY) for name in channels.names(rooms.config)]

    def run(self, rooms: Rooms, recipient: str) -> Outcome:
        for count in range(MOST):
            message = _next(rooms, recipient)
            if message is None:
                return Outcome(worked=count)
            passing("tell.written")
            if (wait := _send(rooms, message)) is not None:
                return Outcome(worked=count, retry_in=wait)
            passing("tell.sent")
            with rooms.store.write() as tx:
                outbox.sent(tx, message)
            log.info("message_sent", recipient=recipient, message=message.id)
        return Outcome(worked=MOST, retry_in=0.0)


def _next(rooms: Rooms, recipient: str) -> Message | None:
    """The message to send now; None when there is none, or it is not its turn yet."""
    with rooms.store.read() as tx:
        waiting = outbox.under_way(tx, recipient)
        if waiting is not None:
            return None if waiting.next_try_at is not None and waiting.next_try_at > tx.now else waiting
        if not _due(tx, rooms, recipient):
            return None
    with rooms.store.write() as tx:
        told = list(_together(_due(tx, rooms, recipient)))[:AT_ONCE]
        if not told:
            return None
        names = {agency.id: agency.name for agency in Book.load(tx).all_agencies()}
        items = [item(one.alert, one.what, names.get(one.alert.agency_id or "")) for one in told]
        message = outbox.write(tx, recipient, "alerts", {"alerts": items})
        outbox.say(tx, message, [notice for one in told for notice in one.notices])
    return message


def _due(tx: Tx, rooms: Rooms, recipient: str) -> list[tuple[AlertNotice, Alert]]:
    """What is to be told now: not in its quiet hours."""
    said = next((one for one in rooms.config.recipients if one.name == recipient), None)
    if said is None:
        return []
    clock = local(rooms.clock.now()).time()
    return outbox.untold(tx, recipient, [s for s in SEVERITIES if not said.rests(s, clock)])


@dataclass(frozen=True, slots=True)
class _Told:
    """One alert, and everything that this message says of it."""

    alert: Alert
    what: str
    notices: list[AlertNotice]


def _together(pairs: Iterable[tuple[AlertNotice, Alert]]) -> list[_Told]:
    """What is to be said of one alert, once: that it is over, else that it is new, else the latest. The worst first."""
    of: dict[str, list[tuple[AlertNotice, Alert]]] = {}
    for notice, alert in pairs:
        of.setdefault(alert.id, []).append((notice, alert))
    made = []
    for told in of.values():
        said = [notice.what for notice, _ in told]
        what = "resolved" if "resolved" in said else "opened" if "opened" in said else said[-1]
        made.append(_Told(told[0][1], what, [notice for notice, _ in told]))
    return sorted(made, key=lambda one: (-_RANK[one.alert.severity], one.alert.id))


def _send(rooms: Rooms, message: Message) -> float | None:
    """Send it; None when it arrived, else in how many seconds another try is due."""
    said = letter(message, channels.language(rooms.config, message.recipient))
    try:
        channels.deliver(rooms.config, message.recipient, said, rooms.clock.now())
    except TransportError as problem:
        return _failed(rooms, message, problem.code)
    return None


def _failed(rooms: Rooms, message: Message, code: str) -> float:
    wait = retry.wait_before(message.attempts + 1, spread=int(message.id[-2:], 16) / 255)
    with rooms.store.write() as tx:
        over = tx.now - message.created_at >= GIVEN_UP
        outbox.failed(tx, message, code, None if over else tx.now + wait)
    event = "message_given_up" if over else "message_not_sent"
    log.warning(event, recipient=message.recipient, message=message.id, error=code)
    return 0.0 if over else wait.total_seconds()
