"""One round to one source: each reply rendered and archived, intended, delivered; and what each error means for it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import structlog

from gateway.clock import today
from gateway.errors import Denied, InDoubt, StaleState, StoreError, TransportError, Unreachable
from gateway.models import Agency, Distribution, Reply, Source
from gateway.platform import passing
from gateway.ports import Delivery, Receipt
from gateway.registry import Book
from gateway.registry.recipient import is_owed
from gateway.retry import WAITS, wait_before
from gateway.stages import Rooms
from gateway.stages.distribute.artefacts import Artefact, render, rows
from gateway.stages.distribute.paper import envelope, to_print
from gateway.states import ReplyState
from gateway.store import Tx, attempts, moves, replies

_NO_NUMBER = "00000"  # in the name of what goes to an agency that holds no number today

log = structlog.get_logger()


class NoLongerOwed(TransportError):
    """The registry was corrected after the reply was matched: a person must look."""

    code = "no_longer_owed"


class Courier:
    """One round to one source. `barred`: its returns cannot be entered now; the rest of the round is off."""

    def __init__(self, rooms: Rooms, book: Book, source: Source, boxes: ExitStack) -> None:
        self._rooms, self._book, self._source, self._boxes = rooms, book, source, boxes
        self._box: Delivery | None = None
        self.barred = False

    def guarded(self, reply: Reply) -> int:
        """Deliver one reply; what is wrong with it stops no other. 1 when it came to rest."""
        try:
            if reply.agency_id != self._source.agency_id:  # never, by our own hand: and then nobody gets it
                raise StaleState(f"{reply.id} is not owed to the agency of {self._source.id}")
            artefacts = self._prepare(reply)
            self._intend(reply, artefacts)
            return self._try(reply, artefacts)
        except StaleState:
            log.info("moved_meanwhile", reply=reply.id)
        except Exception as problem:  # isolation: it stays MATCHED, and the next look tries again
            log.error("distribution_failed", reply=reply.id, error=type(problem).__name__)
        return 0

    def _try(self, reply: Reply, artefacts: list[Distribution]) -> int:
        """One try at a reply we took. Nobody answered: later again, and `look` will tell what arrived. Refused: a
        person must look."""
        try:
            self._deliver(reply, artefacts)
        except (TransportError, StoreError) as problem:
            if isinstance(problem, StaleState):
                raise
            code = getattr(problem, "code", "broken")
            log.warning("distribution_refused", reply=reply.id, source=self._source.id, error=code)
            self.barred = isinstance(problem, (Unreachable, InDoubt, Denied))
            if isinstance(problem, (Unreachable, InDoubt, StoreError)):
                return self._back(reply, code)
            return self._hold(reply, code)
        return 1

    def _prepare(self, reply: Reply) -> list[Distribution]:
        """What is to be delivered: rendered and archived once, and on record before anything leaves."""
        with self._rooms.store.read() as tx:
            known = replies.distributions(tx, reply.id)
        if known:
            return known
        agency = self._book.agency(self._source.agency_id)
        made = self._made(reply, agency)
        passing("distribute.rendered")
        number = reply.number or self._book.first_number(agency.id, today(self._rooms.clock)) or _NO_NUMBER
        with self._rooms.store.write() as tx:
            if known := replies.distributions(tx, reply.id):
                return known  # another worker's: this one was asleep while it rendered
            artefacts = rows(tx, reply, made, number)
            replies.add(tx, *artefacts)
        passing("distribute.recorded")
        return artefacts

    def _made(self, reply: Reply, agency: Agency) -> list[Artefact]:
        archive, catalog = self._rooms.archive, self._rooms.catalog
        if "on_paper" in reply.facts:
            return to_print(archive, catalog, reply, envelope(self._book, agency, reply.facts))
        return render(archive, catalog, reply, agency.language)

    def _intend(self, reply: Reply, artefacts: list[Distribution]) -> None:
        """Take the reply, and write down every try before its first byte leaves."""
        seconds, number = self._rooms.config.gateway.lease_seconds, reply.attempts + 1
        owner = self._rooms.worker
        with self._rooms.store.write() as tx:
            fence = moves.take(
                tx, reply, ReplyState.DISTRIBUTING, "distributing", owner=owner, seconds=seconds, attempts=number
            )
            for a in artefacts:
                if a.delivered_at is None:
                    attempts.begin(
                        tx, a.id, number=number, name=a.name, size=a.size, sha256=a.sha256, owner=owner, fence=fence
                    )
        passing("distribute.intended")

    def _deliver(self, reply: Reply, artefacts: list[Distribution]) -> None:
        for artefact in artefacts:
            if artefact.delivered_at is None:
                receipt = self._put(reply, artefact)
                passing("distribute.sent")
                self._delivered(reply, artefact, receipt)
                passing("distribute.delivered")
        with self._rooms.store.write() as tx:
            moves.move(tx, reply, ReplyState.DISTRIBUTED, "delivered", next_try_at=None)
        passing("distribute.distributed")
        log.info("reply_distributed", reply=reply.id, source=self._source.id, artefacts=len(artefacts))

    def _into(self, reply: Reply) -> Delivery:
        """The source's returns; the print queue for what its agency cannot or shall not get otherwise."""
        if "on_paper" in reply.facts:
            return self._boxes.enter_context(self._rooms.mailboxes.print_queue())
        if self._box is None:
            self._box = self._boxes.enter_context(self._rooms.mailboxes.returns(self._source))
        return self._box

    def _put(self, reply: Reply, artefact: Distribution) -> Receipt:
        box = self._into(reply)
        there = box.look(artefact.name, artefact.size, artefact.sha256)
        if there is not None:
            return there
        with self._rooms.archive.open(artefact.archive_ref) as source:
            return box.send(artefact.name, source, artefact.size, artefact.sha256, lambda: self._still_ours(reply))

    def _still_ours(self, reply: Reply) -> None:
        """Between the last byte and the rename: nobody took the reply meanwhile (raises StaleState), and the registry
        still says that its agency is owed it (raises NoLongerOwed)."""
        with self._rooms.store.write() as tx:
            if not is_owed(Book.load(tx), reply):
                raise NoLongerOwed(f"{reply.id} is not owed to {reply.agency_id} any more")
            if reply.lease_until is None or reply.lease_until <= tx.now:
                raise StaleState(f"the lease of {reply.id} ended")
            moves.renew(tx, reply, seconds=self._rooms.config.gateway.lease_seconds)

    def _delivered(self, reply: Reply, artefact: Distribution, receipt: Receipt) -> None:
        with self._rooms.store.write() as tx:
            moves.renew(tx, reply, seconds=self._rooms.config.gateway.lease_seconds)
            replies.delivered(tx, artefact.id)
            if (attempt := attempts.unfinished(tx, artefact.id)) is not None:
                attempts.end(tx, attempt.id, "already_there" if receipt.already else "delivered", receipt)

    def _back(self, reply: Reply, reason: str) -> int:
        with self._rooms.store.write() as tx:
            end_open(tx, reply, reason)
            later = tx.now + wait_before(reply.attempts)
            moves.move(tx, reply, ReplyState.MATCHED, reason, next_try_at=later)
            if self.barred:
                replies.put_off(tx, self._source.id, later)
        return 0

    def _hold(self, reply: Reply, reason: str) -> int:
        with self._rooms.store.write() as tx:
            end_open(tx, reply, reason)
            moves.move(tx, reply, ReplyState.HELD, reason)
            if self.barred:  # one wrong password costs one attempt an hour, not one for each reply
                replies.put_off(tx, self._source.id, tx.now + timedelta(seconds=WAITS[-1]))
        return 1


def end_open(tx: Tx, reply: Reply, outcome: str) -> None:
    """Write down how the tries at a reply's artefacts ended whose outcome is still open."""
    for artefact in replies.distributions(tx, reply.id):
        if (attempt := attempts.unfinished(tx, artefact.id)) is not None:
            attempts.end(tx, attempt.id, outcome)
