"""The work loop: which stage looks at which endpoint, when, and never twice at once.

Rooms hand over through the database only. A stage is woken by a row of `Due`; what it does next it writes there too.
Each run is isolated: one bad record, one dead endpoint, one wrong password stops nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from gateway.archive import Archive
from gateway.catalog import Catalog
from gateway.clock import Clock
from gateway.config import Config
from gateway.models import Source
from gateway.ports import Delivery, Pickup
from gateway.store import Store, due

log = structlog.get_logger()


class Mailboxes(Protocol):
    """Opens mailboxes for stages, which never see an adapter. Each context closes its connection at the end."""

    def pickup(self, source: Source) -> AbstractContextManager[Pickup]:
        """Where a source deposits its lots."""

    def returns(self, source: Source) -> AbstractContextManager[Delivery]:
        """Where a source wants its replies."""

    def payer_deposit(self, payer: str, number: str) -> AbstractContextManager[Delivery]:
        """Where requests of this transmission number go. Raises Denied when its credential cannot be used."""

    def payer_returns(self, payer: str, number: str) -> AbstractContextManager[Pickup]:
        """Where the payer leaves its replies for this transmission number. Raises Denied likewise."""


@dataclass(frozen=True)
class Rooms:
    """Everything a stage may use, wired once by `app`."""

    config: Config
    store: Store
    archive: Archive
    catalog: Catalog
    clock: Clock
    mailboxes: Mailboxes
    worker: str  # this process: the owner of every lease it takes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a stage looks at, and how often it looks without being woken."""

    name: str
    every: float  # seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `again_in`: seconds after which it wants to look again, sooner than its interval (a file that is
    not finished yet)."""

    worked: int = 0
    again_in: float | None = None


class Stage(Protocol):
    """One verb of the flow."""

    name: str

    def endpoints(self, rooms: Rooms) -> list[Endpoint]:
        """What there is to look at now, from the registry and the configuration."""

    def run(self, rooms: Rooms, endpoint: str) -> Outcome:
        """Look once. May be killed anywhere and run again."""


@dataclass
class WorkLoop:
    """Runs due stages on a few threads; each (stage, endpoint) at most once at a time, over all processes."""

    rooms: Rooms
    stages: Sequence[Stage]
    _waits: dict[tuple[str, str], float] = field(default_factory=dict)  # short waits asked for in this process

    def refresh(self) -> None:
        """Bring the rows of `Due` in line with the registry and the configuration."""
        wanted = [(s.name, e.name, e.every) for s in self.stages for e in s.endpoints(self.rooms)]
        with self.rooms.store.write() as tx:
            due.sync(tx, wanted)

    def tick(self) -> int:
        """Run everything that is due now, once; give the number of runs."""
        self.refresh()
        with self.rooms.store.read() as tx:
            ready = due.ready(tx, self.rooms.clock.now())
        with ThreadPoolExecutor(self.rooms.config.gateway.workers, thread_name_prefix="stage") as pool:
            return sum(pool.map(lambda row: self._guarded(*row), ready))

    def once(self, *, progress: Callable[[str, str], None] | None = None) -> int:
        """Make everything due now, then run until nothing is due and no file is left half finished. The number of
        runs that found work."""
        self.refresh()
        with self.rooms.store.write() as tx:
            due.all_now(tx, self.rooms.clock.now())
        total = 0
        while True:
            ran = self.tick()
            total += ran
            wait = min(self._waits.values(), default=None)
            if ran == 0 and wait is None:
                return total
            if ran == 0 and wait is not None:
                self.rooms.clock.sleep(max(0.05, min(wait, 1.0)))
            if progress is not None:
                progress("once", str(total))

    def _guarded(self, stage: str, endpoint: str) -> int:
        with self.rooms.store.write() as tx:
            if not due.claim(tx, stage, endpoint, owner=self.rooms.worker):
                return 0
        outcome, error = Outcome(), None
        try:
            outcome = self._stage(stage).run(self.rooms, endpoint)
        except Exception as problem:  # isolation: whatever breaks here stays here, and is told
            error = type(problem).__name__
            log.error("stage_failed", stage=stage, endpoint=endpoint, error=error, exc_info=_safe(problem))
        self._remember(stage, endpoint, outcome)
        with self.rooms.store.write() as tx:
            due.finish(tx, stage, endpoint, again_in=outcome.again_in, error=error)
        return 1

    def _stage(self, name: str) -> Stage:
        return next(s for s in self.stages if s.name == name)

    def _remember(self, stage: str, endpoint: str, outcome: Outcome) -> None:
        if outcome.again_in is None:
            self._waits.pop((stage, endpoint), None)
        else:
            self._waits[stage, endpoint] = outcome.again_in


def _safe(problem: BaseException) -> Any:
    """The traceback only, in debug logs; exceptions of ours carry no patient's value by rule."""
    return (type(problem), problem, problem.__traceback__)
