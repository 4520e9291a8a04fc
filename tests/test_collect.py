"""Collect: what is taken, when, in which order, and what the agency hears at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.dying import Killed
from support.house import House, paimt, zipped

from adapters.memory import Kept
from gateway import platform
from gateway.models import Batch, Deposit
from gateway.stages.collect import POINTS, Collect

SETTLE = {"kind": "folder", "finished": "settle", "settle_seconds": 5}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def waiting(house: House) -> list[str]:
    return sorted(house.boxes.box["pickup:SRC-1"].files)


def test_a_finished_file_becomes_a_collected_lot_and_leaves_the_mailbox(house: House) -> None:
    text = paimt()
    house.deposit("lot.xml", text)
    assert house.collected().worked == 1
    batch = house.batch()
    assert (batch.state, batch.name, batch.size) == ("COLLECTED", "lot.xml", len(text.encode()))
    assert batch.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert house.kept(batch.archive_ref) == text.encode()
    assert waiting(house) == []
    (deposit,) = house.all(Deposit)
    assert (deposit.batch_id, deposit.repeat) == (batch.id, False)
    assert deposit.removed_at == house.clock.now()


def test_the_receipt_tells_time_hash_size_and_what_comes_next(house: House) -> None:
    house.deposit("lot.xml", paimt())
    house.collected()
    (receipt,) = house.replies("receipt")
    batch = house.batch()
    assert (receipt.state, receipt.key, receipt.number, receipt.source_id) == ("MATCHED", batch.id, "18001", "SRC-1")
    assert receipt.facts["sha256"] == batch.sha256
    assert receipt.facts["documents"] == 1
    assert receipt.facts["received_at"] == "2026-10-01T16:00:00+00:00"
    assert set(receipt.facts["next"]) == {"fr", "en"}


def test_the_receipt_of_a_zip_counts_its_documents(house: House) -> None:
    house.deposit("lot.zip", zipped(a=paimt("D-1"), b=paimt("D-2")))
    house.collected()
    assert house.replies("receipt")[0].facts["documents"] == 2


@pytest.mark.parametrize(
    "name",
    [".lot.xml", "~$lot.xml", "Thumbs.db", "THUMBS.DB", "desktop.ini", "a.xml.partial", "a.PART", "a.tmp", "recus"],
)
def test_files_that_are_no_deposits_are_passed_over(house: House, name: str) -> None:
    house.deposit(name, paimt())
    assert house.collected().worked == 0
    assert waiting(house) == [name]


def test_a_file_settles_before_it_is_taken(house: House) -> None:
    house.source(pickup=SETTLE)
    house.deposit("lot.xml", paimt())
    assert house.collected().again_in == 5.0
    house.later(seconds=4)
    assert house.collected().again_in == 1.0
    assert waiting(house) == ["lot.xml"]
    house.later(seconds=1)
    assert house.collected().worked == 1


def test_a_file_that_grows_is_not_taken(house: House) -> None:
    house.source(pickup=SETTLE)
    house.deposit("lot.xml", paimt()[:100])
    house.collected()
    house.later(seconds=5)
    house.deposit("lot.xml", paimt())
    assert house.collected().worked == 0
    house.later(seconds=5)
    assert house.collected().worked == 1


def test_even_without_a_settling_time_two_looks_are_needed(house: House) -> None:
    house.source(pickup=SETTLE | {"settle_seconds": 0})
    house.deposit("lot.xml", paimt())
    assert house.collected().worked == 0
    assert house.collected().worked == 1


def test_a_marker_says_that_a_file_is_whole(house: House) -> None:
    house.source(pickup={"kind": "folder", "finished": "marker"})
    house.deposit("lot.xml", paimt())
    assert house.collected().worked == 0
    house.deposit("lot.xml.done", b"")
    assert house.collected().worked == 1
    assert waiting(house) == []


def test_the_same_bytes_again_are_answered_with_the_first_lot(house: House) -> None:
    (request,) = house.given("lot.xml", paimt())
    house.deposit("again.xml", paimt())
    house.collected()
    first = house.batch()
    assert [(d.batch_id, d.repeat) for d in house.all(Deposit)] == [(first.id, False), (first.id, True)]
    answer = house.replies("receipt")[1].facts
    assert answer["same_as"] == first.id
    assert answer["requests"][0] == {
        "request": request.id,
        "member": None,
        "number": "D-1",
        "state": "READY",
        "reason": None,
    }
    assert waiting(house) == []


def test_bytes_that_were_refused_are_a_new_lot_when_they_come_again(house: House) -> None:
    house.given("lot.xml", "<broken")
    house.given("lot.xml", "<broken")
    assert [batch.state for batch in house.all(Batch)] == ["REFUSED", "REFUSED"]


def test_another_agency_may_deposit_the_same_bytes(house: House) -> None:
    house.agency("AGE-2", "18002")
    house.deposit("lot.xml", paimt())
    house.collected()
    house.deposit("lot.xml", paimt(), "SRC-2")
    house.collected("SRC-2")
    assert [batch.agency_id for batch in house.all(Batch)] == ["AGE-1", "AGE-2"]


@pytest.mark.parametrize("point", POINTS)
def test_a_lot_is_neither_lost_nor_doubled_when_the_process_dies(house: House, killing: Any, point: str) -> None:
    house.deposit("lot.xml", paimt())
    killing(point)
    with pytest.raises(Killed):
        house.collected()
    platform.listen(None)
    house.collected()
    assert waiting(house) == []
    assert house.batch().state == "COLLECTED"
    assert len(house.replies("receipt")) == 1
    assert len(house.all(Deposit)) == 1


def test_other_bytes_under_a_recycled_identity_are_another_deposit(house: House) -> None:
    box = house.boxes.box["pickup:SRC-1"]
    house.deposit("lot.xml", paimt("D-1"))
    serial = box.files["lot.xml"].serial
    house.collected()
    box.files["lot.xml"] = Kept(paimt("D-2").encode(), serial)
    house.collected()
    assert len(house.all(Batch)) == 2
    assert waiting(house) == []


def test_one_unreadable_file_does_not_stop_the_others(house: House) -> None:
    box = house.boxes.box["pickup:SRC-1"]
    house.deposit("a.xml", paimt("D-1"))
    house.deposit("b.xml", paimt("D-2"))
    box.files["a.xml"] = _Leaving(box.files["a.xml"])
    assert house.collected().worked == 1
    assert house.batch().name == "b.xml"


class _Leaving:
    """A file that is listed and then is another one."""

    def __init__(self, kept: Any) -> None:
        self.data = kept.data
        self._serial = kept.serial

    @property
    def serial(self) -> int:
        self._serial += 1
        return self._serial


def test_a_lot_too_large_stays_where_it_is_and_is_reported_once(house: House, tmp_path: Path) -> None:
    house.configure(tmp_path, gateway={"max_lot_bytes": 100})
    house.deposit("lot.xml", paimt())
    house.collected()
    house.collected()
    batch = house.batch()
    assert (batch.state, batch.reason) == ("REFUSED", "LOT_TOO_LARGE")
    (report,) = house.replies("report")
    assert (report.key, report.facts["findings"][0]["code"]) == (batch.id, "LOT_TOO_LARGE")
    assert waiting(house) == ["lot.xml"]


@pytest.fixture
def depot(house: House, tmp_path: Path) -> Path:
    """The agency's mailbox, as a real folder."""
    depot = tmp_path / "depot"
    depot.mkdir()
    house.boxes.folder["pickup:SRC-1"] = depot
    return depot


