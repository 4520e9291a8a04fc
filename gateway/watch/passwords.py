"""Passwords whose term comes near: told again as it comes nearer, and when it has passed."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.clock import today
from gateway.credentials.term import term
from gateway.identifiers import lane
from gateway.registry import Book
from gateway.states import CredentialState
from gateway.store import credentials as rows
from gateway.store.alerts import Symptom
from gateway.watch import Look, Source

STEPS = (14, 7, 3, 1, 0, -1)  # days left; each is told
URGENT = 3
IN_USE = (CredentialState.ACTIVE, CredentialState.TEMPORARY, CredentialState.CHANGING)


def terms(look: Look) -> Iterator[Symptom]:
    """From the payer's `remind_days` on. One that is changed by us is told too: its change should have come before."""
    rules = {payer.name: payer.password for payer in look.config.payers}
    with look.store.read() as tx:
        every, book, now = rows.every(tx), Book.load(tx), tx.now
    for row in every:
        ends = term(row, rules[row.payer]) if row.payer in rules and row.state in IN_USE else None
        if ends is None or now < ends.remind_at:
            continue
        left = ends.days_left(now)
        subject = lane(row.payer, row.number) + (f" {row.machine}" if row.machine else "")
        agency = book.holder(row.payer, row.number, today(look.clock))
        level = 1 + sum(left <= step for step in STEPS)
        severity = "critical" if left <= URGENT else "warning"
        facts = {"days_left": left, "last": ends.ends.isoformat()}
        yield Symptom("password_term", subject, agency, severity, level, facts=facts)


SOURCES = (Source(frozenset({"password_term"}), terms),)
