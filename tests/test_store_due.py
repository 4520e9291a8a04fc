"""Due work is claimed by one worker, comes again after its interval, and at once when it was woken."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from gateway.clock import FixedClock
from gateway.models import Due
from gateway.store import Store, due

ROW = ("collect", "SRC-1")
OTHER = ("validate", "AGE-1")


@pytest.fixture(autouse=True)
def _rows(store: Store) -> None:
    with store.write() as tx:
        due.sync(tx, [(*ROW, 60.0), (*OTHER, 300.0)])


def ready(store: Store) -> list[tuple[str, str]]:
    with store.read() as tx:
        return due.ready(tx, tx.now)


def claim(store: Store, owner: str = "w1", row: tuple[str, str] = ROW) -> bool:
    with store.write() as tx:
        return due.claim(tx, *row, owner=owner, lease_seconds=600)


def finish(store: Store, again_in: float | None = None, error: str | None = None, owner: str = "w1") -> None:
    with store.write() as tx:
        due.finish(tx, *ROW, again_in=again_in, error=error, owner=owner)


def test_new_work_is_due_at_once(store: Store) -> None:
    assert ready(store) == [ROW, OTHER]


def test_two_workers_that_claim_at_once_do_not_both_get_it(store: Store) -> None:
    got: list[str] = []
    start = Barrier(4)

    def work(owner: str) -> None:
        start.wait()
        if claim(store, owner):
            got.append(owner)

    workers = [Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(got) == 1


def test_finished_work_is_due_again_after_its_interval(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    clock.advance(timedelta(seconds=20))
    finish(store)
    with store.read() as tx:
        assert due.upcoming(tx, *ROW) == clock.now() + timedelta(seconds=60)
    clock.advance(timedelta(seconds=59))
    assert ready(store) == [OTHER]
    clock.advance(timedelta(seconds=1))
    assert ready(store) == [OTHER, ROW]


@pytest.mark.parametrize(("again_in", "after"), [(5.0, 5), (600.0, 60)])
def test_a_run_may_ask_for_less_than_its_interval_but_not_for_more(
    store: Store, clock: FixedClock, again_in: float, after: int
) -> None:
    assert claim(store)
    finish(store, again_in)
    with store.read() as tx:
        assert due.upcoming(tx, *ROW) == clock.now() + timedelta(seconds=after)


def test_a_wake_during_a_run_makes_it_run_again(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    with store.write() as tx:
        due.wake(tx, *ROW)
    assert ROW not in ready(store)  # one at a time
    clock.advance(timedelta(seconds=20))
    finish(store)
    assert ROW in ready(store)


def test_a_wake_before_a_run_is_answered_by_that_run(store: Store) -> None:
    with store.write() as tx:
        due.wake(tx, *ROW)
    assert claim(store)
    finish(store)
    assert ROW not in ready(store)


def test_a_wake_makes_waiting_work_due_now(store: Store) -> None:
    assert claim(store)
    finish(store)
    with store.write() as tx:
        due.wake(tx, *ROW)
    assert ROW in ready(store)


def test_waking_or_finishing_what_is_not_there_makes_nothing(store: Store) -> None:
    with store.write() as tx:
        due.wake(tx, "transmit", "sandbox:18001")
        due.finish(tx, "transmit", "sandbox:18001", again_in=None, error=None)
        assert not due.claim(tx, "transmit", "sandbox:18001", owner="w1")
    with store.read() as tx:
        assert due.upcoming(tx, "transmit", "sandbox:18001") is None
        assert len(due.ready(tx, tx.now)) == 2


def test_work_of_a_dead_worker_is_due_when_its_lease_ends(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    clock.advance(timedelta(seconds=599))
    assert ROW not in ready(store)
    assert not claim(store, "w2")
    clock.advance(timedelta(seconds=1))
    assert claim(store, "w2")


def test_a_worker_that_comes_late_does_not_finish_anothers_run(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    clock.advance(timedelta(seconds=600))
    assert claim(store, "w2")
    finish(store, owner="w1")
    assert not claim(store, "w3")
    finish(store, owner="w2")
    with store.read() as tx:
        assert due.upcoming(tx, *ROW) == clock.now() + timedelta(seconds=60)


def test_claims_of_the_dead_can_be_taken_back_at_the_start(store: Store) -> None:
    assert claim(store)
    with store.write() as tx:
        assert due.abandon(tx) == 1
    assert ROW in ready(store)


def test_all_of_it_can_be_made_due_now(store: Store, clock: FixedClock) -> None:
    for row in (ROW, OTHER):
        assert claim(store, row=row)
    finish(store)
    with store.write() as tx:
        due.all_now(tx, tx.now)
    assert ready(store) == [ROW]
    with store.write() as tx:
        due.finish(tx, *OTHER, again_in=None, error=None, owner="w1")
    assert ready(store) == [ROW, OTHER]


def test_what_a_run_ended_with_is_kept(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    finish(store, error="unreachable")
    with store.read() as tx:
        row = tx.session.get(Due, ROW)
    assert row is not None
    assert (row.last_error, row.last_run, row.owner) == ("unreachable", clock.now(), None)


def test_rows_follow_the_registry(store: Store, clock: FixedClock) -> None:
    assert claim(store)
    finish(store)
    with store.write() as tx:
        due.sync(tx, [(*ROW, 10.0), ("receive", "sandbox:18001", 60.0)])
    with store.read() as tx:
        assert due.upcoming(tx, *ROW) == clock.now() + timedelta(seconds=10)
        assert due.upcoming(tx, *OTHER) is None
        assert due.ready(tx, tx.now) == [("receive", "sandbox:18001")]
