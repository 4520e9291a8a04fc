"""What happened under facts that a plan corrects: what went to the payer, and what was handed over to whom.

The registry before and the registry as it would be are asked the same questions about everything that went for the
accounts, and under the numbers, whose facts are corrected. Recalled is what was right before and is wrong after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import SimpleNamespace
from typing import Any

from gateway.clock import local
from gateway.messages import Both, both
from gateway.models import Accreditation, Mandate, Recall, StatementCoordinates, TransmissionNumber
from gateway.models.facts import Fact
from gateway.registry.book import Book
from gateway.registry.desk import Desk
from gateway.registry.permission import may_send
from gateway.registry.recipient import held_before, statement_recipient
from gateway.store import Tx, incidents, moves, recalls
from gateway.store.recalls import Went
from gateway.store.registry_writes import Supersede

_OF_ACCOUNTS: tuple[type[Fact], ...] = (Accreditation, Mandate, StatementCoordinates)
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
    accounts, numbers = _corrected(desk)
    if not accounts and not numbers:
        return None
    facts: dict[type[Fact], list[Any]] = {**desk.tables.facts}
    facts[TransmissionNumber] = [
        SimpleNamespace(**one) for _, all_ in desk.facts.after(TransmissionNumber) for one in all_
    ]
    for family in _OF_ACCOUNTS:
        others = [row for row in facts[family] if row.account_id not in accounts]
        corrected = (values for account in sorted(accounts) for values in desk.facts.of(family, account))
        facts[family] = [*others, *(SimpleNamespace(**values) for values in corrected)]
    agencies = list(desk.agencies.values())
    after = replace(desk.tables, facts=facts, agencies=agencies)
    names = {agency.id: agency.name for agency in agencies}
    return Correction(Book(desk.tables), Book(after), frozenset(accounts), frozenset(numbers), names)


def _corrected(desk: Desk) -> tuple[set[str], set[str]]:
    """The accounts and the numbers of which something is believed no longer."""
    found: dict[str, set[str]] = {"account_id": set(), "number": set()}
    subjects = dict.fromkeys(_OF_ACCOUNTS, "account_id") | {TransmissionNumber: "number"}
    ended: dict[type[Fact], set[str]] = {}
    for step in desk.work.steps:
        if isinstance(step.write, Supersede):
            ended.setdefault(step.write.family, set()).add(step.write.old)
    for family, column in subjects.items():
        rows: list[Any] = desk.tables.facts.get(family, []) if family in ended else []
        found[column] |= {getattr(row, column) for row in rows if row.id in ended[family]}
    return found["account_id"], found["number"]


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
