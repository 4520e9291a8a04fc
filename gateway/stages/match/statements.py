"""Statements: every identity at hand must name the same agency, or a person looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.catalog import DocumentType
from gateway.clock import today
from gateway.models import Agency, Reply, Source, Statement
from gateway.platform import passing
from gateway.reading import StatementOfAccount, statement_disagrees
from gateway.registry import Book
from gateway.stages import Rooms
from gateway.stages.match.doubts import SAYS_AGAIN, Doubt, close
from gateway.stages.match.facts import statement_facts
from gateway.states import ReplyState
from gateway.store import Tx, chunks, due, invoices, moves, replies, statements

IN_ONE = 2000  # entries that go into the deciding transaction; more are staged before it, in pieces of this size
_ENVELOPE = re.compile(r"EC_([^_]*)_.*", re.IGNORECASE)  # EC_<transmission number>_<date>.zip


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who a statement belongs to, and where it goes."""

    agency: Agency
    source: Source


class Statements:
    """Settles statements of account."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def settle(self, reply: Reply, document: DocumentType, content: StatementOfAccount) -> None:
        """Match a statement, hold it, or put it aside. Raises StaleState when the reply moved since we looked."""
        with self._rooms.store.read() as tx:
            owner = self._decide(tx, reply, content)
            rows = [] if isinstance(owner, Doubt) else list(_rows(tx, reply, owner.agency, content))
        if not isinstance(owner, Doubt) and len(rows) > IN_ONE:
            self._stage(reply, rows)
            rows = []
        with self._rooms.store.write() as tx:
            owner = self._decide(tx, reply, content)  # asked again where nobody else can write
            if isinstance(owner, Doubt):
                statements.forget_entries(tx, reply.id)
                close(tx, reply, document, owner)
                return
            if rows:
                statements.forget_entries(tx, reply.id)
                statements.stage_entries(tx, rows)
            _apply(tx, reply, document, content, owner)
        passing("match.statement_matched")

    def _decide(self, tx: Tx, reply: Reply, content: StatementOfAccount) -> _Owner | Doubt:
        if reason := statement_disagrees(content):
            return Doubt(reason, {"statement": content.number})
        if doubt := _identities(tx, reply, content) or _known(tx, reply, content):
            return doubt
        return self._owner(Book.load(tx), reply, content)

    def _owner(self, book: Book, reply: Reply, content: StatementOfAccount) -> _Owner | Doubt:
        """The agency accredited for the account on the statement's date, which must hold the number that day."""
        detail = {"statement": content.number}
        answer = book.recipient(content.account, content.dated)
        if not answer.ok or answer.agency_id is None:
            return Doubt("statement_account", detail | {"code": answer.code})
        payer, number = reply.payer or "", reply.number or ""
        if book.holder(payer, number, content.dated) != answer.agency_id:
            return Doubt("statement_other_agency", detail)
        if book.holder(payer, number, today(self._rooms.clock)) not in (None, answer.agency_id):
            return Doubt("number_reassigned", detail)
        agency = book.agency(answer.agency_id)
        if self._needs_migration(content) and not book.agency_is(agency.id, "migrated", content.dated):
            return Doubt("statement_for_unmigrated", detail)
        sources = book.sources(agency.id)
        if not agency.active or not sources:
            return Doubt("agency_closed", detail)
        return _Owner(agency, sources[0])

    def _needs_migration(self, content: StatementOfAccount) -> bool:
        """Whether the statement's system is one that an agency must have migrated to: its family has that rule."""
        families = self._rooms.catalog.families.values()
        documents = [
            d for family in families if family.settings.get("system") == content.system for d in family.documents
        ]
        return any(rule.code == "AGENCY_NOT_MIGRATED" for document in documents for rule in document.rules)

    def _stage(self, reply: Reply, rows: list[dict[str, Any]]) -> None:
        """Entries of a large statement are written in pieces beforehand; they count once the statement's row exists."""
        with self._rooms.store.write() as tx:
            statements.forget_entries(tx, reply.id)
        for piece in chunks(rows, IN_ONE):
            with self._rooms.store.write() as tx:
                statements.stage_entries(tx, piece)
        passing("match.statement_staged")


def _identities(tx: Tx, reply: Reply, content: StatementOfAccount) -> Doubt | None:
    """The credential, the number inside and the number on the envelope are the same string."""
    if content.sender != reply.number:
        return Doubt("number_disagrees", {"statement": content.number})
    parcel = replies.parcel_of(tx, reply)
    envelope = _ENVELOPE.fullmatch(parcel.name) if parcel else None
    if envelope and envelope[1] != reply.number:
        return Doubt("envelope_disagrees", {"statement": content.number})
    return None


def _known(tx: Tx, reply: Reply, content: StatementOfAccount) -> Doubt | None:
    known = statements.known(tx, reply.payer or "", content.number)
    if known is None:
        return None
    first, sha256 = known
    same = sha256 == reply.sha256 and first.reply_id != reply.id
    return Doubt(SAYS_AGAIN if same else "statement_contradicts", {"first": first.reply_id})


def _rows(tx: Tx, reply: Reply, agency: Agency, content: StatementOfAccount) -> Iterator[dict[str, Any]]:
    """Entries, each beside the agency's invoice it is about. None: it did not come through us, which is normal."""
    payer = reply.payer or ""
    numbers = sorted({entry.payer_number for entry in content.entries if entry.payer_number})
    own = sorted({entry.number for entry in content.entries if entry.number})
    by_payer = invoices.by_payer_number(tx, payer, numbers, agency_id=agency.id)
    by_own = invoices.by_own_number(tx, agency.id, payer, own)
    for position, entry in enumerate(content.entries, 1):
        ours = by_payer.get(entry.payer_number or "") or (
            None if entry.payer_number else by_own.get(entry.number or "")
        )
        yield {
            "reply_id": reply.id,
            "position": position,
            "invoice_id": ours,
            "kind": entry.kind,
            "no_fact_ramq": entry.payer_number,
            "no_fact_ext": entry.number,
            "line": entry.line,
            "preliminary_cents": entry.preliminary_cents,
            "paid_cents": entry.paid_cents,
            "messages": [message.code for message in entry.messages],
        }


def _apply(tx: Tx, reply: Reply, document: DocumentType, content: StatementOfAccount, owner: _Owner) -> None:
    """The statement counts, and its reply is its agency's."""
    statements.record(
        tx,
        Statement(
            reply_id=reply.id,
            payer=reply.payer or "",
            no_etat_compte=content.number,
            dated=content.dated,
            period=content.period,
            mode=content.mode,
            system=content.system,
            account=content.account,
            agency_id=owner.agency.id,
            paid_cents=content.paid_cents,
            withheld_cents=content.withheld_cents,
            carried_in_cents=content.carried_in_cents,
            carried_out_cents=content.carried_out_cents,
            total_cents=content.total_cents,
            entries=len(content.entries),
        ),
    )
    moves.move(
        tx,
        reply,
        ReplyState.MATCHED,
        "matched",
        detail={"statement": content.number},
        kind="statement",
        agency_id=owner.agency.id,
        source_id=owner.source.id,
        key=content.number,
        format=document.family,
        document=document.name,
        format_version=document.version,
        facts=statement_facts(content),
    )
    due.wake(tx, "distribute", owner.source.id)