def told(house: House) -> dict[str, str]:
    """What the agency heard of what was left where it is: name → code. Each is its own report."""
    reports = house.replies("report")
    assert len(reports) == len({report.facts["file"] for report in reports})
    return {report.facts["file"]: report.facts["findings"][0]["code"] for report in reports}


def looks(house: House) -> None:
    """Enough looks for whatever settles."""
    for _ in range(3):
        house.collected()
        house.later(seconds=5)


def test_what_is_never_taken_stays_where_it_is_and_is_reported_once(house: House, depot: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.xml"
    theirs.write_text(paimt())
    (depot / "link.xml").symlink_to(theirs)
    (depot / "folder.zip").mkdir()
    os.mkfifo(depot / "pipe.xml")
    os.link(theirs, depot / "hard.xml")
    (depot / "a\nb.xml").write_text(paimt())
    (depot / "archives").mkdir()
    there = sorted(depot.iterdir())
    looks(house)
    house.collect = Collect()  # another process
    looks(house)
    assert told(house) == {
        "link.xml": "NOT_A_FILE",
        "folder.zip": "NOT_A_FILE",
        "pipe.xml": "NOT_A_FILE",
        "hard.xml": "LINKED_TWICE",
        "a\\nb.xml": "UNUSABLE_NAME",
    }
    assert {(batch.state, batch.sha256, batch.archive_ref) for batch in house.all(Batch)} == {("REFUSED", "", "")}
    assert sorted(depot.iterdir()) == there
    assert house.replies("receipt") == []


def test_the_report_about_what_is_never_taken_says_why_and_what_to_do_in_both_languages(
    house: House, depot: Path
) -> None:
    (depot / "link.xml").symlink_to(depot / "nowhere")
    looks(house)
    (report,) = house.replies("report")
    assert (report.key, report.source_id, report.number) == (house.batch().id, "SRC-1", "18001")
    for part in ("says", "next"):
        assert all(report.facts[part][lang] for lang in ("fr", "en"))


def test_a_file_that_has_two_names_for_a_moment_is_taken_like_any_other(house: House, depot: Path) -> None:
    """Many programs give a whole file its name by a link, and then take the first name away."""
    (depot / ".lot.tmp").write_text(paimt())
    os.link(depot / ".lot.tmp", depot / "lot.xml")
    assert house.collected().again_in == 5.0
    (depot / ".lot.tmp").unlink()
    assert house.collected().worked == 1
    looks(house)
    assert house.batch().state == "COLLECTED"
    assert told(house) == {}


def test_a_file_in_the_place_of_what_was_refused_is_taken(house: House, depot: Path, tmp_path: Path) -> None:
    os.link(_written(tmp_path / "other", paimt("D-1")), depot / "a.xml")
    (depot / "b.xml").symlink_to(tmp_path / "other")
    looks(house)
    (tmp_path / "other").unlink()  # the last other name goes: the same file may be taken now
    (depot / "b.xml").unlink()
    _written(depot / "b.xml", paimt("D-2"))
    looks(house)
    assert sorted(batch.name for batch in house.all(Batch) if batch.state == "COLLECTED") == ["a.xml", "b.xml"]
    assert told(house) == {"a.xml": "LINKED_TWICE", "b.xml": "NOT_A_FILE"}


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_icon_that_a_desktop_left_is_no_deposit(house: House, depot: Path) -> None:
    _written(depot / "Icon\r", "")
    looks(house)
    assert house.all(Batch) == []
