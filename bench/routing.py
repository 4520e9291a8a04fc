"""What a routing decision costs an account, over a small registry and over a large one.

    python bench/routing.py [--rounds 5]

Each account is asked once who may send for it and who is owed its statement, over 100 accounts and over 10,000, with
five dated accreditations each. The goal: an account costs at 10,000 at most 1.3 times what it costs at 100. Making the
book (one query a table, once while nothing changes) is start-up, told apart.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.models import Account, Accreditation, Agency, AgencyStanding
from gateway.registry import Book, may_send, statement_recipient
from gateway.store.registry import Tables

DAY, EACH, NOW = date(2026, 6, 15), 5, datetime(2026, 6, 15, tzinfo=UTC)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    cost = {size: least(size, rounds) for size in (100, 10_000)}
    for size, (book, account) in cost.items():
        told = f"{size * EACH} accreditations: book {book * 1000:.1f} ms CPU"
        print(f"{size} accounts, {told}, then {account * 1e6:.1f} us an account")
    print(f"at 10,000: {cost[10_000][1] / cost[100][1]:.2f} × what an account costs at 100 (goal 1.3)")


def least(size: int, rounds: int) -> tuple[float, float]:
    """CPU seconds: making the book, and one account's two questions; the least of the rounds."""
    known = tables(size)
    runs = [once(known) for _ in range(rounds * (10_000 // size if size < 10_000 else 1))]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def once(known: Tables) -> tuple[float, float]:
    begun = time.process_time()
    book = Book(known)
    statement_recipient(
        book, known.accounts[0].id, DAY, migrated_only=True
    )  # the groups are made on the first question
    made = time.process_time()
    for account in known.accounts:
        answer = statement_recipient(book, account.id, DAY, migrated_only=True)
        assert answer.agency_id is not None
        assert may_send(book, answer.agency_id, account.id, DAY, [DAY - timedelta(days=30)]).ok
    return made - begun, (time.process_time() - made) / len(known.accounts)


def tables(size: int) -> Tables:
    """A registry in memory: each account with five accreditations, one after the other, over thirty agencies."""
    made = Tables()
    standings: list[Any] = made.of(AgencyStanding)
    facts: list[Any] = made.of(Accreditation)
    for place in range(30):
        agency = f"AGE-{place:02}"
        made.agencies.append(Agency(id=agency, name=agency, kind="commercial", recorded_at=NOW))
        standings.append(
            AgencyStanding(id=f"AST-{place}", agency_id=agency, standing="migrated", valid_from=date(2016, 7, 1))
        )
    for place in range(size):
        account = f"personal:{200000 + place}"
        made.accounts.append(Account(id=account, kind="personal", recorded_at=NOW))
        for turn in range(EACH):
            last = turn == EACH - 1
            facts.append(
                Accreditation(
                    id=f"ACC-{place}-{turn}",
                    account_id=account,
                    agency_id=f"AGE-{(place + turn) % 30:02}",
                    valid_from=date(2020 + turn, 1, 1),
                    valid_to=None if last else date(2020 + turn, 12, 31),
                )
            )
    return made


if __name__ == "__main__":
    main()
