"""Three books against each other: what agencies remember, what the gateway's database says, what the payer has."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from faults.history import broken_steps
from faults.rest import SENT, SETTLED

_NEW = "('receivable', 'not_receivable')"  # the payer's verdict on what it processed as something new


def at_any_moment(folder: Path) -> list[str]:
    """What is wrong while the town is at work: nothing twice, nothing with another agency, the chain whole."""
    with closing(_books(folder)) as db:
        return [*_twice(db), *_elsewhere(db), *broken_steps(db)]


def at_rest(folder: Path) -> list[str]:
    """The same and, with nothing left to do, that nothing is lost."""
    with closing(_books(folder)) as db:
        found = [*_lots_lost(db), *_requests_lost(db), *_returns_lost(db)]
    return [*at_any_moment(folder), *found]


def _books(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "var" / "gateway.db", timeout=30)
    db.row_factory = sqlite3.Row
    db.execute("ATTACH ? AS payer", (str(folder / "payer" / "book.sqlite"),))
    db.execute("ATTACH ? AS agencies", (str(folder / "notebook.sqlite"),))
    db.execute("PRAGMA query_only = ON")
    return db


def _twice(db: sqlite3.Connection) -> Iterator[str]:
    """I2, I4, I5: no lot, request, invoice, answer, statement or return counts twice."""
    asked = {
        "I1 the lot {} was collected": "select sha256, count(*) from batch group by 1",
        "I2 the payer processed {}": f"select name, count(*) from deposits where verdict in {_NEW} group by number, 1",
        "I2 the payer processed the bytes {}": "select sha256, count(*) from deposits"
        f" where verdict in {_NEW} group by number, 1",
        "I2 the invoice {} stands": "select no_fact_ext, count(*) from invoice group by agency_id, 1",
        "I4 the request {} was answered": "select record_id, count(*) from event where record_kind = 'request'"
        " and to_state in ('RECEIVABLE', 'NOT_RECEIVABLE') and from_state != to_state group by 1",
        "I4 the statement {} was applied": "select no_etat_compte, count(*) from statement group by 1",
        "I5 the return {} was handed over": "select name, count(*) from returned group by number, 1",
    }
    for sentence, query in asked.items():
        for what, count in db.execute(f'select * from ({query}) where 2 <= "count(*)"'):
            yield f"{sentence.format(what)} {count} times"


def _elsewhere(db: sqlite3.Connection) -> Iterator[str]:
    """I5: what an agency found is its own, known, and whole; and went to the payer under its own number."""
    for row in db.execute(
        "select r.*, d.sha256 as owed from returned r left join transmission_number n on n.number = r.number"
        " left join distribution d on d.name = r.name and d.agency_id = n.agency_id"
    ):
        if row["owed"] != row["sha256"]:
            what = "not whole" if row["owed"] else "not its own"
            yield f"I5 {row['name']} in the returns of {row['number']} is {what}"
        if row["strangers"]:
            yield f"I5 {row['name']} in the returns of {row['number']} speaks of {row['strangers']}"
    for row in db.execute(
        "select d.name, d.number from deposits d left join request r on r.wire_name = d.name and r.number = d.number"
        " and r.wire_sha256 = d.sha256 where r.id is null"
    ):
        yield f"I3 the payer has {row['name']} of {row['number']}, which nobody meant to send so"


def _lots_lost(db: sqlite3.Connection) -> Iterator[str]:
    """I1: each deposited file is one lot of its own agency, judged to its end; what is right was sent."""
    for row in db.execute(
        "select d.name, d.number, d.is_right, b.state, b.agency_id = n.agency_id as its_own,"
        " (select count(*) from request r where r.batch_id = b.id and r.state = 'RECEIVABLE') as went"
        " from deposited d left join transmission_number n on n.number = d.number"
        " left join batch b on b.sha256 = d.sha256"
    ):
        if row["state"] is None:
            yield f"I1 {row['name']} of {row['number']} has no lot"
        elif not row["its_own"]:
            yield f"I5 {row['name']} of {row['number']} became a lot of another agency"
        elif row["state"] not in ("VALIDATED", "REFUSED") or (row["is_right"] and not row["went"]):
            yield f"I1 {row['name']} of {row['number']} rests in {row['state']}, {row['went']} requests receivable"


def _requests_lost(db: sqlite3.Connection) -> Iterator[str]:
    """I2: what is said to be sent the payer processed, and what it processed is said to be sent."""
    new = {(d["number"], d["name"]) for d in db.execute(f"select number, name from deposits where verdict in {_NEW}")}
    wrong = {d["sha256"] for d in db.execute("select sha256 from deposited where not is_right")}
    for row in db.execute(
        "select r.id, r.number, r.wire_name, r.state, r.reason, r.attempts, b.sha256"
        " from request r join batch b on b.id = r.batch_id"
    ):
        sent = (row["number"], row["wire_name"]) in new
        waits = row["state"] == "HELD" and row["sha256"] in wrong and not row["attempts"]  # for a person, as it should
        if not (waits or row["state"] in SETTLED) or sent != (row["state"] in SENT):
            yield f"I2 {row['id']} is {row['state']} {row['reason']}, the payer processed it: {sent}"
        new.discard((row["number"], row["wire_name"]))
    for number, name in new:
        yield f"I2 the payer processed {name} of {number}, of which nobody knows"


def _returns_lost(db: sqlite3.Connection) -> Iterator[str]:
    """I5: each answer and each statement was handed over; each request has its answer."""
    for row in db.execute("select id, kind, state, reason from reply where state not in ('DISTRIBUTED', 'DISCARDED')"):
        yield f"I5 {row['id']} ({row['kind']}) rests in {row['state']} {row['reason']}"
    found = Counter((r["number"], r["name"]) for r in db.execute("select number, name from returned"))
    for row in db.execute(
        "select d.name, n.number from distribution d join transmission_number n on n.agency_id = d.agency_id"
    ):
        if not found[row["number"], row["name"]]:
            yield f"I5 {row['name']} never came to {row['number']}"
    for row in db.execute(
        "select r.id from request r where r.state in ('RECEIVABLE', 'NOT_RECEIVABLE') and not exists (select 1"
        " from reply a join distribution d on d.reply_id = a.id where a.request_id = r.id"
        " and a.kind = 'receivability' and d.agency_id = r.agency_id)"
    ):
        yield f"I5 the answer to {row['id']} was not handed over"
    for row in db.execute("select distinct archive from statements where archive not in (select name from parcel)"):
        yield f"I5 the parcel {row['archive']} was never fetched"
