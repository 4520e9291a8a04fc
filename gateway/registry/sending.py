"""May this request go, under which number, on that day? One answer, asked at judgement, again when held, and last
just before the commit at the payer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway.catalog import Catalog, DocumentType
from gateway.config import Config, PayerConfig
from gateway.identifiers import is_test_number
from gateway.models import Request
from gateway.registry.book import Book

# Every code an answer may hold. What the registry does not know yet, it may know tomorrow.
CODES = frozenset(
    {
        "NO_PAYER",
        "FOREIGN_NUMBER",
        "NUMBER_SUSPENDED",
        "NUMBER_UNKNOWN",
        "SENDER_MISSING",
        "TEST_NUMBER_IN_PRODUCTION",
        "AGENCY_NOT_MIGRATED",
        "ACCOUNT_UNKNOWN",
        "ACCOUNT_NOT_YET",
        "ACCOUNT_OTHER_AGENCY",
    }
)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a request says about who sends it, and for which accounts."""

    agency_id: str
    payer: PayerConfig | None
    sender: str | None  # transmission number in the document; None: the document names none
    requester: str | None  # practice number
    accounts: frozenset[str | None]  # None: an account there should be, and is not
    migrated_only: bool  # its format is for agencies that have migrated


@dataclass(frozen=True, slots=True)
class Clearance:
    """The answer: `codes` says what stands in the way; nothing does when it is empty."""

    payer: str | None
    number: str | None
    codes: list[str]


def payer_for(book: Book, config: Config, agency_id: str, format_: str | None) -> PayerConfig | None:
    """The first of the agency's payers that takes this format."""
    configured = {payer.name: payer for payer in config.payers}
    mine = [configured[name] for name in book.payers(agency_id) if name in configured]
    return next((payer for payer in mine if format_ in payer.formats), None)


def ask(
    book: Book, config: Config, catalog: Catalog, request: Request, accounts: Iterable[str], day: date
) -> Clearance:
    """The answer for a request that has its row. `accounts`: those its submissions name."""
    named: frozenset[str | None] = frozenset(accounts)
    if not named and (request.account or request.action == "new"):
        named = frozenset({request.account})
    document = document_of(catalog, request)
    sending = Sending(
        agency_id=request.agency_id,
        payer=payer_for(book, config, request.agency_id, request.format),
        sender=request.number,
        requester=request.requester,
        accounts=named,
        migrated_only=asks_for_migration(document),
    )
    answer = clearance(book, sending, day)
    return Clearance(answer.payer, answer.number, [code for code in answer.codes if _binds(document, request, code)])


def document_of(catalog: Catalog, request: Request) -> DocumentType | None:
    """The document type the request was judged by, where it has one here."""
    return catalog.find(request.format, request.document, request.format_version)


def _binds(document: DocumentType | None, request: Request, code: str) -> bool:
    """A family may say of a code that it only warns; a person may have released the request in spite of it."""
    rule = next((rule for rule in document.rules if rule.code == code), None) if document else None
    return code not in request.despite and (rule is None or rule.severity == "error")


def asks_for_migration(document: DocumentType | None) -> bool:
    """Whether the document type's rules name AGENCY_NOT_MIGRATED."""
    return document is not None and any(rule.code == "AGENCY_NOT_MIGRATED" for rule in document.rules)


def clearance(book: Book, sending: Sending, day: date) -> Clearance:
    """The answer from what the registry holds for that day."""
    if sending.payer is None:
        return Clearance(None, sending.sender, ["NO_PAYER", *_accounts(book, sending, day)])
    number, codes = _number(book, sending, sending.payer.name, day)
    if number is not None and is_test_number(number) != (sending.payer.environment == "test"):
        codes.append("TEST_NUMBER_IN_PRODUCTION")
    if number is not None and book.suspensions(sending.payer.name, number, day):
        codes.append("NUMBER_SUSPENDED")
    if sending.migrated_only and not book.agency_is(sending.agency_id, "migrated", day):
        codes.append("AGENCY_NOT_MIGRATED")
    return Clearance(sending.payer.name, number, [*codes, *_accounts(book, sending, day)])


def _number(book: Book, sending: Sending, payer: str, day: date) -> tuple[str | None, list[str]]:
    mine = book.numbers(sending.agency_id, payer, day)
    if sending.sender is None:
        return (mine[0], []) if mine and _speaks_for_itself(book, sending, day) else (None, ["SENDER_MISSING"])
    if sending.sender in mine:
        return sending.sender, []
    holder = book.holder(payer, sending.sender, day)
    return sending.sender, ["NUMBER_UNKNOWN" if holder is None else "FOREIGN_NUMBER"]


def _speaks_for_itself(book: Book, sending: Sending, day: date) -> bool:
    """A solo agency need not name itself where its own practitioner is the requester."""
    if book.agency(sending.agency_id).kind != "solo" or not sending.requester:
        return False
    if book.may_send(sending.agency_id, f"personal:{sending.requester}", day).ok:
        return True
    return any(
        book.may_send(sending.agency_id, account, day).ok and book.bills_through(sending.requester, account, day)
        for account in sending.accounts
        if account is not None
    )


def _accounts(book: Book, sending: Sending, day: date) -> list[str]:
    answers = [book.may_send(sending.agency_id, account, day) for account in sorted(sending.accounts, key=str)]
    return list(dict.fromkeys(answer.code for answer in answers if not answer.ok))
