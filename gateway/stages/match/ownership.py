"""Whose a statement is: every identity at hand must name the same agency, or a person looks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.clock import today
from gateway.identifiers import TRANSMISSION_NUMBER
from gateway.models import Reply
from gateway.reading import StatementOfAccount, statement_disagrees
from gateway.registry import Book, Reason, Recipient, statement_recipient
from gateway.registry.evidence import observe
from gateway.stages import Rooms
from gateway.stages.match.doubts import SAYS_AGAIN, Doubt
from gateway.store import Tx, parcels, statements

_ENVELOPE = re.compile(r"EC_([^_]*)_.*", re.IGNORECASE)  # EC_<transmission number>_<date>.zip
# What the registry may know tomorrow: statements held for it are asked about again.
ASKED = frozenset(
    {
        "statement_account",
        "statement_contradictory",
        "statement_other_agency",
        "statement_for_unmigrated",
        "statement_on_paper",
        "statement_entry_stranger",
        "number_reassigned",
        "agency_closed",
    }
)
_CONTRADICTORY = frozenset({"STATEMENT_TWO_AGENCIES", "STATEMENT_COORDINATES_DISAGREE"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a statement belongs to, where it goes, and why."""

    agency_id: str
    source_id: str
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...] = ()
    on_paper: bool = False


class Ownership:
    """Decides about statements; asked before anything is written, and again where nobody else can write."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def decide(self, tx: Tx, book: Book, reply: Reply, content: StatementOfAccount) -> Owner | Doubt:
        """The one owner, or why nobody gets it."""
        if reason := statement_disagrees(content):
            return Doubt(reason, {"statement": content.number})
        if doubt := _identities(tx, reply, content) or _known(tx, reply, content):
            return doubt
        return self._owner(book, reply, content)

    def _owner(self, book: Book, reply: Reply, content: StatementOfAccount) -> Owner | Doubt:
        """The agency accredited for the account on the statement's date, which must hold the number that day."""
        window = timedelta(days=self._rooms.config.gateway.switch_days)
        answer = statement_recipient(
            book, content.account, content.dated, migrated_only=self._needs_migration(content), window=window
        )
        detail = _told(book, content, answer)
        if answer.agency_id is None:
            contradictory = answer.reasons[0].code in _CONTRADICTORY
            return Doubt("statement_contradictory", detail) if contradictory else Doubt("statement_account", detail)
        payer, number = reply.payer or "", reply.number or ""
        if book.holder(payer, number, content.dated) != answer.agency_id:
            return Doubt("statement_other_agency", detail)
        if book.holder(payer, number, today(self._rooms.clock)) not in (None, answer.agency_id):
            return Doubt("number_reassigned", detail)
        on_paper = answer.route == "paper"
        if on_paper and not self._rooms.config.gateway.print_queue:
            asked = answer.reasons[0].code == "STATEMENT_ON_PAPER"
            return Doubt("statement_on_paper", detail) if asked else Doubt("statement_for_unmigrated", detail)
        sources = book.sources(answer.agency_id)
        if not book.agency(answer.agency_id).active or not sources:
            return Doubt("agency_closed", detail)
        return Owner(answer.agency_id, sources[0].id, answer.reasons, answer.warnings, on_paper)

    def observe(self, tx: Tx, reply: Reply, content: StatementOfAccount) -> None:
        """That it came under this number says something of the account: what the registry does not say is proposed.
        Nothing is where the identities disagree, or its sums; or of a number that is known with other bytes."""
        known = statements.known(tx, reply.payer or "", content.number)
        if statement_disagrees(content) or _identities(tx, reply, content):
            return
        if known is None or known[0].reply_id == reply.id:
            where = (content.account, reply.payer or "", content.sender, content.dated)
            migrated_only = self._needs_migration(content)
            observe(tx, Book.load(tx), reply.id, *where, statement=True, migrated_only=migrated_only)

    def _needs_migration(self, content: StatementOfAccount) -> bool:
        """Whether the statement's system is one that an agency must have migrated to: its family has that rule."""
        families = self._rooms.catalog.families.values()
        documents = [
            d for family in families if family.settings.get("system") == content.system for d in family.documents
        ]
        return any(rule.code == "AGENCY_NOT_MIGRATED" for document in documents for rule in document.rules)


def _told(book: Book, content: StatementOfAccount, answer: Recipient) -> dict[str, Any]:
    """What a person needs to decide: the reasons, and everybody it may be about."""
    named = [{**one.public(), "name": book.agency(one.agency_id).name} for one in answer.candidates]
    reasons = [reason.public() for reason in (*answer.reasons, *answer.warnings)]
    return {"statement": content.number, "code": answer.reasons[0].code, "reasons": reasons, "candidates": named}


def _identities(tx: Tx, reply: Reply, content: StatementOfAccount) -> Doubt | None:
    """The credential, the number inside and the number on the envelope are the same canonical string."""
    if content.sender != reply.number or TRANSMISSION_NUMBER.fullmatch(content.sender) is None:
        return Doubt("number_disagrees", {"statement": content.number})
    parcel = parcels.of(tx, reply)
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
