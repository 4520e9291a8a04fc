"""The independent checker: reads disk, database and the payer's journal with its own eyes, and names what is wrong.

It imports neither the store nor validation: what they believe is what is being checked.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from support.killed import AGENCIES, House

from gateway.archive import Archive
from gateway.states import TRANSITIONS

ANSWERED = {"RECEIVABLE", "NOT_RECEIVABLE"}
AT_REST = ANSWERED | {"REFUSED", "HELD", "CANCELLED"}


def violations(house: House) -> list[str]:
    """Everything that breaks a promise; empty when all is well."""
    database = house.folder / "var" / "gateway.db"
    archive = Archive(house.folder / "var" / "archive")
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [
            *_nothing_lost(house, db, archive),
            *_all_at_rest(db),
            *_payer_once(house),
            *_payer_agrees(house, db),
            *_nobody_elses(house, db),
            *_history(db),
            *_no_litter(house, db),
            *_nothing_between(db),
            *_nobody_locked_out(house, db),
        ]


def rows(db: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query)]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _nothing_lost(house: House, db: sqlite3.Connection, archive: Archive) -> Iterator[str]:
    """Each deposited file is archived whole, with a row, in a state of rest, and out of the deposit folder."""
    batches = {row["sha256"]: row for row in rows(db, "select * from batch")}
    for name, data in house.deposited.items():
        batch = batches.get(sha(data))
        if batch is None:
            yield f"{name} has no lot"
            continue
        with archive.open(batch["archive_ref"]) as kept:
            if kept.read() != data:
                yield f"{name} is archived with other bytes"
        if batch["state"] not in ("VALIDATED", "REFUSED"):
            yield f"{batch['id']} rests in {batch['state']}"
        if (house.folder / name).exists():
            yield f"{name} still lies in the deposit folder"
    if len(batches) != len(house.deposited):
        yield f"{len(batches)} lots for {len(house.deposited)} files"


def _all_at_rest(db: sqlite3.Connection) -> Iterator[str]:
    for row in rows(db, "select id, state from request"):
        if row["state"] not in AT_REST:
            yield f"{row['id']} rests in {row['state']}"
    for row in rows(db, "select id, kind, state, reason from reply"):
        if row["state"] not in ("DISTRIBUTED", "DISCARDED"):
            yield f"{row['id']} ({row['kind']}) rests in {row['state']} {row['reason']}"


def _payer_once(house: House) -> Iterator[str]:
    """The payer processed each document once; a repeat is byte-identical, and made only where it is known harmless."""
    journal = house.payer.journal()
    for deposit in journal:
        if deposit.processed > 1:
            yield f"the payer processed {deposit.name} {deposit.processed} times"
        if deposit.times > 1 and deposit.name.startswith("DP-"):
            yield f"{deposit.name} was repeated though nobody knows what the payer does then"
    for name, count in Counter((d.number, d.name) for d in journal).items():
        if count > 1:
            yield f"{name} came with {count} different contents"


def _payer_agrees(house: House, db: sqlite3.Connection) -> Iterator[str]:
    """What the payer has is what we say we sent, both ways; no invoice stands twice."""
    journal = house.payer.journal()
    had = {(d.number, d.name, d.sha256) for d in journal}
    for row in rows(db, "select * from request where state in ('RECEIVABLE', 'NOT_RECEIVABLE', 'TRANSMITTED')"):
        if (row["number"], row["wire_name"], row["wire_sha256"]) not in had:
            yield f"{row['id']} is {row['state']} but the payer never had it"
    told = {row["wire_name"] for row in rows(db, "select wire_name from request where wire_name is not null")}
    for deposit in journal:
        if deposit.name not in told:
            yield f"the payer has {deposit.name}, which nobody sent"
    for row in rows(db, "select agency_id, no_fact_ext, count(*) as n from invoice group by 1, 2"):
        if row["n"] > 1:
            yield f"invoice {row['no_fact_ext']} stands {row['n']} times"


def _nobody_elses(house: House, db: sqlite3.Connection) -> Iterator[str]:
    """Each file in an agency's returns bears its number, is known, is whole, and is there once."""
    known = {row["name"]: row for row in rows(db, "select * from distribution where delivered_at is not null")}
    lying: Counter[str] = Counter()
    for number in AGENCIES:
        others = [other for other in AGENCIES if other != number]
        for file in (house.folder / number / "retours").iterdir():
            lying[file.name] += 1
            data = file.read_bytes()
            if file.name not in known:
                yield f"{file.name} in the returns of {number} is unknown"
            elif sha(data) != known[file.name]["sha256"]:
                yield f"{file.name} is not whole"
            own = f"_{number}_" in file.name or file.stem in _set_aside(db, number)
            if not own or any(_names(data, other) for other in others):
                yield f"{file.name} in the returns of {number} speaks of another agency"
    for name in known:
        if lying[name] != 1:
            yield f"{name} was delivered and lies there {lying[name]} times"


