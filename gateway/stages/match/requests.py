"""Receivability: a reply finds the request it answers, and gives its invoices their verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.catalog import DocumentType
from gateway.clock import local
from gateway.models import Reply, Request
from gateway.platform import passing
from gateway.reading import Receivability, read, reply_disagrees, same_result
from gateway.registry import Book
from gateway.registry.evidence import observe
from gateway.stages import Rooms
from gateway.stages.match.doubts import SAYS_AGAIN, Doubt, close
from gateway.stages.match.facts import receivability_facts
from gateway.stages.match.pairs import Pairs, line_rows, lines, new_numbers, pair_up, unlike, verdicts
from gateway.stages.match.sight import stem
from gateway.states import ReplyState, RequestState
from gateway.store import Tx, attempts, chunks, due, invoices, moves, replies, requests, retention

IN_ONE = 2000  # lines that go into the deciding transaction; more are staged before it, in pieces of this size
SOON = 1.0  # seconds between looks at a request that is still being transmitted
_ANSWERED = (RequestState.RECEIVABLE, RequestState.NOT_RECEIVABLE)
_AT_THE_PAYER = (RequestState.TRANSMITTING, RequestState.TRANSMITTED, RequestState.SHADOWED)
_NOT_AT_THE_PAYER = (RequestState.READY, RequestState.HELD)


@dataclass(frozen=True, slots=True)
class _Match:
    """A reply and the request it answers."""

    reply: Reply
    document: DocumentType
    content: Receivability
    request: Request
    pairs: Pairs


class Requests:
    """Settles replies to requests."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def settle(self, reply: Reply, document: DocumentType, content: Receivability) -> float | None:
        """Match a reply, hold it, or put it aside. Seconds to wait when its request is still being transmitted.
        Raises StaleState when reply or request moved since we looked."""
        found = self._decide(reply, document, content)
        if isinstance(found, Doubt):
            with self._rooms.store.write() as tx:
                close(tx, reply, document, found)
            return None
        if self._leased(found.request):
            return SOON
        self._stage(found)
        with self._rooms.store.write() as tx:
            self._apply(tx, found)
        passing("match.matched")
        return None

    def _decide(self, reply: Reply, document: DocumentType, content: Receivability) -> _Match | Doubt:
        with self._rooms.store.read() as tx:
            request = _find(tx, reply, content)
            if isinstance(request, Doubt):
                return request
            if request.state in _ANSWERED:
                first = replies.answered_by(tx, request.id)
            else:
                pairs = self._pairs(tx, request, document, content)
                return pairs if isinstance(pairs, Doubt) else _Match(reply, document, content, request, pairs)
        return self._again(request, first, reply, content)

    def _pairs(self, tx: Tx, request: Request, document: DocumentType, content: Receivability) -> Pairs | Doubt:
        """What the reply says of each submission of the request, or why it cannot be about them."""
        detail = {"request": request.id}
        version = request.format_version
        asked = self._rooms.catalog.document(request.format or "", request.document or "", version=version)
        if (asked.family, asked.reply) != (document.family, document.name):
            return Doubt("reply_of_another_kind", detail)
        if reason := reply_disagrees(content):
            return Doubt(reason, detail)
        pairs = pair_up(invoices.submissions(tx, request.id), content)
        if isinstance(pairs, Doubt):
            return Doubt(pairs.reason, detail)
        if reason := unlike(pairs, document):
            return Doubt(reason, detail)
        numbers = new_numbers(pairs)
        taken = invoices.by_payer_number(tx, request.payer or "", numbers)
        if any(numbers[number] != invoice for number, invoice in taken.items()):
            return Doubt("payer_number_taken", detail)
        return pairs

    def _again(self, request: Request, first: Reply | None, reply: Reply, content: Receivability) -> Doubt:
        """A second answer to a request: the same results say nothing new, others are for a person."""
        detail = {"request": request.id, "first": first.id if first else None}
        if first is None or first.archive_ref is None:
            return Doubt("reply_contradicts", detail)
        same = first.sha256 == reply.sha256 or self._says_the_same(first, content)
        return Doubt(SAYS_AGAIN if same else "reply_contradicts", detail)

    def _says_the_same(self, first: Reply, content: Receivability) -> bool:
        """Not where the first answer's bytes were purged since: nobody can tell any more."""
        day, version = local(first.created_at).date(), first.format_version
        known = self._rooms.catalog.document(first.format or "", first.document or "", day, version=version)
        with self._rooms.store.read() as tx:
            if retention.known(tx, [first.id]):
                return False
        with self._rooms.archive.open(first.archive_ref or "") as source:
            before = read(source, known)
        return isinstance(before, Receivability) and same_result(before, content)

    def _leased(self, request: Request) -> bool:
        until = request.lease_until
        return request.state == RequestState.TRANSMITTING and until is not None and until > self._rooms.clock.now()

    def _stage(self, found: _Match) -> None:
        """Lines of a large reply are written in pieces beforehand; they count once the request has its verdict."""
        if lines(found.pairs) <= IN_ONE:
            return
        with self._rooms.store.write() as tx:
            invoices.forget_lines(tx, found.request.id)
        for piece in chunks(line_rows(found.request.id, found.pairs), IN_ONE):
            with self._rooms.store.write() as tx:
                invoices.add_lines(tx, piece)
        passing("match.staged")

    def _apply(self, tx: Tx, found: _Match) -> None:
        """Everything a reply changes, at once."""
        request, content = found.request, found.content
        if lines(found.pairs) <= IN_ONE:
            invoices.forget_lines(tx, request.id)
            invoices.add_lines(tx, line_rows(request.id, found.pairs))
        _prove(tx, request, found.reply)
        invoices.apply(tx, request, verdicts(found.pairs))
        to = RequestState.RECEIVABLE if content.receivable else RequestState.NOT_RECEIVABLE
        said = {"reply": found.reply.id}
        moves.move(tx, request, to, "answered", detail=said, answer_by=None, next_try_at=None, holds=[])
        if content.receivable and request.account and request.transmitted_at:
            where = (request.account, request.payer or "", request.number or "", local(request.transmitted_at).date())
            observe(tx, Book.load(tx), request.id, *where)
        moves.move(
            tx,
            found.reply,
            ReplyState.MATCHED,
            "matched",
            detail={"request": request.id},
            kind="receivability",
            agency_id=request.agency_id,
            source_id=request.source_id,
            request_id=request.id,
            batch_id=request.batch_id,
            key=request.no_dem_ext or request.id,
            format=found.document.family,
            document=found.document.name,
            format_version=found.document.version,
            facts=receivability_facts(request, content),
        )
        due.wake(tx, "distribute", request.source_id)
        requests.wake_lane(tx, request)  # a modification may have waited for this


