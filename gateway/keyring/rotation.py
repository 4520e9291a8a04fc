"""Another master key takes over, while the service runs: the new one is durable before anything is wrapped under it.

First it is written down which one counts from now on; then data keys change hands, some at a time, and every process
that meets one opens it with either; when none is left under the old one, that one is refused. Killed anywhere, the same
call goes on.
"""

from __future__ import annotations

from gateway.errors import SealingError
from gateway.keyring.ring import Keyring, context_of
from gateway.messages import side_by_side
from gateway.platform import passing
from gateway.sealing import Sealing
from gateway.store import keys, moves

CHUNK = 500  # data keys that change their master in one transaction: short enough for whoever waits
POINTS = ("keyring.prepared", "keyring.begun", "keyring.rewrapped", "keyring.refused", "keyring.settled")


def renew(ring: Keyring) -> tuple[str, int]:
    """Let the successor that the key's source has be the master key: its fingerprint, and how many data keys changed
    hands. Raises SealingError when the source gives no other key, or one that was retired before."""
    source = ring.masters.source
    new = Sealing(source.successor())
    ring.masters.reload()
    passing("keyring.prepared")
    before = ring.standing()
    if new.fingerprint == before.fingerprint and not before.retiring and not source.makes:
        raise SealingError(side_by_side("sealing.no_other_key", where=source.where(), fingerprint=new.fingerprint))
    moved = sum(_move(ring, old, new) for old in _begin(ring, new.fingerprint))
    passing("keyring.refused")
    source.settle()
    passing("keyring.settled")
    return new.fingerprint, moved


def _begin(ring: Keyring, fingerprint: str) -> list[str]:
    """From now on this one counts; the fingerprints of those that data keys are still wrapped under."""
    with ring.store.write() as tx:
        known = keys.master(tx, fingerprint)
        if known is not None and known.refused_at is not None:
            raise SealingError(side_by_side("sealing.was_refused", fingerprint=fingerprint))
        if keys.begin(tx, fingerprint):
            moves.tell(tx, "key", [(fingerprint, "key_rotation_begun", {})])
        retired = [one.fingerprint for one in keys.retiring(tx)]
    passing("keyring.begun")
    return retired


def _move(ring: Keyring, old: str, new: Sealing) -> int:
    """The last transaction finds nothing left under the old key, and refuses it."""
    moved = 0
    while True:
        with ring.store.write() as tx:
            rows = keys.under(tx, old, CHUNK)
            for row in rows:
                wrapped = new.seal(ring.unwrapped(row), context_of(row.scope))
                keys.rewrap(tx, row.scope, wrapped, new.fingerprint)
            if not rows:
                keys.refuse(tx, old)
                moves.tell(tx, "key", [(old, "key_refused", {"by": new.fingerprint})])
                return moved
        moved += len(rows)
        passing("keyring.rewrapped")
