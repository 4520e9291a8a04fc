"""What a former agency gets of a statement that is no longer its own: its own entries, and nothing of anybody else."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.archive import Archive, Stored
from gateway.identifiers import new_id
from gateway.models import Reply
from gateway.reading import StatementOfAccount, details
from gateway.registry import Book
from gateway.stages.match.shares import Shares
from gateway.states import ReplyState
from gateway.store import Tx, due, moves


@dataclass(frozen=True, slots=True)
class Extract:
    """One former agency's entries, archived; a reply of its own once the statement counts."""

    reply_id: str
    agency_id: str
    source_id: str
    stored: Stored
    facts: dict[str, Any]


def extracts(
    archive: Archive, book: Book, recipient: str, content: StatementOfAccount, shares: Shares
) -> tuple[list[Extract], list[str]]:
    """The extracts to give, and the former agencies that can be given nothing any more."""
    made: list[Extract] = []
    closed: list[str] = []
    for agency_id, positions in sorted(shares.former(recipient).items()):
        sources = book.sources(agency_id)
        if not sources or not book.agency(agency_id).active:
            closed.append(agency_id)
            continue
        facts = extract_facts(content, positions)
        whole = facts | details(_only(content, positions), most=None)
        reply_id = new_id("RET")
        stored = archive.put(reply_id, io.BytesIO(json.dumps(whole, ensure_ascii=False).encode()))
        made.append(Extract(reply_id, agency_id, sources[0].id, stored, facts))
    return made, closed


def extract_facts(content: StatementOfAccount, positions: Sequence[int]) -> dict[str, Any]:
    """What is said above an extract: which statement it is from, and its own totals. Not the number the statement was
    fetched under, nor any sum of the whole."""
    entries = [content.entries[position - 1] for position in positions]
    return {
        "extract": True,
        "number": content.number,
        "dated": content.dated.isoformat(),
        "period": content.period,
        "mode": content.mode,
        "system": content.system,
        "account": content.account,
        "entries_total": len(entries),
        "total_cents": sum(entry.paid_cents for entry in entries),
    }


def owe(tx: Tx, payer: str, extract: Extract) -> None:
    """The extract is owed: born MATCHED, and its source woken."""
    reply = Reply(
        id=extract.reply_id,
        kind="extract",
        state=ReplyState.MATCHED,
        payer=payer,
        agency_id=extract.agency_id,
        source_id=extract.source_id,
        key=extract.facts["number"],
        name=f"{extract.facts['number']}.json",
        size=extract.stored.size,
        sha256=extract.stored.sha256,
        archive_ref=extract.stored.ref,
        facts=extract.facts,
        created_at=tx.now,
    )
    moves.born(tx, reply, "extract")
    due.wake(tx, "distribute", extract.source_id)


def _only(content: StatementOfAccount, positions: Sequence[int]) -> StatementOfAccount:
    return replace(content, entries=tuple(content.entries[position - 1] for position in positions))
