"""The gateway's lives: processes forked from a warm parent that run the real stages, and die as they are told."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import structlog

from faults import doorman
from faults.house import House, Later
from gateway import platform
from gateway.app import App, open_app
from gateway.config import load
from gateway.resident import working
from gateway.stages.match import requests, statements
from gateway.validation import judge

KILLED = 137
PATIENCE = 90.0  # seconds; who lives longer hangs
TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Life:
    """How a gateway process lives. Killed at the nth passing of a named point, or whenever its parent likes."""

    point: str | None = None
    hit: int = 1
    in_turn: bool = False  # one stage after the other in the main thread, without the timetable
    once: bool = False  # if in turn, each stage once only
    stages: tuple[str, ...] = ()  # if in turn, only these; none: all
    slots: bool = False  # judge documents in processes of their own, as in production
    quiet: bool = False  # says nothing: its writes are counted
    freezes: bool = False  # at the point it stops (SIGSTOP) instead of dying
    beside: bool = False  # a second worker on the same state, as other databases allow
    largest: int = 0  # bytes a file may have; 0: no limit
    notes: str = ""  # a file where each point that is passed is noted
    asks: tuple[str, ...] = ()  # system calls that wait for its parent's word


WHOLE = Life()
IN_TURN = Life(in_turn=True)
ROUND = Life(in_turn=True, once=True)


class InTurn:
    """A pool of no threads: what is submitted is done at once."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done

    def shutdown(self, **_: object) -> None: ...


def run(config: str, minutes: float, log: str, life: Life, parent: Connection | None = None) -> None:
    """What such a process does: everything that is due, or as much of it as it lives to do."""
    _speak_to(log, life.quiet)
    platform.listen(_dying(life) if life.point else _noting(life.notes) if life.notes else None)
    requests.IN_ONE = statements.IN_ONE = 1  # every reply is large: its rows are staged in pieces
    if parent is not None:
        doorman.submit(life.asks, parent)
    if life.largest:
        resource.setrlimit(resource.RLIMIT_FSIZE, (life.largest, resource.RLIM_INFINITY))
    start_up = open_app if life.beside else working
    with start_up(load(Path(config)), clock=Later(minutes)) as app:
        if not life.slots:
            judging_here(app)
        if life.in_turn:
            in_turn(app, 1 if life.once else 2, life.stages)
        else:
            app.loop.once()
        app.loop.close()


def judging_here(app: App) -> None:
    """Documents are judged in this process, by what it knows already: a process for each would take a second."""
    app.loop.rooms = replace(app.rooms, judge=lambda _, *what, **how: judge(*what, app.catalog, **how))


def in_turn(app: App, times: int = 2, only: Collection[str] = ()) -> None:
    """Every stage at every endpoint, in the order of the flow; twice, so that what a late stage wakes has its turn."""
    for _ in range(times):
        for stage in (stage for stage in app.loop.stages if not only or stage.name in only):
            for endpoint in stage.endpoints(app.loop.rooms):
                app.loop._isolated((stage.name, endpoint.name))


def _dying(life: Life) -> Callable[[str], None]:
    left = [life.hit]

    def die(passed: str) -> None:
        if passed == life.point:
            left[0] -= 1
            if left[0] == 0 and life.freezes:
                os.kill(os.getpid(), signal.SIGSTOP)
            elif left[0] == 0:
                os._exit(KILLED)

    return die


def _noting(notes: str) -> Callable[[str], None]:
    def note(passed: str) -> None:
        with Path(notes).open("a") as file:
            file.write(f"{passed}\n")

    return note


def _speak_to(log: str, quiet: bool) -> None:
    """Everything at its most talkative, into a file that is searched for secrets afterwards; `quiet`: only what nobody
    can help saying."""
    target = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    structlog.reset_defaults()
    if quiet:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    else:
        logging.basicConfig(level=logging.DEBUG, force=True)


def forks() -> multiprocessing.context.ForkServerContext:
    """Processes forked from a warm parent that has no threads: a start costs milliseconds."""
    os.environ["PYTHONPATH"] = os.pathsep.join((str(TESTS), str(TESTS.parent)))  # the gateway of this checkout
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faults.warm"])
    return context


def begin(house: House, life: Life = WHOLE, parent: Connection | None = None) -> BaseProcess:
    """A process that lives on its own; some minutes after the last one."""
    house.pass_time()
    arguments = (str(house.config), house.clock.minutes, str(house.log), life, parent)
    process = forks().Process(target=run, args=arguments)
    process.start()
    return process


def end(process: BaseProcess, patience: float = PATIENCE) -> int:
    """How it ended; whoever hangs is killed and gives -1."""
    process.join(patience)
    if process.exitcode is None:
        process.kill()
        process.join()
        return -1
    code = process.exitcode
    with suppress(ValueError):
        process.close()
    return code


def live(house: House, life: Life = WHOLE) -> int:
    """Run the gateway once, to its end."""
    return end(begin(house, life))
