"""Finds out whose a reply is: recognised, judged and read here; then asked of requests, or of the registry."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from gateway.catalog import DocumentType
from gateway.clock import local
from gateway.config import PayerConfig
from gateway.errors import StaleState
from gateway.identifiers import of_lane
from gateway.models import Reply
from gateway.reading import PayerError, Receivability, StatementOfAccount, Unreadable, read
from gateway.report import Report
from gateway.stages import Endpoint, Outcome, Rooms, payer_endpoints
from gateway.stages.match.doubts import Doubt, close
from gateway.stages.match.requests import SOON, Requests
from gateway.stages.match.statements import Statements
from gateway.states import ReplyState
from gateway.store import replies
from gateway.validation import Limits, judge

POINTS = ("match.staged", "match.matched", "match.statement_staged", "match.statement_matched")
_LISTED = 20  # finding codes kept in an event's detail

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a reply's bytes are: a doubt, or a document of a known type, valid and read."""

    document: DocumentType | None
    content: Receivability | StatementOfAccount | PayerError | Doubt


class Match:
    """Endpoint: "payer:number", the credential under which replies were fetched."""

    name = "match"

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return payer_endpoints(rooms, replies.with_received)  # a number closed since still has its replies

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, number = of_lane(endpoint)
        with rooms.store.read() as tx:
            waiting = replies.received(tx, payer, number)
        matcher = _Matcher(rooms, rooms.config.payer(payer))
        again = [matcher.guarded(reply) for reply in waiting]
        worked = sum(reply.state != ReplyState.RECEIVED for reply in waiting)
        return Outcome(worked, min((seconds for seconds in again if seconds is not None), default=None))


class _Matcher:
    """One look at the replies of one number."""

    def __init__(self, rooms: Rooms, payer: PayerConfig) -> None:
        self._rooms, self._payer = rooms, payer
        self._requests, self._statements = Requests(rooms), Statements(rooms)

    def guarded(self, reply: Reply) -> float | None:
        """Match one reply; what is wrong with it stops no other. Seconds after which to look again, if any."""
        try:
            return self._match(reply)
        except StaleState:
            log.info("moved_meanwhile", reply=reply.id)
            return SOON
        except Exception as problem:  # isolation: it stays RECEIVED, and the next look tries again
            log.error("match_failed", reply=reply.id, error=type(problem).__name__)
        return None

    def _match(self, reply: Reply) -> float | None:
        seen = self._look(reply)
        match seen.content, seen.document:
            case Receivability() as content, DocumentType() as document:
                return self._requests.settle(reply, document, content)
            case StatementOfAccount() as content, DocumentType() as document:
                self._statements.settle(reply, document, content)
            case PayerError() as content, document:
                self._close(reply, document, _said(content))
            case Doubt() as doubt, document:
                self._close(reply, document, doubt)
        return None

    def _close(self, reply: Reply, document: DocumentType | None, doubt: Doubt) -> None:
        with self._rooms.store.write() as tx:
            close(tx, reply, document, doubt)

    def _look(self, reply: Reply) -> _Seen:
        report = self._judged(reply)
        if report.verdict == "not_judged":
            raise RuntimeError("the schema of a reply cannot be used")  # ours to mend: it stays RECEIVED
        if report.format is None or report.document is None:
            return _Seen(None, _invalid(report))
        document = self._rooms.catalog.document(report.format, report.document, version=report.version)
        if not self._expected(document):
            return _Seen(document, Doubt("document_unexpected", {"format": report.format, "document": report.document}))
        if report.verdict != "valid":
            return _Seen(document, _invalid(report))
        with self._rooms.archive.open(reply.archive_ref or "") as source:
            content = read(source, document)
        if isinstance(content, Unreadable):
            return _Seen(document, Doubt("reply_invalid", {"why": content.reason, "line": content.line}))
        return _Seen(document, content)

    def _judged(self, reply: Reply) -> Report:
        limits = Limits(document_bytes=self._rooms.config.gateway.max_unpacked_bytes)
        with self._rooms.archive.open(reply.archive_ref or "") as source:
            return judge(source, reply.name, self._rooms.catalog, on=local(reply.created_at).date(), limits=limits)

    def _expected(self, document: DocumentType) -> bool:
        """Replies come in the payer's formats, statements and errors in the layout it is configured for."""
        if document.role == "reply":
            return document.family in self._payer.formats
        return document.role in ("statement", "error") and document.family == self._payer.statements


def _invalid(report: Report) -> Doubt:
    codes = sorted({finding.code for finding in report.findings if finding.severity == "error"})
    reason = "statement_sums" if codes == ["STATEMENT_TOTALS"] else "reply_invalid"
    return Doubt(reason, {"codes": codes[:_LISTED], "findings": report.findings_total})


def _said(error: PayerError) -> Doubt:
    """The payer says why there is no statement. HELD, not DISCARDED: nobody else would hear of it."""
    return Doubt("payer_error", {"code": error.code[:80]}, kind="statement")
