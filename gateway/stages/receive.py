"""Fetches what the payer left for a transmission number: archived first, recorded next, removed last."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import BinaryIO, cast

import structlog

from gateway.archive import Stored
from gateway.clock import today
from gateway.errors import Gone, TransportError
from gateway.identifiers import new_id
from gateway.models import Parcel, Reply
from gateway.platform import passing
from gateway.ports import Pickup, WaitingFile
from gateway.registry import Book
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.states import ReplyState
from gateway.store import Tx, due, moves, replies
from gateway.validation import ArchiveLimits, is_archive, members, open_member

POINTS = ("receive.archived", "receive.recorded", "receive.removed")
AT_ONCE = 500  # files of one look: a mailbox with a million names must not hold everybody up
_UNFINISHED = (".*", "~$*", "*.part", "*.partial", "*.filepart", "*.tmp")  # names under which others still write
_IN_MEMORY = 4 << 20  # bytes of a parcel that stay out of temporary files

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Document:
    """One document of a parcel, kept for the reply that will carry it."""

    reply_id: str
    name: str
    stored: Stored
    defect: str | None = None  # why it cannot be opened


class Receive:
    """Endpoint: "payer:number". Names the payer gives are labels and never become paths."""

    name = "receive"

    def __init__(self) -> None:
        self._settling: dict[str, Settling] = {}

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        with rooms.store.read() as tx:
            live = Book.load(tx).live_numbers(today(rooms.clock))
        known = [(payer, number) for payer, number, _ in live if payer in rooms.config.payer_names]
        return [Endpoint(f"{payer}:{number}", rooms.config.payer(payer).poll) for payer, number in known]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, _, number = endpoint.partition(":")
        settings = rooms.config.payer(payer)
        with rooms.mailboxes.payer_returns(payer, number) as box:
            files = [file for file in box.waiting() if not _unfinished(file.name)]
            fetcher = _Fetcher(rooms, payer, number, box)
            fetcher.settle_removed({file.name for file in files})
            again_in = None
            if settings.returns_finished == "settle":
                settling = self._settling.setdefault(endpoint, Settling(settings.settle_seconds))
                files, again_in = settling.finished(files, rooms.clock.monotonic())
            worked = sum(fetcher.guarded(file) for file in files[:AT_ONCE])
        return Outcome(worked, 0.0 if len(files) > AT_ONCE else again_in)


class Settling:
    """What a mailbox looked like before: a file is finished when two looks, some seconds apart, show it unchanged.
    Kept in memory; a restart begins again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[WaitingFile, float] = {}  # the file exactly as it looked → monotonic seconds

    def finished(self, files: Sequence[WaitingFile], now: float) -> tuple[list[WaitingFile], float | None]:
        """The finished files, and after how many seconds the next one may be."""
        before, self._since = self._since, {file: self._since.get(file, now) for file in files}
        done = [file for file in files if file in before and now - self._since[file] >= self._seconds]
        waits = [self._since[file] + self._seconds - now for file in files if file not in done]
        return done, max(min(waits), 0.0) if waits else None


