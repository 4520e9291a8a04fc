"""Takes finished files out of an agency's mailbox: archived, recorded, acknowledged, and only then removed."""

from __future__ import annotations

import hashlib
import tempfile
from typing import Any, BinaryIO, cast

import structlog

from gateway.archive import Stored
from gateway.clock import today
from gateway.errors import Gone
from gateway.identifiers import new_id
from gateway.models import Batch, Deposit, Reply, Source
from gateway.platform import passing
from gateway.ports import Pickup, WaitingFile
from gateway.registry.book import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.stages import collect_receipt as receipt
from gateway.stages.collect_finished import Looks, is_ours_to_take
from gateway.stages.collect_receipt import Taken
from gateway.states import BatchState, ReplyState
from gateway.store import Tx, deposits, due, moves

log = structlog.get_logger()

POINTS = ("collect.archived", "collect.recorded", "collect.removed")
_FOLDER_EVERY, _SERVER_EVERY = 10.0, 60.0  # seconds between looks where the source does not say
_IN_MEMORY = 4 << 20  # bytes of a file being taken that stay out of temporary files


class Collect:
    """Endpoint: a source. Looks at one mailbox are kept in memory; a restart begins them again."""

    name = "collect"

    def __init__(self) -> None:
        self._looks: dict[str, Looks] = {}

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        with rooms.store.read() as tx:
            book = Book.load(tx)
        sources = [source for agency in book.agencies() if agency.active for source in book.sources(agency.id)]
        return [Endpoint(source.id, _every(source)) for source in sources if source.active]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        with rooms.store.read() as tx:
            book = Book.load(tx)
        source = book.source(endpoint)
        looks = self._looks.setdefault(endpoint, Looks())
        with rooms.mailboxes.pickup(source) as pickup:
            waiting = [file for file in pickup.waiting() if is_ours_to_take(file.name)]
            finished, again_in = looks.finished(waiting, source.pickup, rooms.clock.monotonic())
            taker = _Taker(rooms, book, source, pickup)
            worked = sum(_guarded(taker, file) for file in finished)
        return Outcome(worked, again_in)


def _every(source: Source) -> float:
    default = _FOLDER_EVERY if source.pickup.get("kind") == "folder" else _SERVER_EVERY
    return float(source.pickup.get("poll") or default)


def _guarded(taker: _Taker, file: WaitingFile) -> int:
    """Take one file; what is wrong with it stops no other."""
    try:
        return taker.take(file)
    except Gone:
        log.info("file_left", source=taker.source.id)
    except Exception as problem:  # isolation: the next look tries again, the file is still there
        log.error("take_failed", source=taker.source.id, size=file.size, error=type(problem).__name__)
    return 0


class _Taker:
    """One look at one mailbox: what happens to each finished file."""

    def __init__(self, rooms: Rooms, book: Book, source: Source, pickup: Pickup) -> None:
        self._rooms, self._pickup, self.source = rooms, pickup, source
        self._number = book.first_number(source.agency_id, today(rooms.clock))
        self._who = {"agency": book.agency(source.agency_id).name, "number": self._number}

    def take(self, file: WaitingFile) -> int:
        """Keep the bytes, record the arrival, put the file out of the way; 1 when something was done."""
        if file.size > self._rooms.config.gateway.max_lot_bytes:
            return self._leave(file)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            self._pickup.read(file, cast(BinaryIO, _Sized(spool, file.size)))
            if spool.tell() != file.size:
                raise Gone("shorter than it was listed")
            known, identity = self._known(file, cast(BinaryIO, spool))
            if known is None:
                known = self._keep(file, identity, cast(BinaryIO, spool))
        passing("collect.recorded")
        self._pickup.remove(file)
        passing("collect.removed")
        with self._rooms.store.write() as tx:
            deposits.removed(tx, known)
        return 1

    def _known(self, file: WaitingFile, spool: BinaryIO) -> tuple[str | None, str]:
        """The deposit this file already is (a crash came before its removal), and the identity to record it under."""
        with self._rooms.store.read() as tx:
            arrivals = deposits.arrivals(tx, self.source.id, file)
        if not arrivals:
            return None, file.identity
        sha256 = sha256_of(spool)
        same = next((deposit.id for deposit in arrivals if deposit.sha256 == sha256), None)
        return same, deposits.identity_of(arrivals, file, sha256)

    def _keep(self, file: WaitingFile, identity: str, spool: BinaryIO) -> str:
        lot = new_id("LOT")
        documents = receipt.count(spool, file.name, self._rooms.config.gateway)
        spool.seek(0)
        taken = Taken(file, self._rooms.archive.put(lot, spool), documents)
        passing("collect.archived")
        with self._rooms.store.write() as tx:
            deposit = self._record(tx, lot, taken, identity)
        if deposit.repeat:  # these bytes are the first batch's already
            self._rooms.archive.erase(lot)
        log.info("lot_received", source=self.source.id, lot=deposit.batch_id, repeat=deposit.repeat)
        return deposit.id

    def _record(self, tx: Tx, lot: str, taken: Taken, identity: str) -> Deposit:
        first = deposits.live_batch(tx, self.source.agency_id, taken.stored.sha256)
        batch = first or self._batch(tx, lot, taken.file, taken.stored)
        deposit = self._deposit(tx, batch, taken.file, identity, taken.stored.sha256, repeat=first is not None)
        facts = receipt.facts(batch, taken, deposit) | self._who
        facts |= receipt.of_repeat(tx, batch) if first else {}
        self._answer(tx, "receipt", batch, taken.file, facts)
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
        reply = Reply(
            id=new_id("RET"),
            kind=kind,
            state=ReplyState.MATCHED,
            batch_id=batch.id,
            number=self._number,
            agency_id=self.source.agency_id,
            source_id=self.source.id,
            key=batch.id,
            name=file.name,
            facts=facts,
            created_at=tx.now,
        )
        moves.born(tx, reply, kind)
        due.wake(tx, "distribute", self.source.id)

    def _leave(self, file: WaitingFile) -> int:
        """A lot too large to keep stays where it is: refused once, with a report, and never looked at again."""
        with self._rooms.store.read() as tx:
            if deposits.arrivals(tx, self.source.id, file):
                return 0
        limit = self._rooms.config.gateway.max_lot_bytes
        with self._rooms.store.write() as tx:
            batch = self._batch(tx, new_id("LOT"), file, None)
            self._deposit(tx, batch, file, file.identity, "", repeat=False)
            moves.move(tx, batch, BatchState.REFUSED, "LOT_TOO_LARGE")
            facts = receipt.too_large(batch, limit)
            self._answer(tx, "report", batch, file, facts)
        log.warning("lot_too_large", source=self.source.id, lot=batch.id, size=file.size)
        return 1


class _Sized:
    """A sink that takes no more than a file was listed with: one that grows is not finished."""

    def __init__(self, sink: tempfile.SpooledTemporaryFile[bytes], size: int) -> None:
        self._sink, self._left = sink, size

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise Gone("longer than it was listed")
        return self._sink.write(data)


def sha256_of(stream: BinaryIO) -> str:
    """The hash of a whole stream, which is left at its start."""
    stream.seek(0)
    digest = hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()
    stream.seek(0)
    return digest
