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
from gateway.sealing import Sealing, fingerprint_of
from gateway.store import keys, moves

CHUNK = 500  # data keys that change their master in one transaction: short enough for whoever waits
PATIENCE = 60.0  # seconds that a person waits for another one's rotation, or the service's
POINTS = ("keyring.prepared", "keyring.begun", "keyring.rewrapped", "keyring.refused", "keyring.settled")


def renew(ring: Keyring) -> tuple[str, int]:
    """Let the successor that the key's source has be the master key: its fingerprint, and how many data keys changed
    hands. Raises SealingError when the source gives no other key, or one that was retired before."""
    source = ring.masters.source
    with source.alone(PATIENCE) as alone:
        if not alone:
            raise SealingError(side_by_side("sealing.being_replaced", where=source.where()))
        new = Sealing(source.successor())
        ring.masters.reload()
        passing("keyring.prepared")
        before = ring.standing()
        if new.fingerprint == before.fingerprint and not before.retiring and not source.makes:
            raise SealingError(side_by_side("sealing.no_other_key", where=source.where(), fingerprint=new.fingerprint))
        _begin(ring, new.fingerprint)
        return new.fingerprint, _end(ring)


def is_unfinished(ring: Keyring) -> bool:
    """Whether another master key counts already and the one of before is not refused, or still in its place."""
    with ring.store.read() as tx:
        current, retiring = keys.current(tx), keys.retiring(tx)
    return bool(retiring) or (current is not None and _to_be_settled(ring, current.fingerprint))


def finish(ring: Keyring) -> int:
    """Bring a rotation to its end whose process died; how many data keys changed hands. A successor that was made and
    does not count yet stays where it is: it waits for the one who wanted it. Raises SealingError when the old key is
    wanted and nowhere to be had."""
    with ring.masters.source.alone(0) as alone:  # else a person is at it
        return _end(ring) if alone and is_unfinished(ring) else 0


def _end(ring: Keyring) -> int:
    """Everything after the beginning: data keys change hands, the old key is refused, the new one takes its place."""
    with ring.store.read() as tx:
        current, retiring = keys.current(tx), [one.fingerprint for one in keys.retiring(tx)]
    assert current is not None
    if (new := ring.masters.find(current.fingerprint)) is None:
        raise ring.wrong(current.fingerprint)
    moved = sum(_move(ring, old, new) for old in retiring)
    passing("keyring.refused")
    if _to_be_settled(ring, current.fingerprint):
        ring.masters.source.settle()
    passing("keyring.settled")
    return moved


def _to_be_settled(ring: Keyring, current: str) -> bool:
    """Whether the key that counts is not yet in the place of the one before it."""
    following = ring.masters.source.following()
    return following is not None and fingerprint_of(following) == current


def _begin(ring: Keyring, fingerprint: str) -> None:
    """From now on this one counts."""
    with ring.store.write() as tx:
        known = keys.master(tx, fingerprint)
        if known is not None and known.refused_at is not None:
            raise SealingError(side_by_side("sealing.was_refused", fingerprint=fingerprint))
        if keys.begin(tx, fingerprint):
            moves.tell(tx, "key", [(fingerprint, "key_rotation_begun", {})])
    passing("keyring.begun")


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
