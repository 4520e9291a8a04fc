"""Finds out whose a reply is: recognised, judged and read here; then asked of requests, or of the registry."""

from __future__ import annotations

from datetime import date

import structlog

from gateway.catalog import DocumentType
from gateway.clock import today
from gateway.config import PayerConfig
from gateway.errors import StaleState
from gateway.identifiers import of_lane
from gateway.models import Reply
from gateway.reading import PayerError, Receivability, StatementOfAccount
from gateway.stages import Endpoint, Outcome, Rooms, payer_endpoints
from gateway.stages.match.doubts import Doubt, close
from gateway.stages.match.ownership import ASKED
from gateway.stages.match.requests import SOON, Requests
from gateway.stages.match.sight import Sight
from gateway.stages.match.statements import Statements
from gateway.store import Tx, registry, replies

POINTS = ("match.staged", "match.matched", "match.statement_staged", "match.statement_matched")

log = structlog.get_logger()


class Match:
    """Endpoint: "payer:number", the credential under which replies were fetched."""

    name = "match"

    def __init__(self) -> None:
        self._asked: dict[str, tuple[str, date]] = {}  # endpoint → of which registry, on which day, it was asked

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return payer_endpoints(rooms, _owed)  # a number closed since still has its replies

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        payer, number = of_lane(endpoint)
        with rooms.store.read() as tx:
            now = registry.token(tx), today(rooms.clock)
            waiting = replies.received(tx, payer, number)
            if self._asked.get(endpoint) != now:  # the registry may know now what a statement is held for
                waiting += replies.held_statements(tx, payer, number, ASKED)
        before = [reply.state for reply in waiting]
        matcher = _Matcher(rooms, rooms.config.payer(payer))
        again = [matcher.guarded(reply) for reply in waiting]
        self._asked[endpoint] = now
        worked = sum(reply.state != state for reply, state in zip(waiting, before, strict=True))
        return Outcome(worked, min((seconds for seconds in again if seconds is not None), default=None))


def _owed(tx: Tx) -> list[tuple[str, str]]:
    """The numbers under which something came that is nobody's yet."""
    return [*replies.with_received(tx), *replies.with_held_statements(tx)]


class _Matcher:
    """One look at the replies of one number."""

    def __init__(self, rooms: Rooms, payer: PayerConfig) -> None:
        self._rooms, self._sight = rooms, Sight(rooms, payer)
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
        seen = self._sight.look(reply)
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


def _said(error: PayerError) -> Doubt:
    """The payer says why there is no statement. HELD, not DISCARDED: nobody else would hear of it."""
    return Doubt("payer_error", {"code": error.code[:80]}, kind="statement")
