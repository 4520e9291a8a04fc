"""A record moves through one door, one mover at a time, and its history cannot be rewritten unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, text, update
from support import records

from gateway.clock import FixedClock
from gateway.errors import StaleState, StoreError
from gateway.models import Batch, ChainHead, Event, Reply, Request
from gateway.states import BatchState, ReplyState, RequestState
from gateway.store import Store, Tx, moves, status


@pytest.fixture(autouse=True)
def _agency(store: Store) -> None:
    records.settle(store)


@pytest.fixture
def request_id(store: Store) -> str:
    with store.write() as tx:
        return records.request(tx, records.batch(tx)).id


class Interrupted(Exception):
    """Something went wrong at the end of a transaction."""


@contextmanager
def interrupted(store: Store) -> Iterator[Tx]:
    with store.write() as tx:
        yield tx
        raise Interrupted


def seen(store: Store, request_id: str) -> Request:
    with store.read() as tx:
        record = tx.session.get(Request, request_id)
    assert record is not None
    return record


def test_a_move_changes_the_row_the_object_and_the_history(store: Store, clock: FixedClock, request_id: str) -> None:
    record = seen(store, request_id)
    clock.advance(timedelta(minutes=5))
    with store.as_actor("louise").write() as tx:
        moves.move(tx, record, RequestState.HELD, "ACCOUNT_UNKNOWN", detail={"account": "admin:12345"}, holds=["X"])
    assert (record.state, record.reason, record.holds) == ("HELD", "ACCOUNT_UNKNOWN", ["X"])
    assert seen(store, request_id).model_dump() == record.model_dump()
    with store.read() as tx:
        last = status.history(tx, request_id)[-1]
    assert (last.from_state, last.to_state, last.actor, last.reason) == ("READY", "HELD", "louise", "ACCOUNT_UNKNOWN")
    assert (last.at, last.detail) == (clock.now(), {"account": "admin:12345"})


def test_a_reason_does_not_outlive_the_state_it_explains(store: Store, request_id: str) -> None:
    record = seen(store, request_id)
    with store.write() as tx:
        moves.move(tx, record, RequestState.HELD, "ACCOUNT_UNKNOWN")
        moves.move(tx, record, RequestState.READY, "released")
    assert record.reason is None


def test_the_second_mover_of_a_record_is_told_that_it_came_too_late(store: Store, request_id: str) -> None:
    first, second = seen(store, request_id), seen(store, request_id)
    with store.write() as tx:
        moves.move(tx, first, RequestState.HELD, "person")
    with pytest.raises(StaleState, match="READY"), store.write() as tx:
        moves.move(tx, second, RequestState.CANCELLED, "cancelled")
    assert seen(store, request_id).state == "HELD"
    assert second.state == "READY"


def test_no_way_is_taken_that_the_table_of_states_does_not_have(store: Store, request_id: str) -> None:
    with pytest.raises(StoreError, match="READY to RECEIVABLE"), store.write() as tx:
        moves.move(tx, seen_in(tx, request_id), RequestState.RECEIVABLE, "answered")


def seen_in(tx: Tx, request_id: str) -> Request:
    record = tx.session.get(Request, request_id)
    assert record is not None
    return record


def test_a_record_may_start_only_where_its_kind_starts(store: Store) -> None:
    with pytest.raises(StoreError, match="VALIDATED"), store.write() as tx:
        records.batch(tx, state=BatchState.VALIDATED)


def test_a_record_born_held_says_why(store: Store) -> None:
    with store.write() as tx:
        record = records.request(tx, records.batch(tx), state=RequestState.HELD)
    assert record.reason == "validated"


def test_an_exception_undoes_the_move_its_event_and_the_object(store: Store, request_id: str) -> None:
    record = seen(store, request_id)
    with pytest.raises(Interrupted), interrupted(store) as tx:
        moves.move(tx, record, RequestState.HELD, "person")
    assert record.state == "READY"
    with store.read() as tx:
        assert [event.to_state for event in status.history(tx, request_id)] == ["READY"]
        assert moves.verify_chain(tx) is None
    with store.write() as tx:
        moves.move(tx, record, RequestState.HELD, "person")
    assert seen(store, request_id).state == "HELD"


def test_a_record_whose_birth_was_undone_can_be_born_again(store: Store) -> None:
    made: list[Batch] = []
    with pytest.raises(Interrupted), interrupted(store) as tx:
        made.append(records.batch(tx))
    with store.write() as tx:
        moves.born(tx, made[0], "collected")
    with store.read() as tx:
        assert status.states(tx, Batch) == {"COLLECTED": 1}


def test_a_lease_names_its_worker_and_ends_with_the_state(store: Store, clock: FixedClock, request_id: str) -> None:
    record = seen(store, request_id)
    with store.write() as tx:
        assert moves.take(tx, record, RequestState.TRANSMITTING, "taken", owner="w1", seconds=60) == 1
    assert (record.lease_owner, record.lease_until) == ("w1", clock.now() + timedelta(seconds=60))
    with store.write() as tx:
        moves.move(tx, record, RequestState.TRANSMITTED, "receipt", transmitted_at=tx.now)
    stored = seen(store, request_id)
    assert (stored.lease_owner, stored.lease_until, stored.fence) == (None, None, 1)


def test_a_worker_whose_lease_was_given_to_another_moves_nothing(store: Store, request_id: str) -> None:
    late = seen(store, request_id)
    with store.write() as tx:
        moves.take(tx, late, RequestState.TRANSMITTING, "taken", owner="w1", seconds=60)
    sweeper = seen(store, request_id)
    with store.write() as tx:
        moves.move(tx, sweeper, RequestState.READY, "lease_ended")
        moves.take(tx, sweeper, RequestState.TRANSMITTING, "taken", owner="w2", seconds=60)
    for act in (
        lambda tx: moves.move(tx, late, RequestState.TRANSMITTED, "receipt"),
        lambda tx: moves.renew(tx, late, seconds=60),
    ):
        with pytest.raises(StaleState), store.write() as tx:
            act(tx)
    assert seen(store, request_id).lease_owner == "w2"


def test_a_lease_can_be_kept_longer(store: Store, clock: FixedClock) -> None:
    with store.write() as tx:
        record = records.reply(tx, state=ReplyState.MATCHED)
        moves.take(tx, record, ReplyState.DISTRIBUTING, "taken", owner="w1", seconds=60)
    clock.advance(timedelta(seconds=50))
    with store.write() as tx:
        moves.renew(tx, record, seconds=60)
    with store.read() as tx:
        stored = tx.session.get(Reply, record.id)
    assert stored is not None
    assert stored.lease_until == clock.now() + timedelta(seconds=60)


def test_a_timestamp_without_a_zone_is_refused(store: Store, request_id: str) -> None:
    record = seen(store, request_id)
    with pytest.raises(StoreError, match="without a zone"), store.write() as tx:
        moves.move(tx, record, RequestState.HELD, "person", next_try_at=datetime(2026, 3, 2))  # noqa: DTZ001
    assert record.state == "READY"


def test_a_note_tells_of_a_record_without_moving_it(store: Store, request_id: str) -> None:
    with store.write() as tx:
        moves.note(tx, seen_in(tx, request_id), "waits", {"for": "DEM-2"})
        source = tx.session.get(records.Source, records.SOURCE)
        assert source is not None
        moves.note(tx, source, "added")
    with store.read() as tx:
        told = status.history(tx, request_id)[-1]
        added = status.history(tx, records.SOURCE)[-1]
        assert moves.verify_chain(tx) is None
    assert (told.from_state, told.to_state, told.record_kind) == ("READY", "READY", "request")
    assert (added.record_kind, added.to_state) == ("registry", "")


@pytest.fixture
def chain(store: Store) -> None:
    """Six events."""
    with store.write() as tx:
        for _ in range(6):
            records.batch(tx)
    with store.read() as tx:
        assert moves.verify_chain(tx) is None


@pytest.mark.parametrize("column", ["record_id", "from_state", "to_state", "actor", "reason", "hash", "previous_hash"])
@pytest.mark.usefixtures("chain")
def test_an_altered_event_is_found(store: Store, column: str) -> None:
    with store.write() as tx:
        tx.session.execute(update(Event).where(Event.seq == 3).values({column: "other"}))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 3


@pytest.mark.usefixtures("chain")
def test_an_altered_moment_or_detail_is_found(store: Store, clock: FixedClock) -> None:
    with store.write() as tx:
        tx.session.execute(update(Event).where(Event.seq == 4).values(at=clock.now() + timedelta(microseconds=1)))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 4
    with store.write() as tx:
        tx.session.execute(update(Event).where(Event.seq == 2).values(detail={"a": 1}))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 2


@pytest.mark.parametrize("gone", [1, 4, 6])
@pytest.mark.usefixtures("chain")
def test_a_deleted_event_is_found_even_the_last_one(store: Store, gone: int) -> None:
    with store.write() as tx:
        tx.session.execute(delete(Event).where(Event.seq == gone))
    with store.read() as tx:
        assert moves.verify_chain(tx) == gone


@pytest.mark.usefixtures("chain")
def test_two_events_that_changed_places_are_found(store: Store) -> None:
    with store.write() as tx:
        for old, new in ((2, 100), (5, 2), (100, 5)):
            tx.session.execute(update(Event).where(Event.seq == old).values(seq=new))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 2


@pytest.mark.usefixtures("chain")
def test_a_deleted_event_is_found_when_its_neighbours_were_renumbered(store: Store) -> None:
    with store.write() as tx:
        tx.session.execute(delete(Event).where(Event.seq == 3))
        for seq in (4, 5, 6):
            tx.session.execute(update(Event).where(Event.seq == seq).values(seq=seq - 1))
        tx.session.execute(update(ChainHead).values(events=5))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 3


@pytest.mark.usefixtures("chain")
def test_a_chain_without_its_head_is_not_whole(store: Store) -> None:
    with store.write() as tx:
        tx.session.execute(text("DELETE FROM chain_head"))
    with store.read() as tx:
        assert moves.verify_chain(tx) == 7
