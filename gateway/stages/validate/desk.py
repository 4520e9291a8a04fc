"""What judging one lot works with, and what judging one document of it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.models import Batch, DeclaredSoftware, Request, Source
from gateway.registry import Book
from gateway.report import Finding, Report
from gateway.stages import Rooms
from gateway.stages.validate.parts import Divided
from gateway.validation import Limits


@dataclass(slots=True)
class Judged:
    """One document: its report, and the request it becomes (not in the database yet)."""

    request: Request
    report: Report
    submissions: int = 0  # rows staged
    divided: Divided | None = None  # only a part of it goes
    not_salvaged: str | None = None  # why it stayed whole although its agency wants salvage


@dataclass(slots=True)
class Desk:
    """One lot on the desk. `today` is Toronto's; `judged` grows document by document."""

    rooms: Rooms
    book: Book
    batch: Batch
    source: Source
    today: date
    judged: list[Judged] = field(default_factory=list)
    invoice_numbers: set[str] = field(default_factory=set)  # of new invoices of this lot that are not refused
    archive_findings: list[Finding] = field(default_factory=list)  # about the ZIP itself

    def earlier(self, number: str) -> list[Request]:
        """The requests of that number that came before in this lot."""
        return [judged.request for judged in self.judged if judged.request.no_dem_ext == number]

    @property
    def severities(self) -> Mapping[str, str]:
        """What this agency wants of rules, by code."""
        return self.book.agency(self.batch.agency_id).rules

    @property
    def declared(self) -> DeclaredSoftware | None:
        """The software the source declared that it bills with, today."""
        return self.book.declared_software(self.source.id, self.today)

    @property
    def limits(self) -> Limits:
        """What the next document may cost here."""
        most = self.rooms.config.gateway
        known = sum(judged.submissions for judged in self.judged)
        return Limits(document_bytes=most.max_document_bytes, invoices=most.max_invoices - known)
