"""What the checker asks once nothing is left to do: everything arrived, counts once, and left no litter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from faults.documents import AGENCIES
from faults.evidence import Evidence, rows
from faults.secrets_kept import leaks

SETTLED = {"RECEIVABLE", "NOT_RECEIVABLE", "REFUSED", "CANCELLED"}
SENT = {"RECEIVABLE", "NOT_RECEIVABLE", "TRANSMITTED"}


def unrest(seen: Evidence, doubt: bool) -> Iterator[str]:
    """See `checker.at_rest`."""
    yield from _not_at_rest(seen, doubt)
    yield from _left_lying(seen)
    yield from _payer_agrees(seen, doubt)
    yield from _invoices(seen)
    yield from _applied_once(seen)
    yield from _litter(seen)
    yield from leaks(seen)


def _not_at_rest(seen: Evidence, doubt: bool) -> Iterator[str]:
    waits = {"HELD"} if doubt else set()
    for row in seen.requests:
        doubtful = row["state"] == "HELD" and row["reason"] == "in_doubt"
        if row["state"] not in SETTLED | waits or (row["state"] == "HELD" and not doubtful):
            yield f"I1 {row['id']} rests in {row['state']} {row['reason']}"
    for batch in seen.batches:
        if batch["state"] not in ("VALIDATED", "REFUSED"):
            yield f"I1 {batch['id']} rests in {batch['state']}"
    for row in rows(seen.gateway, "select id, kind, state, reason from reply"):
        if row["state"] not in ("DISTRIBUTED", "DISCARDED"):
            yield f"I5 {row['id']} ({row['kind']}) rests in {row['state']} {row['reason']}"


def _left_lying(seen: Evidence) -> Iterator[str]:
    """I1: nothing lies where it was deposited, and no password is left that does not work."""
    for name in seen.house.deposited:
        if (seen.house.folder / name).exists():
            yield f"I1 {name} still lies in the deposit folder"
    if len(seen.batches) != len(seen.house.deposited):
        yield f"I1 {len(seen.batches)} lots for {len(seen.house.deposited)} files"
    for row in rows(seen.gateway, "select number, state, reason from credential where state != 'ACTIVE'"):
        yield f"I9 the password of {row['number']} rests in {row['state']} {row['reason']}"


def _payer_agrees(seen: Evidence, doubt: bool) -> Iterator[str]:
    """I2: what we say we sent the payer has, and what it processed we know to be sent."""
    had = {(d["number"], d["name"], d["sha256"]) for d in seen.deposits}
    new = {d["name"] for d in seen.deposits if d["new"]}
    states = {}
    for row in seen.requests:
        states[row["wire_name"]] = row["state"]
        if row["state"] in SENT and (row["number"], row["wire_name"], row["wire_sha256"]) not in had:
            yield f"I2 {row['id']} is {row['state']} but the payer never had it"
        if row["state"] in SENT and row["wire_name"] not in new:
            yield f"I2 {row['id']} is {row['state']} but the payer never processed it"
    for name in new:
        if states.get(name) not in SENT | ({"HELD"} if doubt else set()):
            yield f"I2 the payer processed {name}, which is {states.get(name)}"


def _invoices(seen: Evidence) -> Iterator[str]:
    """I2: no invoice stands twice; of a document of which a part went, every invoice is in one part."""
    for row in rows(seen.gateway, "select agency_id, no_fact_ext, count(*) as n from invoice group by 1, 2"):
        if row["n"] > 1:
            yield f"I2 invoice {row['no_fact_ext']} stands {row['n']} times"
    counts = {
        r["request_id"]: r["n"] for r in rows(seen.gateway, "select request_id, count(*) n from submission group by 1")
    }
    for row in rows(seen.gateway, "select * from salvage"):
        kept, aside = (counts.get(row[name], 0) for name in ("derived_id", "request_id"))
        if (kept, aside) != (row["kept_invoices"], row["aside_invoices"]) or row["invoices"] != kept + aside:
            yield f"I2 the parts of {row['request_id']} hold {kept} and {aside} invoices"
    derived = rows(seen.gateway, "select id from request where derived_from is not null")
    if len(derived) != len(rows(seen.gateway, "select 1 from salvage where derived_id is not null")):
        yield "I2 a part of a request has no lineage"


def _applied_once(seen: Evidence) -> Iterator[str]:
    """I4, I5: each answer and each statement counts once, and was handed over once."""
    for row in rows(
        seen.gateway,
        "select record_id, count(*) n from event where record_kind = 'request'"
        " and to_state in ('RECEIVABLE', 'NOT_RECEIVABLE') and from_state != to_state group by 1",
    ):
        if row["n"] > 1:
            yield f"I4 {row['record_id']} was answered {row['n']} times"
    for row in rows(seen.gateway, "select no_etat_compte, count(*) n from statement group by 1"):
        if row["n"] > 1:
            yield f"I4 statement {row['no_etat_compte']} was applied {row['n']} times"
    entries = {
        r["reply_id"]: r["n"] for r in rows(seen.gateway, "select reply_id, count(*) n from statement_entry group by 1")
    }
    for row in rows(seen.gateway, "select reply_id, entries from statement"):
        if entries.get(row["reply_id"], 0) != row["entries"]:
            yield f"I4 {row['reply_id']} has {entries.get(row['reply_id'], 0)} entries of {row['entries']}"
    lying = Counter(name for number in AGENCIES for name in seen.returns(number))
    for row in rows(seen.gateway, "select name, delivered_at from distribution"):
        if row["delivered_at"] is None or lying[row["name"]] != 1:
            yield f"I5 {row['name']} lies {lying[row['name']]} times in returns"
    posted = {row["archive"] for row in rows(seen.payer, "select distinct archive from statements")}
    fetched = {row["name"] for row in rows(seen.gateway, "select name from parcel")}
    waiting = {file.name for file in seen.house.undelivered()}
    for name in posted - fetched - waiting:
        yield f"I5 the parcel {name} is nowhere"


def _litter(seen: Evidence) -> Iterator[str]:
    """I7: no temporary file anywhere, no archived bytes without a row."""
    for file in seen.house.folder.rglob("*"):
        if file.is_file() and file.name.endswith((".part", ".upload", "-journal")) and file.stat().st_size:
            yield f"I7 temporary file {file.relative_to(seen.house.folder)}"
    refs = seen.references()
    for ref in seen.lying_in_archive() - refs:
        yield f"I7 archived bytes of nobody: {ref}"
    for ref in refs - seen.lying_in_archive():
        yield f"I1 archived bytes are missing: {ref}"
