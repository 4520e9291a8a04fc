"""Distribute: whole, once, to the one agency, under a name that tells what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.dying import Killed
from support.returns import Fact, ReturnHouse, parcel, recev, sha256, statement

from adapters.memory import Memory
from gateway import platform
from gateway.errors import StaleState
from gateway.identifiers import new_id
from gateway.models import Agency, Attempt, Distribution, Reply, Source
from gateway.stages import Outcome
from gateway.stages.distribute import POINTS
from gateway.stages.distribute.artefacts import artefact_name
from gateway.states import ReplyState
from gateway.store import moves, replies

ANSWER = recev("D-1", Fact("F-1", "00000000101"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


@pytest.fixture
def owed(house: ReturnHouse) -> Reply:
    """A matched reply to D-1."""
    house.transmitted(invoices=["F-1"])
    (reply,) = house.answered("D-1.recev.xml", ANSWER)
    assert reply.state == "MATCHED"
    return reply


def receipt(house: ReturnHouse, key: str = "LOT-1", **values: Any) -> Reply:
    """One of our own answers, born matched."""
    with house.store.write() as tx:
        reply = Reply(
            **{
                "id": new_id("RET"),
                "kind": "receipt",
                "state": ReplyState.MATCHED,
                "agency_id": "AGE-1",
                "source_id": "SRC-1",
                "key": key,
                "name": "lot.xml",
                "facts": {"lot": key},
                "created_at": tx.now,
            }
            | values
        )
        moves.born(tx, reply, "receipt")
    return reply


def test_a_reply_arrives_untouched_beside_a_page_and_data(house: ReturnHouse, owed: Reply) -> None:
    assert house.distributed().worked == 1
    assert house.now(owed).state == "DISTRIBUTED"
    there = house.at_the_agency()
    assert sorted(Path(name).suffix for name in there) == [".html", ".json", ".xml"]
    assert there[f"recev_18001_D-1_{sha256(ANSWER)[:8]}.xml"] == ANSWER.encode()
    for name, data in there.items():
        assert name.startswith("recev_18001_D-1_")
        assert name.rpartition("_")[2].split(".")[0] == hashlib.sha256(data).hexdigest()[:8]
    data = json.loads(next(d for name, d in there.items() if name.endswith("json")))
    assert (data["status"], data["invoices"][0]["payer_number"]) == ("receivable", "00000000101")


def test_a_statement_goes_to_the_first_source(house: ReturnHouse) -> None:
    house.add(Source(id="SRC-1b", agency_id="AGE-1", position=2, name="other"))
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    house.distributed("SRC-1")
    house.distributed("SRC-1b")
    assert f"etat_18001_EC-2026-000101_{sha256(statement())[:8]}.xml" in house.at_the_agency("SRC-1")
    assert house.at_the_agency("SRC-1b") == {}


def test_a_receipt_has_a_page_and_data_and_is_named_after_the_lot(house: ReturnHouse) -> None:
    receipt(house)
    house.distributed()
    names = sorted(house.at_the_agency())
    assert [name.rpartition("_")[0] for name in names] == ["receipt_18001_LOT-1"] * 2


def test_the_page_is_in_the_agencys_language(house: ReturnHouse) -> None:
    with house.store.write() as tx:
        tx.session.get_one(Agency, "AGE-1").language = "en"
    receipt(house)
    house.distributed()
    page = next(data for name, data in house.at_the_agency().items() if name.endswith("html"))
    assert b'lang="en' in page


def test_two_replies_with_the_same_bytes_and_key_do_not_share_a_name(house: ReturnHouse) -> None:
    refusal = recev("D-1", Fact("F-1", code="9901"))
    for _ in range(2):
        house.transmitted(invoices=["F-1"])
        house.answered("D-1.recev.xml", refusal)
        house.distributed()
    documents = sorted(name for name in house.at_the_agency() if name.endswith(".xml"))
    assert documents == [f"recev_18001_D-1-2_{sha256(refusal)[:8]}.xml", f"recev_18001_D-1_{sha256(refusal)[:8]}.xml"]


@pytest.mark.parametrize("key", ["../../x", "a/b", "é" * 50, "A" * 300, "con", "a b", "x\ny", ""])
def test_any_key_makes_a_plain_short_name(key: str) -> None:
    name = artefact_name("receivability", "18001", key, "ab" * 32, "html")
    assert name.isascii()
    assert len(name) <= 120
    assert not set(name) & set("/\\: \n")
    assert name == artefact_name("receivability", "18001", key, "ab" * 32, "html")


def test_odd_keys_that_look_alike_when_escaped_stay_apart() -> None:
    names = {artefact_name("receipt", "18001", key, "00" * 32, "json") for key in ("a/b", "a-b", "a b", "A/B")}
    assert len({name.lower() for name in names}) == 4


def test_the_intent_is_on_record_before_the_first_byte_leaves(house: ReturnHouse, owed: Reply, killing: Any) -> None:
    killing("distribute.intended")
    with pytest.raises(Killed):
        house.distributed()
    assert house.at_the_agency() == {}
    assert len(house.all(Distribution)) == len(house.all(Attempt)) == 3
    assert {attempt.outcome for attempt in house.all(Attempt)} == {None}


@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_gives_no_second_copy(
    house: ReturnHouse, owed: Reply, killing: Any, point: str, time: int
) -> None:
    killing(point, time)
    try:
        house.distributed()
    except Killed:
        house.later(seconds=house.rooms.config.gateway.lease_seconds + 1)
    house.distributed()
    assert house.now(owed).state == "DISTRIBUTED"
    assert len(house.at_the_agency()) == len(house.all(Distribution)) == 3
    assert all(artefact.delivered_at for artefact in house.all(Distribution))
    assert None not in {attempt.outcome for attempt in house.all(Attempt)}


def test_what_was_rendered_before_a_kill_is_not_rendered_again(house: ReturnHouse, owed: Reply, killing: Any) -> None:
    killing("distribute.recorded")
    with pytest.raises(Killed):
        house.distributed()
    before = [(artefact.name, artefact.archive_ref) for artefact in house.all(Distribution)]
    house.later(days=3)
    house.distributed()
    assert [(artefact.name, artefact.archive_ref) for artefact in house.all(Distribution)] == before


def test_a_living_lease_is_respected(house: ReturnHouse, owed: Reply, killing: Any) -> None:
    killing("distribute.intended")
    with pytest.raises(Killed):
        house.distributed()
    assert house.distributed() == Outcome(0, again_in=300.0)
    assert house.now(owed).state == "DISTRIBUTING"


def test_returns_that_do_not_answer_are_tried_again_later(house: ReturnHouse, owed: Reply) -> None:
    house.boxes.box["returns:SRC-1"].unreachable = True
    receipt(house)
    outcome = house.distributed()
    assert outcome.retry_in is not None
    assert {(reply.state, reply.reason) for reply in house.all(Reply)} == {("MATCHED", None)}
    assert {attempt.outcome for attempt in house.all(Attempt)} == {"unreachable"}
    assert house.distributed().worked == 0  # not before its time
    house.boxes.box["returns:SRC-1"].unreachable = False
    house.later(seconds=outcome.retry_in)
    assert house.distributed().worked == 2


def test_a_line_cut_after_the_rename_gives_no_second_copy(house: ReturnHouse, owed: Reply) -> None:
    box = house.boxes.box["returns:SRC-1"]
    box.cut_after_commit = True
    house.distributed()
    assert house.now(owed).state == "MATCHED"
    box.cut_after_commit = False
    house.later(hours=1)
    house.distributed()
    assert house.now(owed).state == "DISTRIBUTED"
    assert len(house.at_the_agency()) == 3
    assert "already_there" in {attempt.outcome for attempt in house.all(Attempt)}


def test_a_wrong_password_holds_the_reply_and_is_not_tried_again_at_once(house: ReturnHouse, owed: Reply) -> None:
    house.boxes.box["returns:SRC-1"].deny = True
    other = receipt(house)
    house.distributed()
    assert (house.now(owed).state, house.now(owed).reason) == ("HELD", "denied")
    assert house.now(other).state == "MATCHED"
    before = len(house.all(Attempt))
    house.later(minutes=30)
    house.distributed()
    assert len(house.all(Attempt)) == before


def test_other_bytes_under_our_name_are_never_overwritten(house: ReturnHouse, owed: Reply) -> None:
    name = f"recev_18001_D-1_{sha256(ANSWER)[:8]}.xml"
    house.boxes.box["returns:SRC-1"].put(name, b"theirs")
    other = receipt(house)
    house.distributed()
    assert (house.now(owed).state, house.now(owed).reason) == ("HELD", "name_taken")
    assert house.at_the_agency()[name] == b"theirs"
    assert house.now(other).state == "DISTRIBUTED"


def test_a_worker_that_lost_its_lease_does_not_write(
    house: ReturnHouse, owed: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Memory.send

    def frozen(self: Memory, *values: Any) -> Any:
        house.later(seconds=301)  # the process was stopped and another one may have taken over
        return send(self, *values)

    monkeypatch.setattr(Memory, "send", frozen)
    house.distributed()
    assert house.at_the_agency() == {}
    monkeypatch.undo()
    house.distributed()
    assert len(house.at_the_agency()) == 3


def test_what_another_worker_delivered_meanwhile_is_not_owed_a_second_time(house: ReturnHouse, owed: Reply) -> None:
    """This one slept between rendering and writing down what it had rendered."""

    def meanwhile(passed: str) -> None:
        if passed == "distribute.rendered":
            platform.listen(None)
            house.distributed()

    platform.listen(meanwhile)
    house.distributed()
    assert house.now(owed).state == "DISTRIBUTED"
    assert len(house.all(Distribution)) == len(house.at_the_agency()) == 3
    assert all(artefact.delivered_at for artefact in house.all(Distribution))


def test_nothing_reaches_another_agency(house: ReturnHouse, owed: Reply) -> None:
    house.agency("AGE-2", "18002")
    house.distributed("SRC-2")
    assert house.at_the_agency("SRC-2") == {}
    stray = receipt(house, agency_id="AGE-2")  # never by our own hand: a row that names another agency's source
    house.distributed("SRC-1")
    assert house.now(stray).state == "MATCHED"
    assert len(house.at_the_agency("SRC-1")) == 3


def test_lost_bytes_of_one_reply_stop_no_other(house: ReturnHouse, owed: Reply) -> None:
    other = receipt(house)
    with house.store.write() as tx:
        tx.session.get_one(Reply, owed.id).archive_ref = "COL-gone/00000000-0000-0000-0000-000000000000"
    house.distributed()
    assert (house.now(owed).state, house.now(other).state) == ("MATCHED", "DISTRIBUTED")


def test_a_mailbox_is_opened_only_when_something_is_owed(house: ReturnHouse) -> None:
    @contextmanager
    def never(_source: Source) -> Iterator[Any]:
        raise AssertionError
        yield

    house.boxes.returns = never  # type: ignore[method-assign]
    assert house.distributed().worked == 0


def test_a_closed_source_is_still_given_what_it_is_owed(house: ReturnHouse, owed: Reply) -> None:
    house.source(active=False)
    assert [endpoint.name for endpoint in house.distribute.endpoints(house.rooms)] == ["SRC-1"]
    house.distributed()
    assert house.now(owed).state == "DISTRIBUTED"


def test_a_released_reply_goes_with_whatever_waited_for_the_same_source(house: ReturnHouse, owed: Reply) -> None:
    box = house.boxes.box["returns:SRC-1"]
    box.deny = True
    other = receipt(house)
    house.distributed()
    box.deny = False
    with house.store.write() as tx:
        replies.release(tx, tx.session.get_one(Reply, owed.id), reason="mended")
    assert house.distributed().worked == 2
    assert {house.now(reply).state for reply in (owed, other)} == {"DISTRIBUTED"}


def test_a_reply_that_nobody_owns_cannot_be_released_but_put_aside(house: ReturnHouse) -> None:
    (stray,) = house.answered("D-9.recev.xml", ANSWER)
    with pytest.raises(StaleState), house.store.write() as tx:
        replies.release(tx, stray, reason="please")
    with house.store.write() as tx:
        replies.discard(tx, stray, reason="it was a test")
    assert house.now(stray).state == "DISCARDED"
