"""What happened under facts that a plan corrects: what went to the payer, and what was handed over to whom.

The registry before and the registry as it would be are asked the same questions about everything that went for the
accounts, and under the numbers, whose facts are corrected. Recalled is what was right before and is wrong after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.clock import local
from gateway.messages import Both, both
from gateway.models import Recall, TransmissionNumber
from gateway.registry.after import OF_ACCOUNTS, after, corrected
from gateway.registry.book import Book
from gateway.registry.desk import Desk
from gateway.registry.permission import may_send
from gateway.registry.recipient import held_before, statement_recipient
from gateway.store import Tx, incidents, moves, recalls
from gateway.store.recalls import Went

_ACCOUNT_CODES = frozenset({"ACCOUNT_UNKNOWN", "ACCOUNT_NOT_YET", "ACCOUNT_OTHER_AGENCY", "SERVICES_NOT_COVERED"})


@dataclass(frozen=True, slots=True)
class Correction:
    """The registry before and after, where a plan corrects what was believed of accounts or numbers."""

    before: Book
    after: Book
    accounts: frozenset[str]
    numbers: frozenset[str]
    names: dict[str, str]  # of agencies, by id

    def found(self, tx: Tx) -> tuple[list[Recall], dict[str, list[str]]]:
        """What is to be recalled; and why each record looked at should not have gone, by the corrected registry."""
        wrong: list[Recall] = []
        against: dict[str, list[str]] = {}
        for one in recalls.went(tx, self.accounts, self.numbers):
            before = set(_against(self.before, one))
            against[one.record_id] = list(_against(self.after, one))
            new = [code for code in against[one.record_id] if code not in before]
            wrong += [recalls.new(tx, one, _what(one), _day(one), code) for code in new[:1]]
        return wrong, against

    def say(self, row: Recall) -> Both:
        """The line of a plan about it."""
        return told(row, self.names.get(row.agency_id, row.agency_id))

    def keep(self, tx: Tx, lang: str) -> tuple[Recall, ...]:
        """Keep the list, in the transaction that makes the correction count; where a document is with somebody who was
        not entitled to it, with the draft of an incident. `lang`: of the draft's words."""
        wrong, against = self.found(tx)
        recalls.withdraw(tx, against)
        handed = [row for row in wrong if row.what != "sent"]
        if handed:
            draft = incidents.open_(tx, local(tx.now).date(), self._drafted(handed, lang), origin="recall",
                                    records=(row.record_id for row in handed))  # fmt: skip
            for row in handed:
                row.incident_id = draft.id
        recalls.add(tx, wrong)
        details = ({"record": row.record_id, "what": row.what, "code": row.code} for row in wrong)
        moves.tell(tx, "recall", ((row.id, "recalled", detail) for row, detail in zip(wrong, details, strict=True)))
        return tuple(wrong)

    def _drafted(self, handed: list[Recall], lang: str) -> dict[str, Any]:
        days = sorted(local(row.happened_at).date() for row in handed)
        agencies = ", ".join(sorted({self.names.get(row.agency_id, row.agency_id) for row in handed}))
        accounts = ", ".join(sorted({row.account for row in handed}))
        return {
            "information": both("registry.recall_information", accounts=accounts)[lang],
            "circumstances": both("registry.recall_circumstances", count=len(handed), agencies=agencies)[lang],
            "began_on": days[0],
            "ended_on": days[-1],
        }


def correction(desk: Desk) -> Correction | None:
    """What the plan on the desk corrects; None where it only adds."""
    accounts = corrected(desk, OF_ACCOUNTS, "account_id")
    numbers = corrected(desk, (TransmissionNumber,), "number")
    if not accounts and not numbers:
        return None
    names = {agency.id: name for name, agency in desk.agencies.items()}
    return Correction(Book(desk.tables), after(desk, accounts), frozenset(accounts), frozenset(numbers), names)


def told(row: Recall, agency: str) -> Both:
    """What is recalled, in a sentence."""
    why = both(f"registry.recall_why_{row.code.lower()}", account=row.account, day=row.day)
    when, facts = local(row.happened_at).date(), {"record": row.record_id, "account": row.account, "agency": agency}
    made = both(f"registry.recall_{row.what}", when=when, day=row.day, number=row.number or "–", **facts)
    return {lang: f"{made[lang]} — {why[lang]}" for lang in made}


def _what(one: Went) -> str:
    if one.kind == "request":
        return "sent"
    if one.kind == "extract":
        return "extract"
    return "paper" if one.on_paper else "handed_over"


def _day(one: Went) -> date:
    """The day its right depends on: of sending, or the statement's."""
    return one.dated or local(one.at).date()


def _against(book: Book, one: Went) -> Iterator[str]:
    """Why it should not have gone, by this registry; nothing where it should."""
    day = _day(one)
    if one.kind == "extract":
        if not held_before(book, one.account, one.agency_id, day):
            yield "NEVER_HELD"
        return
    if one.payer and one.number and book.holder(one.payer, one.number, day) != one.agency_id:
        yield "NUMBER_NOT_ITS"
    if one.kind == "statement":
        if statement_recipient(book, one.account, day).agency_id != one.agency_id:
            yield "NOT_ITS_STATEMENT"
        return
    answer = may_send(book, one.agency_id, one.account, day, one.services)
    yield from (reason.code for reason in answer.reasons if reason.code in _ACCOUNT_CODES)
    if book.agency(one.agency_id).kind == "commercial" and not book.mandates(one.account, one.agency_id, day):
        yield "MANDATE_MISSING"
