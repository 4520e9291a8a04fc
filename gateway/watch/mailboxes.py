"""Mailboxes that cannot be reached, servers that are not who they were, passwords that let nobody in, stages that
fail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.clock import today
from gateway.errors import HostKeyChanged, InDoubt, TransportError, Unreachable
from gateway.identifiers import lane, of_lane
from gateway.models import Breaker, Due
from gateway.registry import Book
from gateway.store import breakers, due, watching
from gateway.store.alerts import Symptom
from gateway.store.credentials import UNREADABLE
from gateway.watch import Look, Source

# Codes that pass by themselves; the others say that something must be done.
PASSING = frozenset(
    {
        Unreachable.code,
        TransportError.code,
        InDoubt.code,
        "gone",
        "attempts_spent",
        "answer_unread",
        "change_first",
        "other_slot",
    }
)
NOT_MAILBOXES = frozenset({"anchor", "watch", "tell"})  # other sources speak of these


def mailboxes(look: Look) -> Iterator[Symptom]:
    """One alert for each mailbox and cause; a payer's password that is locked speaks for the mailboxes it opens."""
    with look.store.read() as tx:
        failing, barred, book = due.failing(tx), watching.barred(tx), Book.load(tx)
        unread = watching.unread(tx)
        silent = breakers.every(tx)
    shut = {lane(row.payer, row.number) for row in barred}
    for row in barred:
        endpoint, facts = lane(row.payer, row.number), {"code": str(row.state), "why": row.reason or ""}
        subject = f"{endpoint} {row.machine}" if row.machine else endpoint
        yield Symptom("password", subject, agency_of(book, endpoint, look), "critical", facts=facts)
    for row in unread:
        endpoint = lane(row.payer, row.number)
        yield Symptom("password_unread", f"{endpoint} {row.machine}", agency_of(book, endpoint, look), "critical")
    told: set[str] = set()
    for unanswered in _left_alone(silent, book, look):
        told.add(unanswered.key)
        yield unanswered
    for failure in failing:
        if failure.stage in NOT_MAILBOXES or failure.endpoint in shut or failure.last_error == UNREADABLE:
            continue
        symptom = _symptom(failure, agency_of(book, failure.endpoint, look), look)
        if symptom is not None and symptom.key not in told:
            told.add(symptom.key)
            yield symptom


def _left_alone(silent: list[Breaker], book: Book, look: Look) -> Iterator[Symptom]:
    """Mailboxes of a payer nobody answers at: they are not looked at meanwhile, so that none of them fails."""
    since = {row.payer: row.since for row in silent if _long(row.since, look)}
    for payer, number, agency in book.live_numbers(today(look.clock)):
        if payer in since:
            facts = {"code": Unreachable.code, "since": since[payer].isoformat()}
            yield Symptom("unreachable", lane(payer, number), agency, "warning", facts=facts)


def _symptom(row: Due, agency: str | None, look: Look) -> Symptom | None:
    code, since = str(row.last_error), row.last_success
    facts = {"code": code, "stage": row.stage, "since": since.isoformat() if since else None}
    if code == HostKeyChanged.code:
        return Symptom("host_key", row.endpoint, agency, "critical", facts=facts)
    if code[:1].isupper():  # the name of an exception: ours to mend
        return Symptom("stage", f"{row.stage} {row.endpoint}", agency, "warning", facts=facts)
    if code not in PASSING:
        return Symptom("refused", row.endpoint, agency, "critical", facts=facts)
    return Symptom("unreachable", row.endpoint, agency, "warning", facts=facts) if _long(since, look) else None


def _long(since: datetime | None, look: Look) -> bool:
    patience = timedelta(seconds=look.config.alerts.failing_after)
    return since is None or look.clock.now() - since >= patience


def agency_of(book: Book, endpoint: str, look: Look) -> str | None:
    """Whose mailbox it is: `payer:number` is the agency's that holds the number today."""
    if ":" in endpoint:
        return book.holder(*of_lane(endpoint), today(look.clock))
    agencies = book.all_agencies()
    if endpoint in {agency.id for agency in agencies}:
        return endpoint
    return next((a.id for a in agencies for source in book.all_sources(a.id) if source.id == endpoint), None)


KINDS = frozenset({"password", "password_unread", "host_key", "refused", "unreachable", "stage"})
SOURCES = (Source(KINDS, mailboxes),)
