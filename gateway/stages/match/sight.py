"""What a reply's bytes are: judged and read by the version of the schemas that its request was judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from gateway.catalog import Catalog, DocumentType, Family
from gateway.clock import local
from gateway.config import PayerConfig
from gateway.models import Reply, Request
from gateway.reading import PayerError, Receivability, StatementOfAccount, Unreadable, read
from gateway.report import Report
from gateway.stages import Rooms
from gateway.stages.match.doubts import Doubt
from gateway.store import replies
from gateway.validation import Limits, judge

_LISTED = 20  # finding codes kept in an event's detail


@dataclass(frozen=True, slots=True)
class Seen:
    """A doubt, or a document of a known type, valid and read."""

    document: DocumentType | None
    content: Receivability | StatementOfAccount | PayerError | Doubt


class Sight:
    """Looks at the replies of one payer."""

    def __init__(self, rooms: Rooms, payer: PayerConfig) -> None:
        self._rooms, self._payer = rooms, payer

    def look(self, reply: Reply) -> Seen:
        """By the version valid on the day it arrived; an answer to a request by the one that judged the request, where
        the family has several. Raises RuntimeError when a schema cannot be used."""
        catalog = self._rooms.catalog
        seen = self._by(reply, catalog)
        if seen.document is None or seen.document.role != "reply":
            return seen
        known = [family for family in catalog.versions.get(seen.document.family, ()) if _has(family, seen.document)]
        return seen if len(known) < 2 else self._of_request(reply, seen, known)

    def _of_request(self, reply: Reply, today: Seen, known: list[Family]) -> Seen:
        """The first version that reads the reply and that its request was judged by; else what the day's says."""
        named = [self._judged_by(request) for request in self._named(reply)]
        for family in sorted(known, key=lambda family: family not in named):
            seen = self._by(reply, self._rooms.catalog.only(family))
            if isinstance(seen.content, Receivability) and family in self._judges(reply, seen.content, named):
                return seen
        return today

    def _judges(self, reply: Reply, content: Receivability, named: list[Family | None]) -> Iterator[Family | None]:
        yield from named
        if content.request_number is not None:
            with self._rooms.store.read() as tx:
                payer, number = reply.payer or "", reply.number or ""
                found = replies.requests_numbered(tx, payer, number, content.request_number)
            yield from (self._judged_by(request) for request in found)

    def _named(self, reply: Reply) -> list[Request]:
        with self._rooms.store.read() as tx:
            return replies.requests_named(tx, reply.payer or "", reply.number or "", stem(reply.name))

    def _judged_by(self, request: Request) -> Family | None:
        return self._rooms.catalog.version_of(request.format, request.document, request.format_version)

    def _by(self, reply: Reply, catalog: Catalog) -> Seen:
        report = self._judged(reply, catalog)
        if report.verdict == "not_judged":
            raise RuntimeError("the schema of a reply cannot be used")  # ours to mend: it stays RECEIVED
        if report.format is None or report.document is None:
            return Seen(None, _invalid(report))
        document = catalog.document(report.format, report.document, version=report.version)
        if not self._expected(document):
            return Seen(document, Doubt("document_unexpected", {"format": report.format, "document": report.document}))
        if report.verdict != "valid":
            return Seen(document, _invalid(report))
        with self._rooms.archive.open(reply.archive_ref or "") as source:
            content = read(source, document)
        if isinstance(content, Unreadable):
            return Seen(document, Doubt("reply_invalid", {"why": content.reason, "line": content.line}))
        return Seen(document, content)

    def _judged(self, reply: Reply, catalog: Catalog) -> Report:
        limits = Limits(document_bytes=self._rooms.config.gateway.max_unpacked_bytes)
        with self._rooms.archive.open(reply.archive_ref or "") as source:
            return judge(source, reply.name, catalog, on=local(reply.created_at).date(), limits=limits)

    def _expected(self, document: DocumentType) -> bool:
        """Replies come in the payer's formats, statements and errors in the layout it is configured for."""
        if document.role == "reply":
            return document.family in self._payer.formats
        return document.role in ("statement", "error") and document.family == self._payer.statements


def stem(name: str) -> str:
    """The name of the deposit that a reply's name speaks of (FORMATS section 4). A label: it is only compared."""
    return PurePosixPath(name.replace("\\", "/")).name.removesuffix(".xml").removesuffix(".recev")


def _has(family: Family, document: DocumentType) -> bool:
    return any(own.root == document.root for own in family.documents)


def _invalid(report: Report) -> Doubt:
    codes = sorted({finding.code for finding in report.findings if finding.severity == "error"})
    reason = "statement_sums" if codes == ["STATEMENT_TOTALS"] else "reply_invalid"
    first = [asdict(finding) for finding in report.findings if finding.severity == "error"][:1]
    detail = {"codes": codes[:_LISTED], "findings": report.findings_total} | ({"finding": first[0]} if first else {})
    return Doubt(reason, detail)
