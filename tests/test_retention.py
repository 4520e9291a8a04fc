"""Retention: only what is finished and owed to nobody goes; what went stays gone, whatever is restored."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlmodel import SQLModel
from support import records
from support.command import call
from support.copies import Copied, copied
from support.dying import Killed, die_at

from gateway import backups, platform, retention, tombstones
from gateway.archive import Shelf
from gateway.backups.release import release
from gateway.config import RetentionConfig, load, paths
from gateway.errors import ConfigError, SealingError, StoreError
from gateway.models import (
    Batch,
    Deposit,
    Incident,
    Invoice,
    Parcel,
    Recall,
    Reply,
    Request,
    Statement,
    StatementEntry,
    Submission,
)
from gateway.retention import POINTS, Due, survey
from gateway.store import Tx, chain
from gateway.store import retention as rows

KEPT = {"documents": "365d", "statements": "365d"}
PARTS = ("LOT-1", "RET-1", "RET-2", "COL-1")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Copied]:
    with copied(tmp_path, retention=KEPT) as made:
        finished(made)
        yield made
    platform.listen(None)


def finished(place: Copied) -> None:
    """A lot with one invoice that was paid, a bit more than a year ago; its reply and its statement were delivered."""
    place.lot("LOT-1", b"<lot/>")
    refs = {owner: place.archive.put(owner, io.BytesIO(owner.encode())) for owner in PARTS[1:]}
    for owner in PARTS[:3]:
        place.parts.keyring.make(owner)
    ids: dict[str, Any] = {"request_id": "DEM-1", "ordinal": 1, "batch_id": "LOT-1", "agency_id": records.AGENCY}
    money = dict.fromkeys(("paid_cents", "withheld_cents", "carried_in_cents", "carried_out_cents", "total_cents"), 1)
    with place.store.write() as tx:
        batch = tx.session.get_one(Batch, "LOT-1")
        records.request(tx, batch, id="DEM-1", archive_ref=batch.archive_ref, sha256=batch.sha256)
        tx.session.add(Invoice(id="FAC-1", **ids))
        tx.session.add(Submission(**ids, action="new", invoice_id="FAC-1", verdict="receivable"))
        tx.session.add(Deposit(id="DEP-1", batch_id="LOT-1", endpoint="SRC-1", name="lot.xml", identity="1", mtime_ns=1,
                               size=1, sha256="", received_at=tx.now, removed_at=tx.now))  # fmt: skip
        tx.session.add(Parcel(id="COL-1", payer="sandbox", number="18001", name="r.zip", received_at=tx.now,
                              removed_at=tx.now, **of(refs["COL-1"])))  # fmt: skip
        tx.session.flush()
        records.reply(tx, id="RET-1", request_id="DEM-1", parcel_id="COL-1", **of(refs["RET-1"]))
        records.reply(tx, id="RET-2", kind="statement", parcel_id="COL-1", **of(refs["RET-2"]))
        tx.session.add(StatementEntry(reply_id="RET-2", position=1, invoice_id="FAC-1", kind="PAIE", paid_cents=1))
        tx.session.add(Statement(reply_id="RET-2", payer="sandbox", no_etat_compte="1", dated=tx.now.date(), period="1",
                                 mode="DEPOT", system="RFP", account="personal:231234", agency_id="AGE-1",
                                 **money))  # fmt: skip
        tx.session.flush()
        put(tx, Batch, state="VALIDATED")
        put(tx, Request, state="RECEIVABLE")
        put(tx, Reply, state="DISTRIBUTED")
    place.clock.advance(timedelta(days=400))


def of(stored: Any) -> dict[str, Any]:
    return {"archive_ref": stored.ref, "sha256": stored.sha256, "size": stored.size}


def put(tx: Tx, model: type[SQLModel], **values: Any) -> None:
    tx.session.execute(update(model).values(**values))


def due(place: Copied) -> Due:
    with place.store.read() as tx:
        return survey(tx, place.parts.config.retention)


def is_gone(place: Copied, *owners: str) -> bool:
    """No bytes, no key; a tombstone here, in the database and beside the backups."""
    with place.store.read() as tx:
        buried = rows.known(tx, owners)
    listed = tombstones.owners(paths(place.state).tombstones)
    return buried >= {*owners} <= listed and not any(place.archive.has(owner) for owner in owners)


def test_what_is_finished_and_old_is_due_and_goes(place: Copied) -> None:
    assert due(place) == Due(["LOT-1", "RET-1"], ["RET-2"], 0)
    gone = retention.purge(place.parts)
    assert (gone.owners, gone.files) == (4, 4)
    assert is_gone(place, *PARTS)
    with pytest.raises(SealingError, match="destroyed"):
        place.parts.keyring.get("LOT-1")
    assert due(place) == Due([], [], 0)
    assert retention.purge(place.parts).owners == 0
    with place.store.read() as tx:
        assert chain.examine(tx).flaw is None
        assert tx.session.get_one(Batch, "LOT-1").sha256  # rows stay: they tell a repeat from something new


def test_nothing_goes_before_its_time_or_where_no_time_is_set(tmp_path: Path) -> None:
    for said in ({}, {"documents": "500d", "statements": "500d"}):
        with copied(tmp_path / str(len(said)), retention=said) as place:
            finished(place)
            assert due(place) == Due([], [], 0)
            assert retention.purge(place.parts).owners == 0


def younger(tx: Tx) -> None:
    put(tx, Reply, created_at=tx.now)


def recalled(tx: Tx, **values: Any) -> None:
    facts: dict[str, Any] = {"what": "sent", "record_id": "DEM-1", "agency_id": "AGE-1", "account": "personal:231234"}
    times = {"day": tx.now.date(), "happened_at": tx.now, "found_at": tx.now}
    tx.session.add(Recall(id="RCL-1", code="account_not_accredited", found_by="Tremblay", **times, **facts | values))


UNFINISHED: dict[str, Callable[[Tx], Any]] = {
    "its lot is not judged": lambda tx: put(tx, Batch, state="COLLECTED"),
    "its lot is held": lambda tx: put(tx, Batch, state="HELD"),
    "a request waits": lambda tx: put(tx, Request, state="READY"),
    "a request is held": lambda tx: put(tx, Request, state="HELD"),
    "a request waits for its answer": lambda tx: put(tx, Request, state="TRANSMITTED"),
    "a reply is not delivered": lambda tx: put(tx, Reply, state="MATCHED"),
    "a reply is held": lambda tx: put(tx, Reply, state="HELD"),
    "a reply came lately": younger,
    "its file is still in the folder": lambda tx: put(tx, Deposit, removed_at=None),
    "an invoice is on no statement": lambda tx: tx.session.execute(delete(StatementEntry)),
    "it should not have gone": recalled,
    "its answer should not have gone": lambda tx: recalled(tx, what="handed_over", record_id="RET-1"),
    "an invoice has no verdict": lambda tx: (
        put(tx, Submission, verdict=None),
        tx.session.execute(delete(StatementEntry)),
    ),
}


@pytest.mark.parametrize("what", UNFINISHED)
def test_what_is_unfinished_or_owed_is_never_purged(what: str, place: Copied) -> None:
    with place.store.write() as tx:
        UNFINISHED[what](tx)
    found = due(place)
    assert (found.documents, found.staying) == ([], 1)
    retention.purge(place.parts)
    assert place.archive.has("LOT-1")


@pytest.mark.parametrize("what", ["cancelled", "not_receivable"])
def test_what_nobody_will_pay_is_not_owed(what: str, place: Copied) -> None:
    with place.store.write() as tx:
        tx.session.execute(delete(StatementEntry))
        if what == "cancelled":
            put(tx, Invoice, cancelled_by="DEM-2")
        else:
            put(tx, Submission, verdict="not_receivable")
    assert "LOT-1" in due(place).documents


def test_a_statement_that_should_not_have_been_handed_over_stays_until_its_incident_is_closed(place: Copied) -> None:
    with place.store.write() as tx:
        recalled(tx, what="handed_over", record_id="RET-2", incident_id="INC-1")
        ends = {"opened_at": tx.now, "aware_on": tx.now.date(), "closed_at": None}
        tx.session.add(Incident(id="INC-1", opened_by="Tremblay", origin="recall", **ends))
    assert due(place).statements == []
    with place.store.write() as tx:
        put(tx, Incident, closed_at=tx.now)
    assert due(place).statements == ["RET-2"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_a_purge_is_carried_through(point: str, place: Copied) -> None:
    place.backup()
    die_at(point)
    with pytest.raises(Killed):
        retention.purge(place.parts)
    retention.finish(place.parts)
    assert is_gone(place, "LOT-1", "RET-1", "RET-2")
    retention.purge(place.parts)
    assert is_gone(place, *PARTS)
    assert not any(place.folder.holds(owner) for owner in PARTS)
    backups.rehearse(place.parts, place.folder)


def test_what_was_purged_stays_purged_after_a_restoration(place: Copied, tmp_path: Path) -> None:
    before = place.backup().manifest.name
    assert place.folder.holds("LOT-1")
    gone = retention.purge(place.parts)
    assert (gone.in_backups, gone.reached) == (4, True)
    place.restored(tmp_path / "elsewhere", before)
    place.moved_to(tmp_path / "elsewhere")
    assert is_gone(place, *PARTS)
    with pytest.raises(SealingError, match="destroyed"):
        place.parts.keyring.get("LOT-1")
    release(place.parts, reason="the disk broke")
    proof = retention.prove(place.parts, "LOT-1")
    assert proof is not None
    assert proof.holds


def test_a_copy_of_the_folder_from_before_the_purge_brings_nothing_back_either(place: Copied, tmp_path: Path) -> None:
    """Objects put back by hand, say from a copy of the copy: the tombstones alone keep them out."""
    place.backup()
    objects = {path: path.read_bytes() for path in place.folder.root.rglob("objects/*/*/*")}
    retention.purge(place.parts)
    for path, data in objects.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    restored = place.restored(tmp_path / "elsewhere")
    assert restored.purged == 4
    assert not any(Shelf(tmp_path / "elsewhere" / "archive").has(owner) for owner in PARTS)


def test_a_folder_that_was_away_at_the_purge_learns_of_it_at_the_next_backup(place: Copied) -> None:
    place.backup()
    away = place.folder.root.rename(place.folder.root.with_name("away"))
    assert not retention.purge(place.parts).reached
    away.rename(place.folder.root)
    assert place.folder.holds("LOT-1")
    place.backup()
    assert not place.folder.holds("LOT-1")
    assert "LOT-1" in tombstones.owners(place.folder.tombstones)


def test_a_list_of_tombstones_can_be_given_to_a_restoration(place: Copied, tmp_path: Path) -> None:
    place.backup()
    away = place.folder.root.rename(place.folder.root.with_name("away"))
    retention.purge(place.parts)
    away.rename(place.folder.root)
    (tmp_path / "elsewhere" / "keys").mkdir(parents=True, mode=0o700)
    masters, name = place.parts.keyring.masters, place.folder.names()[-1]
    more: dict[str, Any] = {"actor": "Tremblay", "more": paths(place.state).tombstones}
    made = backups.restore(place.folder, name, tmp_path / "elsewhere", masters, place.clock, **more)
    assert made.purged == 4


def test_a_proof_tells_what_is_left(place: Copied) -> None:
    assert retention.prove(place.parts, "LOT-1") is None
    (ref,) = (one.ref for one in place.archive.of("LOT-1"))
    place.backup()
    retention.purge(place.parts)
    proof = retention.prove(place.parts, "LOT-1")
    assert proof is not None
    assert (proof.holds, proof.key, proof.in_backups, proof.files) == (True, "destroyed", False, 1)
    place.archive.lay(ref, lambda file: file.write(b"back again"))
    again = retention.prove(place.parts, "LOT-1")
    assert again is not None
    assert (again.holds, again.lying) == (False, True)


def test_a_list_of_tombstones_that_cannot_be_read_stops_a_purge(place: Copied) -> None:
    paths(place.state).tombstones.write_text("rubbish\n")
    with pytest.raises(Exception, match="no tombstone"):
        retention.purge(place.parts)
    assert place.archive.has("LOT-1")


def test_the_history_is_kept_for_five_years_at_least(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="five years"):
        RetentionConfig(audit="365d")
    (tmp_path / "gateway.toml").write_text('config_version = 1\n[retention]\naudit = "1y"\n')
    with pytest.raises(ConfigError):
        load(tmp_path / "gateway.toml")


def test_the_commands_show_purge_and_prove(place: Copied, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('config_version = 1\n[gateway]\nstate_dir = "state"\n[retention]\ndocuments = "365d"\n')
    place.clock.advance(timedelta(days=1))
    with place.store.write() as tx:
        long_ago = tx.now - timedelta(days=3650)
        put(tx, Batch, received_at=long_ago)
        put(tx, Reply, created_at=long_ago)
        put(tx, Parcel, received_at=long_ago)
    words = ("--config", file, "--lang", "en", "--actor", "Tremblay")
    assert call("purge", *words) == 2
    assert call("purge", "--preview", *words) == 0
    said = capsys.readouterr().out
    assert "Documents to purge: 1 lot(s), 2 record(s) in all, 2 file(s)" in said
    assert "Statements: kept for good" in said
    assert place.archive.has("LOT-1")
    assert call("purge", "--yes", *words) == 0
    assert not place.archive.has("LOT-1")
    assert place.archive.has("RET-2")
    assert call("purge", "proof", "LOT-1", *words) == 0
    assert "by Tremblay" in capsys.readouterr().out
    assert call("purge", "proof", "RET-2", *words) == 2


def test_reading_what_was_purged_is_a_sentence(place: Copied) -> None:
    with place.store.read() as tx:
        ref = tx.session.get_one(Batch, "LOT-1").archive_ref
    retention.purge(place.parts)
    with pytest.raises(StoreError):
        place.archive.open(ref)
