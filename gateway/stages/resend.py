"""Sends again, by a person's decision, what a payer found receivable and put on no statement within its wait.

A new lot is made of those invoices alone, with new numbers of request and invoices, linked to the request it replaces;
the stages take it from there like any lot. The bytes of each invoice but its number stay as its software made them.
What is made is judged, and compared with what was sent, before it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from gateway import salvage
from gateway.catalog import DocumentType, Locator
from gateway.clock import today
from gateway.deadlines import Risk, ranked
from gateway.errors import CatalogError, GatewayError
from gateway.identifiers import new_id
from gateway.messages import Both, both
from gateway.models import Batch, Request
from gateway.report import InvoiceIndex
from gateway.salvage import Anatomy, Sums
from gateway.sealing.spool import spool
from gateway.stages import Rooms
from gateway.states import BatchState, RequestState
from gateway.store import Tx, due, moves, requests
from gateway.store import deadlines as rows
from gateway.store import salvage as lineage


class NotSentAgainError(GatewayError):
    """It cannot be sent again, and why."""

    def __init__(self, why: Both) -> None:
        super().__init__(" / ".join(why.values()))
        self.both = why


@dataclass(frozen=True, slots=True)
class Again:
    """What is sent again: the request, its invoices by ordinal, and their new numbers."""

    request: Request
    ordinals: Sequence[int]
    sent: Sequence[rows.Sent]
    number: str
    numbers: Sequence[str]
    source: str  # the agency's source the lot counts as


def send_again(rooms: Rooms, request_id: str, *, reason: str) -> str:
    """Make the new lot; give its id. Raises NotSentAgainError."""
    with rooms.store.read() as tx:
        again = planned(tx, rooms, request_id)
    document = _document(rooms, again.request)
    with spool() as out:
        _write(rooms, document, again, out)
        _compare(rooms, again, out)
        lot = new_id("LOT")
        out.seek(0)
        stored = rooms.archive.put(lot, out)
    with rooms.store.write() as tx:
        if rows.replacing(tx, [request_id]) or rows.unpaid(tx, request_id) != list(again.ordinals):
            raise NotSentAgainError(both("resend.changed", request=request_id))
        batch = Batch(
            id=lot,
            agency_id=again.request.agency_id,
            source_id=again.source,
            name=f"{again.number}.xml",
            size=stored.size,
            sha256=stored.sha256,
            archive_ref=stored.ref,
            state=BatchState.COLLECTED,
            replaces=request_id,
            received_at=tx.now,
        )
        moves.born(tx, batch, "sent_again", {"said": reason, "replaces": request_id, "invoices": len(again.ordinals)})
        due.wake(tx, "validate", batch.agency_id)
    return lot


def planned(tx: Tx, rooms: Rooms, request_id: str) -> Again:
    """What `send_again` would send now; changes nothing. Raises NotSentAgainError."""
    request = requests.get(tx, request_id)
    if request is None or request.state != RequestState.RECEIVABLE or request.action != "new":
        raise NotSentAgainError(both("resend.not_receivable", request=request_id))
    if other := rows.replacing(tx, [request_id]).get(request_id):
        raise NotSentAgainError(both("resend.already", request=request_id, other=other))
    risks = ranked(rows.open_invoices(tx, of=request_id), rooms.catalog, today(rooms.clock))
    waiting = [risk for risk in risks if risk.of.standing == "receivable"]
    if not waiting:
        raise NotSentAgainError(both("resend.nothing", request=request_id))
    _waited(waiting[0], request_id)
    sent = rows.sent(tx, request_id)
    numbers = _numbers(tx, request, _document(rooms, request), sent)
    number = salvage.next_number(
        request.no_dem_ext or "",
        given=lambda _: request.replaces is not None,
        used=lambda name: lineage.used(tx, request.agency_id, name),
    )
    return Again(request, [one.ordinal for one in sent], sent, number, numbers, request.source_id)


def _waited(risk: Risk, request_id: str) -> None:
    if not risk.waited:
        raise NotSentAgainError(both("resend.too_early", request=request_id, day=risk.again_from or "–"))


def _numbers(tx: Tx, request: Request, document: DocumentType, sent: Sequence[rows.Sent]) -> list[str]:
    """A number for each invoice that its agency has never used. Raises NotSentAgainError."""
    taken: set[str] = set()
    while True:
        try:
            made = _proposed(request, document, sent, taken)
        except ValueError as error:
            raise NotSentAgainError(both("resend.not_renumbered", request=request.id)) from error
        if not (known := rows.numbers_used(tx, request.agency_id, made)):
            return made
        taken |= known


def _proposed(request: Request, document: DocumentType, sent: Sequence[rows.Sent], taken: set[str]) -> list[str]:
    made: dict[str, None] = {}
    ours = request.replaces is not None  # then its numbers are of this kind already
    joined = len(_locator(document)) > 1

    def used(number: str) -> bool:
        return number in taken or number in made

    for one in sent:
        old = one.number or ""
        new = salvage.next_last(old, used=used) if joined else salvage.next_number(old, given=lambda _: ours, used=used)
        made[new] = None
    return list(made)


def _locator(document: DocumentType) -> Locator:
    return document.invoice.fields.get("number", ()) if document.invoice else ()


def _document(rooms: Rooms, request: Request) -> DocumentType:
    try:
        return rooms.catalog.document(request.format or "", request.document or "", version=request.format_version)
    except CatalogError as error:
        raise NotSentAgainError(both("resend.not_renumbered", request=request.id)) from error


def _write(rooms: Rooms, document: DocumentType, again: Again, target: BinaryIO) -> None:
    """The document of those invoices alone, with the new numbers. Raises NotSentAgainError."""
    refusal = NotSentAgainError(both("resend.not_renumbered", request=again.request.id))
    amounts = [one.amount_cents for one in again.sent]
    known = [amount for amount in amounts if amount is not None]
    sums = Sums(len(again.sent), sum(known) if len(known) == len(amounts) else None)
    with rooms.archive.open(again.request.archive_ref) as source, spool() as less:
        anatomy = salvage.dissect(source, document)
        if anatomy is None:
            raise refusal
        away = set(range(1, len(anatomy.begins) + 1)) - set(again.ordinals)
        salvage.cut(source, anatomy, away, sums, less, number=again.number)
        kept = salvage.dissect(less, document)
        if kept is None or len(kept.begins) != len(again.sent):
            raise refusal
        try:
            _renumber(less, kept, document, again, target)
        except ValueError as error:
            raise refusal from error


def _renumber(source: BinaryIO, anatomy: Anatomy, document: DocumentType, again: Again, target: BinaryIO) -> None:
    """Copy, with each invoice's number written over. Raises ValueError where one is not written plainly, once."""
    locator = _locator(document)
    at = 0
    source.seek(0)
    for begin, end, one, number in zip(anatomy.begins, anatomy.ends, again.sent, again.numbers, strict=True):
        target.write(source.read(begin - at))
        invoice = source.read(end - begin).decode(anatomy.encoding)
        target.write(salvage.written_over(invoice, locator, one.number or "", number).encode(anatomy.encoding))
        at = end
    target.write(source.read())


def _compare(rooms: Rooms, again: Again, made: BinaryIO) -> None:
    """What was made says the same of each invoice as what was sent, but for its number. Raises NotSentAgainError."""
    found: list[InvoiceIndex] = []
    made.seek(0)
    report = rooms.judge(again.request.agency_id, made, f"{again.number}.xml", on=today(rooms.clock), sink=found.append)
    same = [(one.practice, one.first_service, one.last_service, one.lines, one.amount_cents) for one in again.sent]
    now = [(one.practice, one.first_service, one.last_service, one.lines, one.amount_cents) for one in found]
    numbers = [one.number for one in found]
    keyed = _document(rooms, again.request).key_prefix is not None  # its key is of its bytes: it bears none
    named = keyed or report.index.request_number == again.number
    if not named or numbers != list(again.numbers) or now != same:
        raise NotSentAgainError(both("resend.not_renumbered", request=again.request.id))