def _set_aside(db: sqlite3.Connection, number: str) -> set[str]:
    """The documents that went back to the agency of a number, to be corrected."""
    held = {
        row["agency_id"] for row in rows(db, f"select agency_id from transmission_number where number = '{number}'")
    }
    return {row["aside_name"] for row in rows(db, "select * from salvage") if row["agency_id"] in held}


def _nothing_between(db: sqlite3.Connection) -> Iterator[str]:
    """Of a document of which a part went, every invoice is in one part, and stands once."""
    for row in rows(db, "select * from salvage"):
        kept, aside = (
            rows(db, f"select no_fact_ext from submission where request_id = '{row[name]}'")
            for name in ("derived_id", "request_id")
        )
        if (len(kept), len(aside)) != (row["kept_invoices"], row["aside_invoices"]):
            yield f"the parts of {row['request_id']} hold {len(kept)} and {len(aside)} invoices"
        if row["invoices"] != len(kept) + len(aside):
            yield f"{row['request_id']} lost an invoice"
    if len(rows(db, "select * from salvage")) != len(rows(db, "select * from request where derived_from is not null")):
        yield "a part of a request has no lineage"


def _names(data: bytes, number: str) -> bool:
    """Whether the number stands there by itself: tokens and digests may hold its digits by chance."""
    return re.search(rb"(?<![0-9A-Za-z])" + number.encode() + rb"(?![0-9A-Za-z])", data) is not None


def _history(db: sqlite3.Connection) -> Iterator[str]:
    """The chain verifies, every step is a legal one, and the last one is where the record is."""
    previous, last = "0" * 64, {}
    for event in rows(db, "select * from event order by seq"):
        link = {
            key: event[key]
            for key in ("chain_version", "previous_hash", "record_kind", "record_id", "from_state", "to_state",
                        "actor", "reason")
        }  # fmt: skip
        moment = event["at"].replace(" ", "T") + "+00:00"
        link |= {"at": moment, "detail": json.loads(event["detail"])}
        canonical = json.dumps(link, sort_keys=True, separators=(",", ":"))
        if event["previous_hash"] != previous or sha(canonical.encode()) != event["hash"]:
            yield f"the chain breaks at event {event['seq']}"
        previous = event["hash"]
        kind, before, after = event["record_kind"], event["from_state"], event["to_state"]
        if kind in TRANSITIONS and before not in (None, after) and after not in TRANSITIONS[kind][before]:
            yield f"event {event['seq']}: {kind} {before} → {after} is no way"
        last[event["record_id"]] = after
    for table in ("batch", "request", "reply", "credential"):
        for row in rows(db, f"select id, state from {table}"):
            if last.get(row["id"]) != row["state"]:
                yield f"{row['id']} is {row['state']}, its history says {last.get(row['id'])}"


def _no_litter(house: House, db: sqlite3.Connection) -> Iterator[str]:
    """No temporary file anywhere, no archived bytes without a row, no lease left."""
    for file in house.folder.rglob("*"):
        if file.is_file() and file.name.endswith(".part"):
            yield f"temporary file {file.relative_to(house.folder)}"
    columns = {
        "batch": ["archive_ref"], "request": ["archive_ref", "wire_ref", "report_ref"],
        "parcel": ["archive_ref"], "reply": ["archive_ref"], "distribution": ["archive_ref"],
    }  # fmt: skip
    refs = {
        row["ref"] for table, names in columns.items() for name in names
        for row in rows(db, f"select {name} as ref from {table} where {name} is not null")
    }  # fmt: skip
    root = house.folder / "var" / "archive"
    for file in root.rglob("*"):
        if file.is_file() and f"{file.parent.name}/{file.name}" not in refs:
            yield f"archived bytes of nobody: {file.relative_to(root)}"


def _nobody_locked_out(house: House, db: sqlite3.Connection) -> Iterator[str]:
    for row in rows(db, "select * from credential"):
        if row["state"] != "ACTIVE":
            yield f"the password of {row['number']} rests in {row['state']} ({row['reason']})"
    for user in house.payer.users():
        if user.locked:
            yield f"the payer locked {user.number}"


def undelivered(house: House) -> list[Path]:
    """What still lies in the payer's return boxes."""
    return [file for number in AGENCIES for file in house.payer.returns(number).iterdir()]