class _Fetcher:
    """One look at one number's return box."""

    def __init__(self, rooms: Rooms, payer: str, number: str, box: Pickup) -> None:
        self._rooms, self._payer, self._number, self._box = rooms, payer, number, box
        self._endpoint = f"{payer}:{number}"

    def settle_removed(self, there: set[str]) -> None:
        """A parcel that is recorded and no longer lies there was removed just before we died."""
        with self._rooms.store.read() as tx:
            gone = [p.id for p in replies.still_there(tx, self._payer, self._number) if p.name not in there]
        for parcel_id in gone:
            self._removed(parcel_id)

    def guarded(self, file: WaitingFile) -> int:
        """Fetch one file; what is wrong with it stops no other. A dead line does: it is the endpoint's trouble."""
        try:
            return self._fetch(file)
        except Gone:
            log.info("parcel_left", endpoint=self._endpoint)
        except TransportError:
            raise
        except Exception as problem:  # isolation: it still lies there, and the next look tries again
            log.error("fetch_failed", endpoint=self._endpoint, size=file.size, error=type(problem).__name__)
        return 0

    def _fetch(self, file: WaitingFile) -> int:
        limit = self._rooms.config.gateway.max_unpacked_bytes
        if file.size > limit:  # it stays at the payer: nothing is lost, and a person must raise the limit
            log.error("parcel_too_large", endpoint=self._endpoint, size=file.size, limit=limit)
            return 0
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            sink = _Counted(spool, file.size)
            self._box.read(file, cast(BinaryIO, sink))
            if sink.size != file.size:
                raise Gone("shorter than it was listed")
            parcel_id = self._keep(file, cast(BinaryIO, spool), sink.sha256)
        passing("receive.recorded")
        with suppress(Gone):  # another file took its name: what we recorded is away already
            self._box.remove(file)
        passing("receive.removed")
        self._removed(parcel_id)
        return 1

    def _keep(self, file: WaitingFile, spool: BinaryIO, sha256: str) -> str:
        """Archive and record; give the parcel's id. The same name and bytes again, before they were removed, are the
        same parcel; after that the payer says it again, which may be the answer to a request sent again."""
        with self._rooms.store.read() as tx:
            known = replies.parcel(tx, self._payer, self._number, file.name, sha256)
        if known is not None and known.removed_at is None:
            return known.id
        parcel_id = known.id if known else new_id("COL")
        spool.seek(0)
        whole = None if known else self._rooms.archive.put(parcel_id, spool)
        documents = list(self._documents(file, spool, whole))
        passing("receive.archived")
        with self._rooms.store.write() as tx:
            if known is None:
                assert whole is not None
                self._record(tx, parcel_id, file, whole, documents)
            else:
                replies.said_again(tx, known.id, len(documents))
            for document in documents:
                self._reply(tx, parcel_id, document)
            due.wake(tx, "match", self._endpoint)
        log.info("parcel_received", endpoint=self._endpoint, parcel=parcel_id, replies=len(documents))
        return parcel_id

    def _documents(self, file: WaitingFile, spool: BinaryIO, whole: Stored | None) -> Iterator[_Document]:
        """One reply per document: the file itself, or each XML member of a ZIP."""
        spool.seek(0)
        if is_archive(spool):
            yield from self._members(file, spool, whole)
        else:
            yield self._single(file, spool, whole, None)

    def _single(self, file: WaitingFile, spool: BinaryIO, whole: Stored | None, defect: str | None) -> _Document:
        """The parcel's own bytes as one reply. They are kept once, but for a parcel that came before."""
        reply_id = new_id("RET")
        spool.seek(0)
        return _Document(reply_id, file.name, whole or self._rooms.archive.put(reply_id, spool), defect)

    def _members(self, file: WaitingFile, spool: BinaryIO, whole: Stored | None) -> Iterator[_Document]:
        found = members(spool, file.name, self._limits())
        if found.findings:
            yield self._single(file, spool, whole, "parcel_unreadable")
        for member in found.members:
            reply_id = new_id("RET")
            with open_member(spool, member) as stream:
                yield _Document(reply_id, member.name, self._rooms.archive.put(reply_id, stream))

    def _limits(self) -> ArchiveLimits:
        config = self._rooms.config.gateway
        most = config.max_unpacked_bytes
        return ArchiveLimits(member_bytes=most, total_bytes=most, ratio=config.max_ratio)

    def _record(self, tx: Tx, parcel_id: str, file: WaitingFile, whole: Stored, documents: list[_Document]) -> None:
        tx.session.add(
            Parcel(
                id=parcel_id,
                payer=self._payer,
                number=self._number,
                name=file.name,
                size=whole.size,
                sha256=whole.sha256,
                archive_ref=whole.ref,
                replies=len(documents),
                received_at=tx.now,
            )
        )
        tx.session.flush()

    def _reply(self, tx: Tx, parcel_id: str, document: _Document) -> None:
        reply = Reply(
            id=document.reply_id,
            kind="unknown",
            state=ReplyState.RECEIVED,
            parcel_id=parcel_id,
            payer=self._payer,
            number=self._number,
            name=document.name,
            size=document.stored.size,
            sha256=document.stored.sha256,
            archive_ref=document.stored.ref,
            created_at=tx.now,
        )
        moves.born(tx, reply, "received", {"parcel": parcel_id})
        if document.defect:
            moves.move(tx, reply, ReplyState.HELD, document.defect)

    def _removed(self, parcel_id: str) -> None:
        with self._rooms.store.write() as tx:
            replies.removed(tx, parcel_id)


class _Counted:
    """A sink that takes no more than a file was listed with, and hashes what it takes."""

    def __init__(self, sink: tempfile.SpooledTemporaryFile[bytes], listed: int) -> None:
        self._sink, self._listed, self._digest = sink, listed, hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size > self._listed:
            raise Gone("longer than it was listed")
        self._digest.update(data)
        return self._sink.write(data)


def _unfinished(name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in _UNFINISHED)
