"""Which record a person means: by our id, or by a number or name from outside; several are listed, never guessed.

Of a request and the part of it that goes under the same number, the part is meant: nothing is decided about the other.
"""

from __future__ import annotations

from gateway.cli.common import Call
from gateway.errors import GatewayError
from gateway.store import Tx, salvage, status
from gateway.store.status import Found


class Ambiguous(GatewayError):
    """Nothing, or more than one thing, bears the name."""


def the_one(tx: Tx, call: Call, text: str, kinds: tuple[str, ...] = ()) -> Found:
    """The only record that `text` names, of these kinds when some are given. Raises Ambiguous."""
    found = status.find(tx, text)
    if not found:
        raise Ambiguous(call.say("cli.find_nothing", text=text))
    wanted = [record for record in found if not kinds or record.kind in kinds]
    if not wanted:
        raise Ambiguous(call.say("cli.find_no_request", record=found[0].id))
    originals = salvage.originals(tx, [record.id for record in wanted if record.kind == "request"])
    wanted = [record for record in wanted if record.id not in originals]
    if len(wanted) > 1:
        raise Ambiguous(call.say("cli.find_several", text=text, ids=", ".join(record.id for record in wanted)))
    return wanted[0]
