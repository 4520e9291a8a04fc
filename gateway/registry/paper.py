"""Which accounts get their statements on paper, since when and why; a statement of theirs is *expected*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.clock import local
from gateway.models import Accreditation
from gateway.registry.book import Book
from gateway.registry.reasons import Reason
from gateway.registry.recipient import statement_recipient, switched
from gateway.store.paper import Last


@dataclass(frozen=True, slots=True)
class Expected:
    """Paper is expected for an account. `waits_since`: the day from which days are counted; None while no invoice of
    it waits for a statement."""

    account: str
    agency_id: str
    why: Reason
    last: Last | None
    waits_since: date | None

    def days(self, today: date) -> int:
        """For how many days it has been waited for."""
        return (today - self.waits_since).days if self.waits_since else 0


def expected(
    book: Book, today: date, came: Mapping[str, Last], waiting: Mapping[str, datetime], window: timedelta
) -> Iterator[Expected]:
    """Accounts whose statements go on paper, or that left and came back within `window` (letter 001), by name. `came`:
    the newest that came on paper; `waiting`: when the oldest invoice without a statement was handed over."""
    for (account,) in book.subjects(Accreditation):
        answer = statement_recipient(book, account, today, window=window)
        why = next(switched(book, account, today, window), None)
        if answer.route == "paper":
            why = answer.reasons[0]
        if why is None or answer.agency_id is None:
            continue
        last, since = came.get(account), waiting.get(account)
        begins = local(since).date() if since else None
        if begins and last:
            begins = max(begins, last.received_on)
        yield Expected(account, answer.agency_id, why, last, begins)
