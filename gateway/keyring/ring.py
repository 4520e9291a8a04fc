"""One data key for each lot, reply, credential …, wrapped under the master key.

A scope is the id of what a key is for (`LOT-…`, `RET-…`, `CRE-…`). Whoever destroys a scope's key makes its bytes
unreadable wherever they are: the database holds the only copy, and a master key alone opens nothing.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gateway.clock import local
from gateway.errors import SealingError
from gateway.messages import side_by_side
from gateway.models import DataKey, MasterKey
from gateway.sealing import KEY_SIZE, Masters, Sealing, sealed_with
from gateway.store import Store, Tx, keys

_CACHED = 512  # data keys that a process remembers


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the keys: fingerprints, and how many data keys live and are gone."""

    fingerprint: str
    retiring: tuple[str, ...]
    live: int
    destroyed: int
    kit: bool


class Keyring:
    """The keys of one installation. Its repr shows nothing. Threads may share one."""

    def __init__(self, store: Store, masters: Masters) -> None:
        self.store, self.masters = store, masters
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, store: Store, masters: Masters) -> Keyring:
        """The keyring, once it is sure that the master key is the right one. The first start takes the key it finds.

        Raises SealingError for another installation's key, or for one that was retired.
        """
        ring = cls(store, masters)
        with store.read() as tx:
            current = keys.current(tx)
        if current is None:
            with store.write() as tx:
                current = keys.current(tx) or ring._adopt(tx)
        if masters.find(current.fingerprint) is None:
            raise ring.not_the_one(current.fingerprint)
        return ring

    # -- data keys --

    def make(self, scope: str) -> bytes:
        """The data key of a scope, made and durable when there was none. Within a write transaction of this thread it
        is made there. Raises SealingError when it was destroyed, or cannot be unwrapped."""
        known = self._known(scope)
        if known is not None:
            return known
        with self._writing() as tx:
            row = keys.find(tx, scope)
            if row is not None:
                return self.unwrapped(row)
            key, master = os.urandom(KEY_SIZE), self._current(tx)
            keys.add(tx, scope, master.seal(key, context_of(scope)), master.fingerprint)
        return key

    def get(self, scope: str) -> bytes:
        """The data key of a scope. Raises SealingError when there is none, or it was destroyed."""
        key = self._known(scope)
        if key is None:
            raise SealingError(side_by_side("sealing.no_data_key", scope=scope))
        return key

    def has(self, scope: str) -> bool:
        """Whether a scope has a data key that was not destroyed."""
        with self._lock:
            if scope in self._cache:
                return True
        with self._looking() as tx:
            row = keys.find(tx, scope)
        return row is not None and row.destroyed_at is None

    def destroy(self, scope: str) -> bool:
        """Make everything that was sealed for a scope unreadable, for ever; whether there was a key. Within a write
        transaction of this thread it happens with it. Twice is once."""
        with self._writing() as tx:
            gone = keys.destroy(tx, scope)
        with self._lock:
            self._cache.pop(scope, None)
        return gone

    # -- small secrets --

    def seal(self, plain: bytes, context: str) -> bytes:
        """Sealed under the data key of the id in `context` (`<kind>:<id>:<what>`). Raises SealingError."""
        return Sealing(self.make(_scope(context))).seal(plain, context)

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed for `context`. Raises SealingError."""
        return Sealing(self.get(_scope(context))).unseal(sealed, context)

    def unseal_old(self, owner: str, data: bytes) -> bytes:
        """What an archived file of before becomes: papers of applications were sealed under the master key itself."""
        by = sealed_with(data)
        master = self.masters.find(by) if by else None
        for context in (f"application:{owner}:letter", f"application:{owner}:proof"):
            with suppress(SealingError):
                return master.unseal(data, context) if master else data
        return data

    # -- the master key --

    def wrap(self, plain: bytes, context: str) -> bytes:
        """Sealed under the master key itself: for what must be opened where there is no database yet (a backup)."""
        with self._looking() as tx:
            return self._current(tx).seal(plain, context)

    def standing(self) -> Standing:
        """Which master key counts, and what is wrapped."""
        with self.store.read() as tx:
            current, old, counted = keys.current(tx), keys.retiring(tx), keys.count(tx)
        assert current is not None
        return Standing(current.fingerprint, tuple(k.fingerprint for k in old), *counted, current.kit_at is not None)

    def _adopt(self, tx: Tx) -> MasterKey:
        """The key of a new installation, or of one older than data keys: what was sealed under the master key itself is
        sealed again. Raises SealingError when something was sealed under another one."""
        first = self.masters.fingerprints()[0]
        values = list(keys.sealed_values(tx))
        if other := next((by for *_, value in values if (by := sealed_with(value)) not in (None, first)), None):
            raise self.wrong(other)
        keys.begin(tx, first)
        master = self._current(tx)
        for row, column, value in values:
            context = f"credential:{row.id}:{column}"
            with suppress(SealingError):  # damaged: whoever uses it will say so
                keys.seal_again(tx, row, column, self.seal(master.unseal(value, context), context))
        current = keys.current(tx)
        assert current is not None
        return current

    # -- within --

    def _known(self, scope: str) -> bytes | None:
        with self._lock:
            if scope in self._cache:
                self._cache.move_to_end(scope)
                return self._cache[scope]
        with self._looking() as tx:
            row = keys.find(tx, scope)
        if row is None:
            return None
        key = self.unwrapped(row)
        if self.store.writing is None:  # what is not committed yet may never be
            self._remember(scope, key)
        return key

    def _remember(self, scope: str, key: bytes) -> None:
        with self._lock:
            self._cache[scope] = key
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)

    def unwrapped(self, row: DataKey) -> bytes:
        """The data key in a row. Raises SealingError when it was destroyed, altered, or its master key is not here."""
        if row.destroyed_at is not None:
            raise SealingError(side_by_side("sealing.destroyed", scope=row.scope))
        if (master := self.masters.find(row.master)) is None:
            raise self.wrong(row.master)
        return master.unseal(row.wrapped, context_of(row.scope))

    def _current(self, tx: Tx) -> Sealing:
        """The master key that counts at this moment: another process may be replacing it."""
        row = keys.current(tx)
        assert row is not None
        if (master := self.masters.find(row.fingerprint)) is None:
            raise self.wrong(row.fingerprint)
        return master

    def not_the_one(self, wanted: str) -> SealingError:
        """Why the master key that was found does not count."""
        with self.store.read() as tx:
            known = [row for one in self.masters.fingerprints() if (row := keys.master(tx, one)) is not None]
        if not known:
            return self.wrong(wanted)
        old = max(known, key=lambda row: row.since)
        values = {"found": old.fingerprint, "wanted": wanted, "day": f"{local(old.retired_at or old.since):%Y-%m-%d}"}
        return SealingError(side_by_side("sealing.retired_key", where=self.masters.source.where(), **values))

    def wrong(self, wanted: str) -> SealingError:
        """That the master key is another installation's."""
        values = {"found": ", ".join(self.masters.fingerprints()), "wanted": wanted}
        return SealingError(side_by_side("sealing.wrong_key", where=self.masters.source.where(), **values))

    @contextmanager
    def _writing(self) -> Iterator[Tx]:
        if (tx := self.store.writing) is not None:
            yield tx
            return
        with self.store.write() as tx:
            yield tx

    @contextmanager
    def _looking(self) -> Iterator[Tx]:
        if (tx := self.store.writing) is not None:
            yield tx
            return
        with self.store.read() as tx:
            yield tx


def context_of(scope: str) -> str:
    """The place a wrapped data key belongs to."""
    return f"data-key:{scope}"


def _scope(context: str) -> str:
    _, scope, _ = context.split(":")
    return scope
