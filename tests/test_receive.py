"""Receive: what the payer left is kept before it is removed, once, and whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.dying import Killed
from support.returns import Fact, ReturnHouse, parcel, recev, sha256, statement

from adapters.memory import Memory
from gateway import platform
from gateway.arrivals import Looks
from gateway.errors import Unreachable
from gateway.models import Due, Parcel, Reply, TransmissionNumber
from gateway.ports import WaitingFile
from gateway.stages.receive import POINTS
from gateway.store import due

ANSWER = recev("D-1", Fact("F-1", "00000000101"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


def test_a_reply_is_archived_recorded_and_then_removed(house: ReturnHouse) -> None:
    house.left("D-1.recev.xml", ANSWER)
    assert house.fetched().worked == 1
    assert house.at_the_payer_for_us() == []
    (kept,) = house.all(Parcel)
    assert (kept.name, kept.sha256, kept.replies) == ("D-1.recev.xml", sha256(ANSWER), 1)
    assert kept.removed_at is not None
    (reply,) = house.all(Reply)
    assert (reply.state, reply.payer, reply.number) == ("RECEIVED", "sandbox", "18001")
    assert house.kept(reply.archive_ref) == ANSWER.encode()


def test_a_parcel_of_statements_is_one_reply_for_each_document(house: ReturnHouse) -> None:
    house.left("EC_18001_2026-10-08.zip", parcel(a=statement("EC-1"), b=statement("EC-2")))
    house.fetched()
    replies = house.all(Reply)
    assert sorted(reply.name for reply in replies) == ["a.xml", "b.xml"]
    assert {house.kept(reply.archive_ref).decode() for reply in replies} == {statement("EC-1"), statement("EC-2")}
    assert {reply.sha256 for reply in replies} == {sha256(statement("EC-1")), sha256(statement("EC-2"))}


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04 and no more", parcel(a="<a/>")[:-9], parcel(), parcel(**{"../../etc/cron": "<a/>"})],
    ids=["no archive", "cut", "empty", "a name that climbs"],
)
def test_a_parcel_that_cannot_be_opened_is_one_held_reply_with_its_bytes(house: ReturnHouse, data: bytes) -> None:
    house.left("EC_18001_2026-10-08.zip", data)
    house.fetched()
    (reply,) = house.all(Reply)
    assert (reply.state, reply.reason) == ("HELD", "parcel_unreadable")
    assert house.kept(reply.archive_ref) == data
    assert house.at_the_payer_for_us() == []


def test_a_file_that_settles_is_taken_only_after_two_looks_that_agree(tmp_path: Path) -> None:
    house = ReturnHouse(tmp_path, returns_finished="settle", settle_seconds=5)
    house.left("D-1.recev.xml", ANSWER[:100])
    assert house.fetched().again_in == 5
    house.left("D-1.recev.xml", ANSWER)  # it grew
    house.later(seconds=5)
    assert house.fetched().worked == 0
    house.later(seconds=5)
    assert house.fetched().worked == 1
    assert house.all(Parcel)[0].sha256 == sha256(ANSWER)
    house.close()


def test_each_file_settles_in_its_own_time() -> None:
    looks = Looks()
    old, new = (WaitingFile(name, 1, 1, name) for name in ("old", "new"))
    assert looks.finished([old], "settle", 5, 0.0) == ([], 5.0)
    assert looks.finished([old, new], "settle", 5, 3.0) == ([], 2.0)
    assert looks.finished([old, new], "settle", 5, 5.0) == ([old], 3.0)


@pytest.mark.parametrize("name", [".D-1.recev.xml.part", "~$D-1.xml", "D-1.recev.xml.partial", "D-1.TMP"])
def test_a_name_under_which_somebody_still_writes_is_left_alone(house: ReturnHouse, name: str) -> None:
    house.left(name, ANSWER)
    assert house.fetched().worked == 0
    assert house.all(Parcel) == []


def test_the_same_file_lying_there_after_a_crash_is_only_removed(house: ReturnHouse, killing: Any) -> None:
    house.left("D-1.recev.xml", ANSWER)
    killing("receive.recorded")
    with pytest.raises(Killed):
        house.fetched()
    platform.listen(None)
    assert house.at_the_payer_for_us() == ["D-1.recev.xml"]
    house.fetched()
    assert house.at_the_payer_for_us() == []
    assert (len(house.all(Parcel)), len(house.all(Reply))) == (1, 1)


def test_what_the_payer_says_again_after_we_took_it_is_a_reply_again(house: ReturnHouse) -> None:
    house.left("D-1.recev.xml", ANSWER)
    house.fetched()
    house.left("D-1.recev.xml", ANSWER)
    house.fetched()
    (kept,) = house.all(Parcel)
    first, second = house.all(Reply)
    assert kept.replies == 2
    assert first.archive_ref != second.archive_ref
    assert house.kept(second.archive_ref) == ANSWER.encode()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", ["D-1.recev.xml", "EC_18001_2026-10-08.zip"])
def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(
    house: ReturnHouse, killing: Any, point: str, name: str
) -> None:
    house.left(name, ANSWER if name.endswith("xml") else parcel(a=statement("EC-1"), b=statement("EC-2")))
    killing(point)
    with pytest.raises(Killed):
        house.fetched()
    platform.listen(None)
    house.fetched()
    assert house.at_the_payer_for_us() == []
    (kept,) = house.all(Parcel)
    assert kept.removed_at is not None
    assert len(house.all(Reply)) == kept.replies == (1 if name.endswith("xml") else 2)


def test_match_is_woken_with_the_work(house: ReturnHouse) -> None:
    with house.store.write() as tx:
        due.sync(tx, [("match", "sandbox:18001", 3600.0)])
        tx.session.flush()
        due.claim(tx, "match", "sandbox:18001", owner="w")
        due.finish(tx, "match", "sandbox:18001", again_in=None, error=None)
    house.left("D-1.recev.xml", ANSWER)
    house.fetched()
    (row,) = house.all(Due)
    assert row.next_run == house.clock.now()


def test_one_file_that_cannot_be_kept_stops_no_other(house: ReturnHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.left("A.recev.xml", ANSWER)
    house.left("B.recev.xml", ANSWER)
    read = Memory.read

    def unlucky(self: Memory, file: WaitingFile, sink: Any) -> None:
        if file.name == "A.recev.xml":
            raise OSError("disk")
        read(self, file, sink)

    monkeypatch.setattr(Memory, "read", unlucky)
    assert house.fetched().worked == 1
    assert house.at_the_payer_for_us() == ["A.recev.xml"]


def test_a_file_longer_than_it_was_listed_is_not_taken(house: ReturnHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.left("D-1.recev.xml", ANSWER)
    monkeypatch.setattr(Memory, "read", lambda self, file, sink: sink.write(ANSWER.encode() + b"more"))
    assert house.fetched().worked == 0
    assert house.all(Parcel) == []


def test_a_parcel_above_the_limit_stays_at_the_payer(house: ReturnHouse, tmp_path: Path) -> None:
    house.configure(tmp_path, gateway={"max_unpacked_bytes": 10}, returns_finished="rename")
    house.left("D-1.recev.xml", ANSWER)
    assert house.fetched().worked == 0
    assert house.at_the_payer_for_us() == ["D-1.recev.xml"]


def test_a_payer_that_does_not_answer_is_the_endpoints_trouble(house: ReturnHouse) -> None:
    house.boxes.box["returns:18001"].unreachable = True
    with pytest.raises(Unreachable):
        house.fetched()


def test_every_number_held_today_is_looked_at_and_no_other(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    house.add(
        TransmissionNumber(
            id="NUM-3",
            payer="sandbox",
            number="18003",
            agency_id="AGE-2",
            valid_from=date(2027, 1, 1),
            recorded_at=house.clock.now(),
        )
    )
    assert [e.name for e in house.receive.endpoints(house.rooms)] == ["sandbox:18001", "sandbox:18002"]


def test_what_is_never_taken_from_the_payer_is_said_once_and_is_no_parcel(house: ReturnHouse, tmp_path: Path) -> None:
    box = house.boxes.folder["returns:18001"] = tmp_path / "returns"
    box.mkdir()
    (box / "lien.xml").symlink_to(tmp_path / "secret")
    (box / "D-1.recev.xml").write_text(ANSWER)
    with capture_logs() as said:
        assert [house.fetched().worked for _ in range(3)] == [1, 0, 0]
    assert [(e["endpoint"], e["refused"]) for e in said if e["event"] == "entry_refused"] == [
        ("sandbox:18001", "not_a_file")
    ]
    assert [parcel.name for parcel in house.all(Parcel)] == ["D-1.recev.xml"]
    assert (box / "lien.xml").is_symlink()
