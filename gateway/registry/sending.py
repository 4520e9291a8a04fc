"""May this request go, under which number, on that day? One answer, asked at judgement, again when held, and last
just before the commit at the payer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from gateway.catalog import Catalog, DocumentType
from gateway.config import Config, PayerConfig
from gateway.identifiers import is_test_number
from gateway.models import Request
from gateway.registry import permission
from gateway.registry.book import Book
from gateway.registry.permission import may_send
from gateway.registry.reasons import Reason, codes, reason

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
    }
    | permission.CODES
)
_NEVER = frozenset({"FOREIGN_NUMBER", "TEST_NUMBER_IN_PRODUCTION"})  # of these, what no payer could take


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What a request asks for one practitioner through one account. Days are the first and the last service."""

    account: str = ""  # "": the document names none
    practice: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def services(self) -> list[date]:
        """The days that are known."""
        return [day for day in (self.first, self.last) if day is not None]


@dataclass(frozen=True, slots=True)
class Sending:
    """What a request says about who sends it, and for which accounts."""

    agency_id: str
    payer: PayerConfig | None
    sender: str | None  # transmission number in the document; None: the document names none
    requester: str | None  # practice number
    claims: frozenset[Claim]
    migrated_only: bool  # its format is for agencies that have migrated


@dataclass(frozen=True, slots=True)
class Clearance:
    """The answer: `reasons` says what stands in the way; nothing does when it is empty."""

    payer: str | None
    number: str | None
    reasons: tuple[Reason, ...] = ()

    @property
    def codes(self) -> list[str]:
        """Of the reasons, each once."""
        return codes(self.reasons)

    @property
    def outcome(self) -> Literal["send", "held", "refused"]:
        """REFUSED only for another agency's number, or a test number in production; all else may change."""
        if _NEVER.intersection(self.codes):
            return "refused"
        return "held" if self.reasons else "send"


def payer_for(book: Book, config: Config, agency_id: str, format_: str | None) -> PayerConfig | None:
    """The first of the agency's payers that takes this format."""
    configured = {payer.name: payer for payer in config.payers}
    mine = [configured[name] for name in book.payers(agency_id) if name in configured]
    return next((payer for payer in mine if format_ in payer.formats), None)


def ask(
    book: Book, config: Config, catalog: Catalog, request: Request, claims: Iterable[Claim], day: date
) -> Clearance:
    """The answer for a request that has its row. `claims`: those of its submissions."""
    named = frozenset(claims)
    if not named and (request.account or request.action == "new"):
        named = frozenset({Claim(request.account or "")})
    document = document_of(catalog, request)
    sending = Sending(
        agency_id=request.agency_id,
        payer=payer_for(book, config, request.agency_id, request.format),
        sender=request.number,
        requester=request.requester,
        claims=named,
        migrated_only=asks_for_migration(document),
    )
    answer = clearance(book, sending, day)
    return replace(answer, reasons=tuple(one for one in answer.reasons if _binds(document, request, one.code)))


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
    """The answer from what the registry holds for that day, in Toronto: the day of sending."""
    against = list(_accounts(book, sending, day))
    if sending.payer is None:
        return Clearance(None, sending.sender, (reason("NO_PAYER"), *against))
    payer = sending.payer.name
    number, found = _number(book, sending, payer, day)
    if number is not None and is_test_number(number) != (sending.payer.environment == "test"):
        found.append(reason("TEST_NUMBER_IN_PRODUCTION", number=number, payer=payer))
    if number is not None and book.suspensions(payer, number, day):
        found.append(reason("NUMBER_SUSPENDED", number=number, payer=payer, day=day))
    if sending.migrated_only and not book.agency_is(sending.agency_id, "migrated", day):
        found.append(reason("AGENCY_NOT_MIGRATED", day=day))
    return Clearance(payer, number, (*found, *against))


def _number(book: Book, sending: Sending, payer: str, day: date) -> tuple[str | None, list[Reason]]:
    mine = book.numbers(sending.agency_id, payer, day)
    if sending.sender is None:
        alone = mine and _speaks_for_itself(book, sending, day)
        return (mine[0], []) if alone else (None, [reason("SENDER_MISSING")])
    if sending.sender in mine:
        return sending.sender, []
    unknown = book.holder(payer, sending.sender, day) is None
    code = "NUMBER_UNKNOWN" if unknown else "FOREIGN_NUMBER"
    return sending.sender, [reason(code, number=sending.sender, payer=payer, day=day)]


def _speaks_for_itself(book: Book, sending: Sending, day: date) -> bool:
    """A solo agency need not name itself where its own practitioner is the requester."""
    agency_id, requester = sending.agency_id, sending.requester
    if book.agency(agency_id).kind != "solo" or not requester:
        return False
    if book.agency_of(f"personal:{requester}", day) == agency_id:
        return True
    return any(
        book.agency_of(claim.account, day) == agency_id and book.bills_through(requester, claim.account, day)
        for claim in sending.claims
    )


def _accounts(book: Book, sending: Sending, day: date) -> Iterator[Reason]:
    for claim in sorted(sending.claims, key=repr):
        practitioners = [claim.practice] if claim.practice else []
        yield from may_send(book, sending.agency_id, claim.account or None, day, claim.services, practitioners).reasons
