"""The service's ticks, and the work loop they drive: who runs when, never twice at once, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.house import House

from gateway.errors import Unreachable
from gateway.models import Due
from gateway.schedule import serve
from gateway.stages import Endpoint, Outcome, Rooms
from gateway.stages.loop import WorkLoop
from gateway.store import due

DAY = 86400.0


@dataclass
class Scripted:
    """A stage that does what its script says: one answer for each run, then nothing to do."""

    name: str
    script: list[Any] = field(default_factory=list)
    every: float = DAY
    ends: tuple[str, ...] = ("a",)
    ran: list[str] = field(default_factory=list)

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        return [Endpoint(end, self.every) for end in self.ends]

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        self.ran.append(endpoint)
        step = self.script.pop(0) if self.script else Outcome()
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step(rooms)  # type: ignore[no-any-return]
        assert isinstance(step, Outcome)
        return step


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    house = House(tmp_path)
    yield house.rooms
    house.close()


def waking(stage: str) -> Callable[[Rooms], Outcome]:
    def step(rooms: Rooms) -> Outcome:
        with rooms.store.write() as tx:
            due.wake(tx, stage, "a")
        return Outcome(1)

    return step


def due_row(rooms: Rooms, stage: str = "one") -> Due:
    with rooms.store.read() as tx:
        return tx.session.get_one(Due, (stage, "a"))


def test_once_runs_everything_whatever_its_interval_and_then_what_that_woke(rooms: Rooms) -> None:
    first, second = Scripted("first", [waking("second")]), Scripted("second")
    loop = WorkLoop(rooms, [second, first])
    loop.once()
    first.ran.clear()
    second.ran.clear()
    first.script = [waking("second")]
    assert loop.once() == 1
    assert first.ran == ["a"]
    assert second.ran in (["a"], ["a", "a"])  # woken before or after its own turn


def test_once_ends_although_an_interval_is_shorter_than_its_work(rooms: Rooms) -> None:
    stage = Scripted("one", every=0.0)
    assert WorkLoop(rooms, [stage]).once() == 0
    assert stage.ran == ["a"]


def test_once_stays_for_a_file_that_is_not_finished(rooms: Rooms) -> None:
    stage = Scripted("one", [Outcome(0, again_in=5.0), Outcome(1)])
    start = rooms.clock.now()
    assert WorkLoop(rooms, [stage]).once() == 1
    assert stage.ran == ["a", "a"]
    assert (rooms.clock.now() - start).total_seconds() >= 5.0


def test_once_does_not_stay_for_a_record_that_is_tried_again_later(rooms: Rooms) -> None:
    stage = Scripted("one", [Outcome(0, retry_in=5.0)])
    start = rooms.clock.now()
    WorkLoop(rooms, [stage]).once()
    assert rooms.clock.now() == start
    assert (due_row(rooms).next_run - start).total_seconds() == 5.0


def test_once_gives_up_on_a_file_that_never_ends(rooms: Rooms) -> None:
    stage = Scripted("one", [Outcome(0, again_in=60.0)] * 50)
    assert WorkLoop(rooms, [stage]).once() == 0
    assert len(stage.ran) < 15


def test_a_run_that_breaks_stops_no_other_and_is_written_down(rooms: Rooms) -> None:
    bad = Scripted("bad", [RuntimeError("boom")])
    dead = Scripted("dead", [Unreachable("nobody there")])
    good = Scripted("good", [Outcome(1)])
    assert WorkLoop(rooms, [bad, dead, good]).once() == 1
    assert due_row(rooms, "bad").last_error == "RuntimeError"
    assert due_row(rooms, "dead").last_error == "unreachable"
    assert due_row(rooms, "good").last_error is None


def test_an_endpoint_that_runs_is_not_begun_again_and_delays_no_other(rooms: Rooms) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(_rooms: Rooms) -> Outcome:
        inside.set()
        leave.wait(10)
        return Outcome(1)

    stuck, quick = Scripted("stuck", [slow]), Scripted("quick", every=0.0)
    loop = WorkLoop(rooms, [stuck, quick])
    loop.start()
    assert inside.wait(10)
    while len(quick.ran) < 3:  # one of its runs may still be under way: then a look begins nothing
        for run in loop.start():
            run.result(10)
    assert stuck.ran == ["a"]
    leave.set()
    loop.close()
    assert due_row(rooms, "stuck").owner is None


def test_whoever_tells_that_all_workers_hang_waits_for_none(rooms: Rooms) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hangs(_rooms: Rooms) -> Outcome:
        inside.set()
        leave.wait(10)
        return Outcome()

    one = rooms.config.gateway.model_copy(update={"workers": 1})
    stuck, watch = Scripted("stuck", [hangs]), Scripted("watch")
    loop = WorkLoop(replace(rooms, config=replace(rooms.config, gateway=one)), [stuck, watch])
    loop.apart = ThreadPoolExecutor(1)
    waiting = loop.start()
    assert inside.wait(10)
    done, _ = wait(waiting, timeout=10, return_when=FIRST_COMPLETED)
    assert (len(done), watch.ran) == (1, ["a"])
    leave.set()
    loop.close()


def test_an_endpoint_claimed_by_another_process_is_left_alone(rooms: Rooms) -> None:
    stage = Scripted("one")
    loop = WorkLoop(rooms, [stage])
    loop.refresh()
    with rooms.store.write() as tx:
        assert due.claim(tx, "one", "a", owner="another")
    assert loop.tick() == 0
    assert stage.ran == []


def test_an_endpoint_that_left_the_registry_is_forgotten(rooms: Rooms) -> None:
    stage = Scripted("one", ends=("a", "b"))
    loop = WorkLoop(rooms, [stage])
    loop.once()
    stage.ends = ("a",)
    stage.ran.clear()
    loop.once()
    assert stage.ran == ["a"]


def test_the_service_ticks_until_it_is_told_to_stop_and_then_finishes() -> None:
    told: list[str] = []
    stops: list[Callable[[], None]] = []

    def tick() -> None:
        told.append("tick")
        if len(told) == 2:
            stops[0]()

    serve(tick, lambda: told.append("finish"), every=0.01, on_stop=stops.append)
    assert told[:2] == ["tick", "tick"]
    assert told[-1] == "finish"


def test_a_tick_that_fails_is_followed_by_the_next_one() -> None:
    told: list[str] = []
    stops: list[Callable[[], None]] = []

    def tick() -> None:
        told.append("tick")
        if len(told) == 3:
            stops[0]()
        raise RuntimeError

    serve(tick, every=0.01, on_stop=stops.append)
    assert len(told) >= 3
