"""Fetches what the payer left for a transmission number: archived first, recorded next, removed last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from gateway import breakers
from gateway.archive import Stored
from gateway.arrivals import Looks, Whole, is_unfinished, taken
from gateway.clock import today
from gateway.errors import Gone, TransportError
from gateway.identifiers import lane, new_id, of_lane
from gateway.models import Parcel, Reply
from gateway.platform import passing
from gateway.ports import Pickup, WaitingFile
from gateway.registry import Book
from gateway.sealing.spool import spool
from gateway.stages import Endpoint, Outcome, Rooms, payer_endpoints
from gateway.states import ReplyState
from gateway.store import Tx, due, moves, parcels
from gateway.validation import ArchiveLimits, is_archive, members, open_member

POINTS = ("receive.archived", "receive.recorded", "receive.removed")
FED = "fed"  # by a person, for an agency in shadow
AT_ONCE = 500  # files of one look: a mailbox with a million names must not hold everybody up

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
        self._looks: dict[str, Looks] = {}
        self._refused: dict[str, set[str]] = {}  # endpoint → names of what is never taken, and was said

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return payer_endpoints(rooms)

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, number = of_lane(endpoint)
        settings = rooms.config.payer(payer)
        with rooms.store.read() as tx:
            if Book.load(tx).in_shadow(payer, number, today(rooms.clock)):
                return Outcome()  # what lies there is another gateway's to fetch
        if (wait := breakers.shut(rooms.store, payer)) is not None:
            return Outcome(retry_in=wait)
        with breakers.visiting(rooms.store, payer) as visit, rooms.mailboxes.payer_returns(payer, number) as box:
            waiting = [file for file in box.waiting() if not is_unfinished(file.name)]
            visit.reached = True
            self._say_refused(endpoint, waiting)
            files = [file for file in waiting if file.refused is None]
            fetcher = _Fetcher(rooms, payer, number, box)
            fetcher.settle_removed({file.name for file in files})
            looks, rule = self._looks.setdefault(endpoint, Looks()), settings.returns_finished
            finished, again_in = looks.finished(files, rule, settings.settle_seconds, rooms.clock.monotonic())
            worked = sum(fetcher.guarded(file) for file in finished[:AT_ONCE])
        return Outcome(worked, 0.0 if len(finished) > AT_ONCE else again_in)

    def _say_refused(self, endpoint: str, waiting: Sequence[WaitingFile]) -> None:
        """What the payer left that is never taken is said once while this process lives: it is for a person to see."""
        refused = {file.name: file.refused for file in waiting if file.refused is not None}
        for name in sorted(refused.keys() - self._refused.get(endpoint, set())):
            log.warning("entry_refused", endpoint=endpoint, refused=refused[name])
        self._refused[endpoint] = set(refused)


def feed(rooms: Rooms, payer: str, number: str, source: Path, label: str) -> str | None:
    """Take a file that a person got elsewhere as if it had been fetched under this number, and leave it where it is;
    give the parcel's id, None when it is known already. `label`: its name, a label and never a path. Raises OSError,
    Gone when it changes meanwhile."""
    facts = source.stat()
    file = WaitingFile(label, facts.st_size, facts.st_mtime_ns, FED)
    given = _Given(source)
    with taken(given, file) as whole:
        with rooms.store.read() as tx:
            if parcels.known(tx, payer, number, label, whole.sha256) is not None:
                return None
        return _Fetcher(rooms, payer, number, given).keep(file, whole, fed=True)


class _Given:
    """A Pickup over one file, which stays where a person laid it."""

    def __init__(self, source: Path) -> None:
        self._source = source

    def waiting(self) -> list[WaitingFile]:
        return []

    def read(self, _file: WaitingFile, sink: BinaryIO) -> None:
        with self._source.open("rb") as source:
            while block := source.read(1 << 18):
                sink.write(block)

    def remove(self, _file: WaitingFile) -> None:
        """It is not ours to remove."""

    def close(self) -> None: ...


class _Fetcher:
    """One look at one number's return box."""

    def __init__(self, rooms: Rooms, payer: str, number: str, box: Pickup) -> None:
        self._rooms, self._payer, self._number, self._box = rooms, payer, number, box
        self._endpoint = lane(payer, number)

    def settle_removed(self, there: set[str]) -> None:
        """A parcel that is recorded and no longer lies there was removed just before we died."""
        with self._rooms.store.read() as tx:
            gone = [p.id for p in parcels.still_there(tx, self._payer, self._number) if p.name not in there]
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
        with taken(self._box, file) as whole:
            parcel_id = self.keep(file, whole)
        passing("receive.recorded")
        with suppress(Gone):  # another file took its name: what we recorded is away already
            self._box.remove(file)
        passing("receive.removed")
        self._removed(parcel_id)
        return 1

    def keep(self, file: WaitingFile, whole: Whole, *, fed: bool = False) -> str:
        """Archive and record; give the parcel's id. `fed`: by a person, and lying in no mailbox. The same
        name and bytes again, before they were removed, are the
        same parcel; after that the payer says it again, which may be the answer to a request sent again."""
        with self._rooms.store.read() as tx:
            known = parcels.known(tx, self._payer, self._number, file.name, whole.sha256)
        if known is not None and known.removed_at is None:
            return known.id
        parcel_id = known.id if known else new_id("COL")
        stored = None if known else self._rooms.archive.put(parcel_id, whole.stream)
        documents = list(self._documents(file, whole.stream, stored))
        passing("receive.archived")
        with self._rooms.store.write() as tx:
            if known is None:
                assert stored is not None
                self._record(tx, parcel_id, file, stored, documents, fed=fed)
            else:
                parcels.said_again(tx, known.id, len(documents))
            for document in documents:
                self._reply(tx, parcel_id, document)
            due.wake(tx, "match", self._endpoint)
        log.info("parcel_received", endpoint=self._endpoint, parcel=parcel_id, replies=len(documents))
        return parcel_id

    def _documents(self, file: WaitingFile, source: BinaryIO, stored: Stored | None) -> Iterator[_Document]:
        """One reply per document: the file itself, or each XML member of a ZIP."""
        source.seek(0)
        if is_archive(source):
            yield from self._members(file, source, stored)
        else:
            yield self._single(file, source, stored, None)

    def _single(self, file: WaitingFile, source: BinaryIO, stored: Stored | None, defect: str | None) -> _Document:
        """The parcel's own bytes as one reply. They are kept once, but for a parcel that came before."""
        reply_id = new_id("RET")
        source.seek(0)
        return _Document(reply_id, file.name, stored or self._rooms.archive.put(reply_id, source), defect)

    def _members(self, file: WaitingFile, source: BinaryIO, stored: Stored | None) -> Iterator[_Document]:
        found = members(source, file.name, self._limits())
        if found.findings:
            yield self._single(file, source, stored, "parcel_unreadable")
        for member in found.members:
            reply_id = new_id("RET")
            with open_member(source, member, spool()) as stream:
                yield _Document(reply_id, member.name, self._rooms.archive.put(reply_id, stream))

    def _limits(self) -> ArchiveLimits:
        config = self._rooms.config.gateway
        most = config.max_unpacked_bytes
        return ArchiveLimits(member_bytes=most, total_bytes=most, ratio=config.max_ratio)

    def _record(
        self, tx: Tx, parcel_id: str, file: WaitingFile, stored: Stored, documents: list[_Document], *, fed: bool
    ) -> None:
        parcel = Parcel(
            id=parcel_id,
            payer=self._payer,
            number=self._number,
            name=file.name,
            size=stored.size,
            sha256=stored.sha256,
            archive_ref=stored.ref,
            replies=len(documents),
            received_at=tx.now,
            removed_at=tx.now if fed else None,
        )
        parcels.add(tx, parcel)
        if fed:
            moves.note(tx, parcel, FED, {"number": self._number, "sha256": stored.sha256})

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
            parcels.removed(tx, parcel_id)
