"""What judging a document gives: findings, a verdict, and the index fields other rooms work with.

valid / invalid / not_judged is *our* vocabulary (DESIGN section 3); the payer's is receivable / not receivable.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, NamedTuple

LISTED = 200  # findings listed per document; the count stays true
# After these nothing is known of a document's invoices, whatever was seen before the defect.
UNREADABLE = frozenset(
    {
        "NOT_WELL_FORMED",
        "EMPTY_DOCUMENT",
        "NOT_XML",
        "HOSTILE_DOCTYPE",
        "HOSTILE_ENCODING",
        "HOSTILE_SIZE",
        "HOSTILE_ARCHIVE",
        "UNKNOWN_DOCUMENT",
    }
)
# Nothing any payer could take, whatever the authority of the schema that says so (DESIGN section 6).
NO_PAYER_COULD_TAKE = UNREADABLE | frozenset(
    {
        "REQUEST_NUMBER_MISSING",
        "REQUEST_NUMBER_ALPHABET",
        "FOREIGN_NUMBER",
        "TEST_NUMBER_IN_PRODUCTION",
    }
)


@dataclass(frozen=True, slots=True)
class InvoiceRef:
    """Which invoice a finding is about: its own number, its place in the document (from 1), its line."""

    number: str | None
    ordinal: int
    line: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect. Messages are ours, rebuilt from place and rule: never the engine's text, never a patient's value."""

    code: str
    severity: str  # error | warning | info
    authority: str  # official | letter | reconstructed | ours
    line: int | None  # from 1
    column: int | None  # from 1, code points, of the start tag
    path: str | None
    invoice: InvoiceRef | None
    message: dict[str, str]  # fr, en
    next: dict[str, str]  # fr, en
    letter: str | None = None  # which one, when the authority is "letter"

    @property
    def refuses(self) -> bool:
        """Whether this alone means that the document never goes."""
        return refuses(self.severity, self.authority, self.code)


def refuses(severity: str, authority: str, code: str) -> bool:
    """Whether such a finding alone means that the document never goes."""
    return severity == "error" and (authority in ("official", "letter") or code in NO_PAYER_COULD_TAKE)


class InvoiceIndex(NamedTuple):
    """What other rooms need of one invoice: identifiers, dates, money. Nothing about the patient."""

    ordinal: int  # from 1
    line: int
    number: str | None  # no_fact_ext, or TRNSM-ATTES-NCE
    payer_number: str | None  # no_fact_ramq, for modify and cancel
    token: str | None  # jeton_comm
    practice: str | None
    account: str | None  # personal:… or admin:…
    kind: str | None  # the invoice element's local name: its profession follows from it
    first_service: date | None
    last_service: date | None
    amount_cents: int | None  # claimed, where the format has one
    lines: int
    valid: bool = True
    refused: bool = False  # whether a finding of this invoice alone means that it never goes as it is


@dataclass(slots=True)
class DocumentIndex:
    """What other rooms need of one document."""

    action: str | None = None  # new | modify | cancel; None for replies and statements
    request_number: str | None = None
    sender: str | None = None  # transmission number written in the document
    requester: str | None = None  # practice number of the demandeur
    account: str | None = None
    developer: str | None = None
    software: str | None = None
    version: str | None = None


@dataclass(slots=True)
class Report:
    """Everything judging one document gave."""

    file: str
    sha256: str
    format: str | None  # folder of schemas/
    document: str | None  # root's local name
    authority: str | None  # of the schema it was judged by
    verdict: str  # valid | invalid | not_judged
    invoices: int = 0
    invalid_invoices: int = 0
    findings: list[Finding] = field(default_factory=list)  # at most LISTED
    findings_total: int = 0
    not_checked: list[str] = field(default_factory=list)  # codes that need the registry or the past
    index: DocumentIndex = field(default_factory=DocumentIndex)
    version: str | None = None  # of the schema family it was judged by

    @property
    def refused(self) -> bool:
        """Whether any listed finding means that the document never goes."""
        return any(f.refuses for f in self.findings)

    def public(self) -> dict[str, Any]:
        """The JSON object of `gateway check --format json`."""
        what = ("file", "sha256", "format", "version", "document", "authority")
        outcome = ("verdict", "invoices", "invalid_invoices")
        return {k: getattr(self, k) for k in (*what, *outcome)} | {
            "findings": [asdict(f) for f in self.findings],
            "findings_total": self.findings_total,
            "not_checked": list(self.not_checked),
        }
