"""Statements: one owner, its entries shared out, and an extract for who held the account before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.catalog import DocumentType
from gateway.errors import StaleState
from gateway.models import Reply, Statement
from gateway.platform import passing
from gateway.reading import StatementOfAccount
from gateway.registry import Book
from gateway.stages import Rooms
from gateway.stages.match.doubts import Doubt, close
from gateway.stages.match.extracts import Extract, extracts, owe
from gateway.stages.match.facts import statement_facts
from gateway.stages.match.ownership import Owner, Ownership
from gateway.stages.match.shares import Shares, entry_rows, share_out
from gateway.states import ReplyState
from gateway.store import Tx, chunks, due, moves, statements

IN_ONE = 2000  # entries that go into the deciding transaction; more are staged before it, in pieces of this size
_LISTED = 20  # positions of entries kept in an event's detail


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written once the statement counts."""

    owner: Owner
    shares: Shares
    extracts: list[Extract]
    closed: list[str]  # former agencies that can be given nothing any more


class Statements:
    """Settles statements of account."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms, self._ownership = rooms, Ownership(rooms)

    def settle(self, reply: Reply, document: DocumentType, content: StatementOfAccount) -> None:
        """Match a statement, hold it, or put it aside. Raises StaleState when the reply or the registry moved since we
        looked."""
        plan = self._planned(reply, content)
        rows: list[dict[str, Any]] = []
        if not isinstance(plan, Doubt):
            written = entry_rows(reply.id, content, plan.shares)
            if len(content.entries) > IN_ONE:
                self._stage(reply, written)
            else:
                rows = list(written)
        with self._rooms.store.write() as tx:
            owner = self._ownership.decide(tx, Book.load(tx), reply, content)  # where nobody else can write
            if isinstance(owner, Doubt) or isinstance(plan, Doubt):
                statements.forget_entries(tx, reply.id)
                close(tx, reply, document, _doubt(owner, plan))
                self._ownership.observe(tx, reply, content)
                return
            if owner != plan.owner:
                raise StaleState(f"the registry changed while {reply.id} was read")
            if rows:
                statements.forget_entries(tx, reply.id)
                statements.stage_entries(tx, rows)
            _apply(tx, reply, document, content, plan)
            self._ownership.observe(tx, reply, content)
        passing("match.statement_matched")

    def _planned(self, reply: Reply, content: StatementOfAccount) -> _Plan | Doubt:
        with self._rooms.store.read() as tx:
            book = Book.load(tx)
            owner = self._ownership.decide(tx, book, reply, content)
            if isinstance(owner, Doubt):
                return owner
            shares = share_out(tx, book, reply.payer or "", owner.agency_id, content)
        if shares.strangers:
            detail = {"statement": content.number, "positions": list(shares.strangers[:_LISTED])}
            return Doubt("statement_entry_stranger", detail | {"entries": len(shares.strangers)})
        # After the look at the database: what is archived gets a data key, which is written there.
        return _Plan(owner, shares, *extracts(self._rooms.archive, book, owner.agency_id, content, shares))

    def _stage(self, reply: Reply, rows: Iterator[dict[str, Any]]) -> None:
        """Entries of a large statement are written in pieces beforehand; they count once the statement's row exists."""
        with self._rooms.store.write() as tx:
            statements.forget_entries(tx, reply.id)
        for piece in chunks(rows, IN_ONE):
            with self._rooms.store.write() as tx:
                statements.stage_entries(tx, piece)
        passing("match.statement_staged")


def _doubt(now: Owner | Doubt, before: _Plan | Doubt) -> Doubt:
    """The doubt of the moment of writing; else the one its entries gave."""
    if isinstance(now, Doubt):
        return now
    assert isinstance(before, Doubt)
    return before


def _apply(tx: Tx, reply: Reply, document: DocumentType, content: StatementOfAccount, plan: _Plan) -> None:
    """The statement counts, and its reply is its agency's; each former agency is owed its extract."""
    owner = plan.owner
    statements.record(tx, _row(reply, content, owner))
    moves.move(
        tx,
        reply,
        ReplyState.MATCHED,
        "matched",
        detail=_told(content, plan),
        kind="statement",
        agency_id=owner.agency_id,
        source_id=owner.source_id,
        key=content.number,
        format=document.family,
        document=document.name,
        format_version=document.version,
        facts=statement_facts(content) | ({"on_paper": owner.reasons[0].public()} if owner.on_paper else {}),
    )
    for extract in plan.extracts:
        owe(tx, reply.payer or "", extract)
    due.wake(tx, "distribute", owner.source_id)


def _row(reply: Reply, content: StatementOfAccount, owner: Owner) -> Statement:
    return Statement(
        reply_id=reply.id,
        payer=reply.payer or "",
        no_etat_compte=content.number,
        dated=content.dated,
        period=content.period,
        mode=content.mode,
        system=content.system,
        account=content.account,
        agency_id=owner.agency_id,
        paid_cents=content.paid_cents,
        withheld_cents=content.withheld_cents,
        carried_in_cents=content.carried_in_cents,
        carried_out_cents=content.carried_out_cents,
        total_cents=content.total_cents,
        entries=len(content.entries),
    )


def _told(content: StatementOfAccount, plan: _Plan) -> dict[str, Any]:
    """For the chain of events: why it is this agency's, and who was given a part."""
    told: dict[str, Any] = {
        "statement": content.number,
        "reasons": [reason.public() for reason in (*plan.owner.reasons, *plan.owner.warnings)],
    }
    if plan.extracts:
        told["extracts"] = [extract.reply_id for extract in plan.extracts]
    return told | ({"no_extract_for": plan.closed} if plan.closed else {})
