"""The work loop: which stage looks at which endpoint, when, and never twice at once.

Rooms hand over through the database only. A stage is woken by a row of `Due`; what it does next it writes there too.
Each run is isolated: one bad record, one dead endpoint, one wrong password stops nothing else.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from gateway.errors import GatewayError, TransportError
from gateway.stages import Outcome, Rooms, Stage
from gateway.store import due

REFRESH = 5.0  # seconds between two looks at the registry for new endpoints
PATIENCE = 600.0  # seconds that `once` stays for files nobody finishes

log = structlog.get_logger()
Row = tuple[str, str]  # stage, endpoint


@dataclass
class WorkLoop:
    """Runs due stages on a few threads; each (stage, endpoint) at most once at a time, over all processes."""

    rooms: Rooms
    stages: Sequence[Stage]
    rests: Callable[[], bool] = lambda: False  # nothing is begun while this says so: the house is held
    apart: ThreadPoolExecutor | None = None  # for those who tell that all workers hang (`gateway run`)
    _every: dict[Row, float] = field(default_factory=dict)  # the rows of Due as this process last wrote them
    _refreshed: float | None = None  # monotonic
    _stays: set[Row] = field(default_factory=set)  # rows whose last run asked for `again_in`
    _regular: dict[Row, datetime] = field(default_factory=dict)  # when a row's interval alone makes it due again
    _running: set[Row] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor | None = None

    def refresh(self) -> None:
        """Bring the rows of `Due` in line with the registry and the configuration."""
        wanted = {(s.name, e.name): e.every for s in self.stages for e in s.endpoints(self.rooms)}
        if wanted != self._every:
            with self.rooms.store.write() as tx:
                due.sync(tx, [(stage, endpoint, every) for (stage, endpoint), every in wanted.items()])
            self._every = wanted
        self._refreshed = self.rooms.clock.monotonic()

    def start(self, wanted: Callable[[Row], bool] = lambda _: True) -> list[Future[Outcome]]:
        """Begin every due run that is `wanted`, and do not wait: a slow endpoint delays nobody's next look."""
        if self.rests():
            return []
        if self._refreshed is None or self.rooms.clock.monotonic() - self._refreshed >= REFRESH:
            self.refresh()
        with self.rooms.store.read() as tx:
            ready = [row for row in due.ready(tx, self.rooms.clock.now()) if self._stage(row[0]) is not None]
        return [self._submit(row) for row in ready if wanted(row) and self._enter(row)]

    def tick(self) -> int:
        """Run everything that is due now, once, and wait for it; give the number of runs."""
        return len([run.result() for run in self.start()])

    def once(self, *, progress: Callable[[str, str], None] | None = None) -> int:
        """Make everything due now, whatever its interval, then run what that wakes, until nothing is due and no file
        is half finished. Give the number of runs that found work."""
        self.refresh()
        self._regular.clear()
        with self.rooms.store.write() as tx:
            due.all_now(tx, self.rooms.clock.now())
        total, idle = 0, 0.0
        while True:
            outcomes = [run.result() for run in self.start(self._woken)]
            worked = sum(outcome.worked > 0 for outcome in outcomes)
            total, idle = total + worked, 0.0 if worked else idle
            if outcomes:
                if progress is not None:
                    progress("once", str(total))
                continue
            wait = self._until_stay()
            if wait is None or idle >= PATIENCE:
                return total
            self.rooms.clock.sleep(wait)
            idle += wait

    def close(self) -> None:
        """Let the runs under way end, and start no more."""
        for pool in filter(None, (self._pool, self.apart)):
            pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, row: Row) -> Future[Outcome]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.rooms.config.gateway.workers, thread_name_prefix="stage")
        apart = self.apart if row[0] in ("watch", "tell") else None
        return (apart or self._pool).submit(self._guarded, row)

    def _enter(self, row: Row) -> bool:
        with self._lock:
            if row in self._running:
                return False
            self._running.add(row)
            return True

    def _leave(self, row: Row) -> None:
        with self._lock:
            self._running.discard(row)

    def _guarded(self, row: Row) -> Outcome:
        """A run from claim to finish. Nothing that breaks in it reaches another run."""
        try:
            with self.rooms.store.write() as tx:
                if not due.claim(tx, *row, owner=self.rooms.worker):
                    return Outcome()
            outcome, error = self._isolated(row)
            self._remember(row, outcome)
            with self.rooms.store.write() as tx:
                due.finish(tx, *row, again_in=outcome.next_in, error=error, owner=self.rooms.worker)
            return outcome
        except Exception as problem:
            _tell("run_not_recorded", row, problem)
            return Outcome()
        finally:
            self._leave(row)

    def _isolated(self, row: Row) -> tuple[Outcome, str | None]:
        stage = self._stage(row[0])
        try:
            return stage.run(self.rooms, row[1]) if stage else Outcome(), None
        except TransportError as problem:
            log.warning("endpoint_failed", stage=row[0], endpoint=row[1], error=problem.code)
            return Outcome(), problem.code
        except Exception as problem:
            _tell("stage_failed", row, problem)
            return Outcome(), type(problem).__name__

    def _stage(self, name: str) -> Stage | None:
        return next((s for s in self.stages if s.name == name), None)

    def _remember(self, row: Row, outcome: Outcome) -> None:
        with self._lock:
            self._regular[row] = self.rooms.clock.now() + timedelta(seconds=self._every.get(row, 0.0))
            (self._stays.add if outcome.again_in is not None else self._stays.discard)(row)

    def _woken(self, row: Row) -> bool:
        """Whether a row is due for more than its interval: not run yet, woken, or asked for by its last run."""
        regular = self._regular.get(row)
        with self.rooms.store.read() as tx:
            upcoming = due.upcoming(tx, *row)
        return regular is None or upcoming is None or upcoming < regular

    def _until_stay(self) -> float | None:
        """Seconds, at most one, until `once` should look again; None when no run asked it to stay."""
        with self.rooms.store.read() as tx:
            moments = [moment for row in self._stays if (moment := due.upcoming(tx, *row)) is not None]
        if not moments:
            return None
        return min(max((min(moments) - self.rooms.clock.now()).total_seconds(), 0.05), 1.0)


def _tell(event: str, row: Row, problem: Exception) -> None:
    """What broke and where, without values: only our own errors' texts are known to carry nobody's data."""
    said = str(problem) if isinstance(problem, GatewayError) else None
    frames = traceback.format_tb(problem.__traceback__)
    log.error(event, stage=row[0], endpoint=row[1], error=type(problem).__name__, said=said, frames=frames)
