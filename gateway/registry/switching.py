"""Accounts that a plan has leave an agency, or the place of their statements, and come back: the payer then sends paper
for every mode of payment (letter 001); a warning with its advice, never a refusal."""

from __future__ import annotations

from datetime import timedelta

from gateway.models import Accreditation, StatementCoordinates
from gateway.registry.after import after, touched
from gateway.registry.book import Book
from gateway.registry.desk import Desk
from gateway.registry.recipient import switched


def find_switches(desk: Desk, window: timedelta) -> None:
    """Of the accounts whose accreditation or coordinates the plan touches; what was told before is not told again."""
    accounts = touched(desk, (Accreditation, StatementCoordinates), "account_id")
    if not accounts:
        return
    before, would_be = Book(desk.tables), after(desk, accounts)
    for account in sorted(accounts):
        days = {desk.today}
        days |= {fact.valid_from for fact in would_be.holders(account, desk.today)}
        days |= {fact.valid_from for fact in would_be.coordinates_line(account, desk.today)}
        for day in sorted(day for day in days if day >= desk.today):
            known = {one.code for one in switched(before, account, day, window)}
            new = [one for one in switched(would_be, account, day, window) if one.code not in known]
            desk.work.warnings += [one.says for one in new]
            if new:
                break
