"""One look at an agency's mailbox: what happens to each finished file, to its bytes, and what the agency hears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from gateway.archive import Stored
from gateway.arrivals import Whole, taken
from gateway.clock import today
from gateway.identifiers import new_id
from gateway.models import Batch, Deposit, Source
from gateway.platform import passing
from gateway.ports import Pickup, WaitingFile
from gateway.registry import Book
from gateway.stages import Rooms
from gateway.stages.collect import receipt
from gateway.stages.collect.receipt import Taken
from gateway.states import BatchState
from gateway.store import Tx, deposits, due, moves, replies, shadow

log = structlog.get_logger()


class Taker:
    """One look at one mailbox."""

    def __init__(self, rooms: Rooms, book: Book, source: Source, pickup: Pickup) -> None:
        self._rooms, self._pickup, self.source = rooms, pickup, source
        self._number = book.first_number(source.agency_id, today(rooms.clock))
        self._who = {"agency": book.agency(source.agency_id).name, "number": self._number}

    def take(self, file: WaitingFile) -> int:
        """Keep the bytes, record the arrival, put the file out of the way; 1 when something was done."""
        if file.size > self._rooms.config.gateway.max_lot_bytes:
            return self.leave(file)
        with taken(self._pickup, file) as whole:
            known, identity = self._known(file, whole.sha256)
            if known is None:
                known = self._keep(file, identity, whole)
        passing("collect.recorded")
        self._pickup.remove(file)
        passing("collect.removed")
        with self._rooms.store.write() as tx:
            deposits.removed(tx, known)
        return 1

    def untold(self, waiting: Sequence[WaitingFile]) -> list[WaitingFile]:
        """The entries that are never taken and that the agency was not told about yet."""
        refused = [file for file in waiting if file.refused is not None]
        if not refused:
            return []
        with self._rooms.store.read() as tx:
            return [file for file in refused if not deposits.arrivals(tx, self.source.id, file)]

    def _known(self, file: WaitingFile, sha256: str) -> tuple[str | None, str]:
        """The deposit this file already is (a crash came before its removal), and the identity to record it under."""
        with self._rooms.store.read() as tx:
            arrivals = deposits.arrivals(tx, self.source.id, file)
        same = next((deposit.id for deposit in arrivals if deposit.sha256 == sha256), None)
        return same, deposits.identity_of(arrivals, file, sha256)

    def _keep(self, file: WaitingFile, identity: str, whole: Whole) -> str:
        lot = new_id("LOT")
        documents = receipt.count(whole.stream, file.name, self._rooms.lot_limits)
        whole.stream.seek(0)
        kept = Taken(file, self._rooms.archive.put(lot, whole.stream), documents)
        passing("collect.archived")
        with self._rooms.store.write() as tx:
            deposit = self._record(tx, lot, kept, identity)
        if deposit.repeat:  # these bytes are the first batch's already
            self._rooms.archive.erase(lot)
        log.info("lot_received", source=self.source.id, lot=deposit.batch_id, repeat=deposit.repeat)
        return deposit.id

    def _record(self, tx: Tx, lot: str, kept: Taken, identity: str) -> Deposit:
        sha256 = kept.stored.sha256
        first = deposits.live_batch(tx, self.source.agency_id, sha256)
        batch = first or self._batch(tx, lot, kept.file, kept.stored)
        deposit = self._deposit(tx, batch, kept.file, identity, sha256, repeat=first is not None)
        facts = receipt.facts(batch, kept, deposit) | self._who
        facts |= receipt.of_repeat(tx, batch) if first else {}
        self._answer(tx, "receipt", batch, kept.file, facts)
        if first is None:
            due.wake(tx, "validate", self.source.agency_id)
        return deposit

    def _batch(self, tx: Tx, lot: str, file: WaitingFile, stored: Stored | None) -> Batch:
        batch = Batch(
            id=lot,
            agency_id=self.source.agency_id,
            source_id=self.source.id,
            name=file.name,
            size=file.size,
            sha256=stored.sha256 if stored else "",
            archive_ref=stored.ref if stored else "",
            state=BatchState.COLLECTED,
            shadow=shadow.agency(tx, self.source.agency_id),
            received_at=tx.now,
        )
        moves.born(tx, batch, "collected")
        return batch

    def _deposit(self, tx: Tx, batch: Batch, file: WaitingFile, identity: str, sha256: str, *, repeat: bool) -> Deposit:
        deposit = Deposit(
            id=new_id("DEP"),
            batch_id=batch.id,
            endpoint=self.source.id,
            name=file.name,
            identity=identity,
            mtime_ns=file.mtime_ns,
            size=file.size,
            sha256=sha256,
            repeat=repeat,
            received_at=tx.now,
        )
        deposits.add(tx, deposit)
        return deposit

    def _answer(self, tx: Tx, kind: str, batch: Batch, file: WaitingFile, facts: dict[str, Any]) -> None:
        replies.owe(tx, kind, batch, facts, source_id=self.source.id, number=self._number, name=file.name)

    def leave(self, file: WaitingFile) -> int:
        """What is too large to keep, or never taken, stays where it is: refused once, with a report, and never looked
        at again."""
        with self._rooms.store.read() as tx:
            if deposits.arrivals(tx, self.source.id, file):
                return 0
        reason = receipt.NEVER_TAKEN[file.refused] if file.refused else receipt.TOO_LARGE
        with self._rooms.store.write() as tx:
            batch = self._batch(tx, new_id("LOT"), file, None)
            self._deposit(tx, batch, file, file.identity, "", repeat=False)
            moves.move(tx, batch, BatchState.REFUSED, reason)
            facts = receipt.left(batch, self._rooms.config.gateway.max_lot_bytes)
            self._answer(tx, "report", batch, file, facts)
        log.warning("lot_left", source=self.source.id, lot=batch.id, size=file.size, reason=reason)
        return 1
