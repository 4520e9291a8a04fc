"""The independent checker: reads disk, database and the payer's book with its own eyes, and names what is wrong.

It imports neither the store nor the sandbox nor validation: what they believe is what is being checked. I1 to I9 are
the invariants of RELIABILITY section 5.1. `at_any_moment` holds right after a kill; `at_rest` when everything is done.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

from faults.documents import AGENCIES
from faults.evidence import Evidence, rows, sha
from faults.history import broken_steps
from faults.house import House
from faults.rest import unrest
from faults.secrets_kept import patients_in

__all__ = ["at_any_moment", "at_rest", "patients_in", "shut_out", "unsettled"]


def at_any_moment(house: House) -> list[str]:
    """What is wrong whatever was killed whenever: nothing of this may hold even for an instant."""
    with _seen(house) as seen:
        return [
            *_lost(seen),
            *_twice(seen),
            *_other_bytes(seen),
            *_nobody_elses(seen),
            *broken_steps(seen.gateway),
            *_locked_out(seen),
        ]


def at_rest(house: House, doubt: bool = False) -> list[str]:
    """Everything that breaks a promise once nothing is left to do. `doubt`: requests whose fate only a person can tell
    may wait for one (the payer's facts allow no guess)."""
    with _seen(house) as seen:
        found = list(unrest(seen, doubt))
    return [*at_any_moment(house), *found]


def unsettled(house: House) -> bool:
    """Whether the gateway still has something to do that no person needs to look at."""
    with _seen(house) as seen:
        waiting = rows(seen.gateway, "select 1 from request where state in ('READY', 'TRANSMITTING', 'TRANSMITTED')")
        waiting += rows(seen.gateway, "select 1 from batch where state = 'COLLECTED'")
        waiting += rows(seen.gateway, "select 1 from reply where state not in ('DISTRIBUTED', 'DISCARDED', 'HELD')")
        waiting += rows(seen.gateway, "select 1 from credential where state = 'CHANGING'")
        return bool(waiting) or any((house.folder / name).exists() for name in house.deposited)


def shut_out(house: House) -> list[str]:
    """The transmission numbers whose password a person must give anew."""
    with _seen(house) as seen:
        return [row["number"] for row in rows(seen.gateway, "select number from credential where state = 'LOCKED'")]


@contextmanager
def _seen(house: House) -> Iterator[Evidence]:
    with (
        closing(_database(house, "var/gateway.db")) as gateway,
        closing(_database(house, "payer/book.sqlite")) as payer,
    ):
        yield Evidence(house, gateway, payer)


def _database(house: House, name: str) -> sqlite3.Connection:
    """Opened for writing as well: SQLite itself must roll back what a kill left half done, as it would at a start."""
    db = sqlite3.connect(house.folder / name, timeout=30)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA query_only = ON")
    return db


def _lost(seen: Evidence) -> Iterator[str]:
    """I1: each deposited file lies where it was laid, or is archived whole with a row."""
    for name, data in seen.house.deposited.items():
        source = seen.house.folder / name
        kept = [batch for batch in seen.batches if batch["sha256"] == sha(data)]
        if source.exists():
            if source.read_bytes() != data:
                yield f"I1 {name} was changed where it lies"
        elif not kept:
            yield f"I1 {name} is gone and has no lot"
        if len(kept) > 1:
            yield f"I1 {name} became {len(kept)} lots"
        for batch in kept:
            if seen.archived(batch["archive_ref"]) != data:
                yield f"I1 {name} is archived with other bytes"
    if len(seen.batches) > len(seen.house.deposited):
        yield f"I1 {len(seen.batches)} lots for {len(seen.house.deposited)} files"


def _twice(seen: Evidence) -> Iterator[str]:
    """I2: the payer processed nothing twice, by bytes and by name; a repeat is made only where it is known harmless."""
    processed = Counter((d["number"], d["name"]) for d in seen.deposits if d["new"])
    by_bytes = Counter((d["number"], d["sha256"]) for d in seen.deposits if d["new"])
    for (number, what), count in (processed | by_bytes).items():
        if count > 1:
            yield f"I2 the payer processed {what} of {number} {count} times"
    for name, count in Counter(d["name"] for d in seen.deposits).items():
        if count > 1 and seen.house.kind != "dedups":
            yield f"I2 {name} was sent {count} times though nobody knows what the payer does then"
    for name in {d["name"] for d in seen.deposits}:
        if len({d["sha256"] for d in seen.deposits if d["name"] == name}) > 1:
            yield f"I2 {name} came to the payer with different contents"


def _other_bytes(seen: Evidence) -> Iterator[str]:
    """I3: what was archived is what was judged, intended and received, byte for byte."""
    for row in seen.requests:
        if sha(seen.archived(row["archive_ref"])) != row["sha256"]:
            yield f"I3 {row['id']} is archived with other bytes"
        if row["wire_ref"] and sha(seen.archived(row["wire_ref"])) != row["wire_sha256"]:
            yield f"I3 what goes out for {row['id']} is archived with other bytes"
    meant = {(row["wire_name"], row["wire_sha256"]) for row in seen.requests if row["wire_name"]}
    for row in rows(seen.gateway, "select name, sha256, record_id from attempt where record_id like 'DEM-%'"):
        if (row["name"], row["sha256"]) not in meant:
            yield f"I3 a try of {row['record_id']} meant other bytes"
    numbers = {row["wire_name"]: row["number"] for row in seen.requests}
    for deposit in seen.deposits:
        if (deposit["name"], deposit["sha256"]) not in meant:
            yield f"I3 the payer has {deposit['name']} with bytes that nobody meant to send"
        if numbers.get(deposit["name"]) != deposit["number"]:
            yield f"I5 {deposit['name']} went under the number {deposit['number']}"


def _nobody_elses(seen: Evidence) -> Iterator[str]:
    """I5: each file in an agency's returns is its own, is known, and is whole."""
    known = {row["name"]: row for row in rows(seen.gateway, "select * from distribution")}
    for number in AGENCIES:
        others = [other for other in AGENCIES if other != number]
        for name, data in seen.returns(number).items():
            if name not in known:
                yield f"I5 {name} in the returns of {number} is unknown"
            elif sha(data) != known[name]["sha256"]:
                yield f"I5 {name} in the returns of {number} is not whole"
            elif known[name]["agency_id"] != seen.agency(number):
                yield f"I5 {name} in the returns of {number} belongs to another agency"
            if any(seen.names(data, other) for other in others):
                yield f"I5 {name} in the returns of {number} speaks of another agency"


def _locked_out(seen: Evidence) -> Iterator[str]:
    """I9: never three wrong passwords in an hour as the payer counts, and nobody is locked there."""
    for number in AGENCIES:
        wrong = sorted(t.at for t in seen.house.tried if t.number == number and not t.right)
        for first, third in zip(wrong, wrong[2:], strict=False):
            if (third - first).total_seconds() < 3600:
                yield f"I9 three passwords of {number} were refused within an hour"
    for row in rows(seen.payer, "select number from users where failures >= 3"):
        yield f"I9 the payer locked {row['number']}"