def _find(tx: Tx, reply: Reply, content: Receivability) -> Request | Doubt:
    """The request, by the credential that fetched the reply and the number it echoes; else by the reply's name."""
    payer, number = reply.payer or "", reply.number or ""
    if content.sender not in (None, number):
        return Doubt("number_disagrees")
    named = replies.requests_named(tx, payer, number, stem(reply.name))
    found = named
    if content.request_number is not None:
        found = replies.requests_numbered(tx, payer, number, content.request_number)
        if named and not {request.id for request in named} & {request.id for request in found}:
            return Doubt("name_disagrees")
    if not found:
        return Doubt("request_unknown")
    one = _the_one(found)
    if isinstance(one, Request) and _may_be_anothers(one, found, content):
        return Doubt("request_ambiguous", {"requests": [request.id for request in found]})
    return one


def _the_one(found: list[Request]) -> Request | Doubt:
    """Among requests with one number: the one that waits for an answer, else the newest that has one. A request that
    was never tried cannot have an answer."""
    waiting = [r for r in found if r.state in _AT_THE_PAYER or (r.state in _NOT_AT_THE_PAYER and r.attempts > 0)]
    if len(waiting) > 1:
        return Doubt("request_ambiguous", {"requests": [request.id for request in waiting]})
    answered = [request for request in found if request.state in _ANSWERED]
    if not waiting and not answered:
        return Doubt("request_not_sent", {"requests": [request.id for request in found]})
    return (waiting or answered)[0]


def _may_be_anothers(one: Request, found: list[Request], content: Receivability) -> bool:
    """Whether a number that changed hands lets this be what an earlier holder was told, said again. The payer's own
    numbers would tell: no two invoices share one."""
    if any(invoice.payer_number for invoice in content.invoices):
        return False
    same = RequestState.RECEIVABLE if content.receivable else RequestState.NOT_RECEIVABLE
    return any(other.agency_id != one.agency_id and other.state == same for other in found)


def _prove(tx: Tx, request: Request, reply: Reply) -> None:
    """A reply proves that an attempt of unclear outcome arrived."""
    while attempt := attempts.unfinished(tx, request.id):
        attempts.end(tx, attempt.id, "delivered")
    if request.state in (RequestState.READY, RequestState.TRANSMITTING):
        detail, sent = {"reply": reply.id}, request.transmitted_at or tx.now
        moves.move(tx, request, RequestState.TRANSMITTED, "reply_proves_it", detail=detail, transmitted_at=sent)
