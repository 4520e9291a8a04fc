"""The ticks of the service: APScheduler calls, we act. It keeps no state: due times are rows of the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from gateway import processes
from gateway.errors import GatewayError

EVERY = 1.0  # seconds between two looks at what is due
log = structlog.get_logger()


def serve(
    tick: Callable[[], object],
    finish: Callable[[], object] = lambda: None,
    *,
    every: float = EVERY,
    on_stop: Callable[[Callable[[], None]], None] = processes.on_stop,
) -> None:
    """Call `tick` every so many seconds until SIGTERM or Ctrl-C; then let a tick under way end, and call `finish`.

    A tick that fails is told and the next one comes; two never run at once; ticks missed while the machine slept are
    one.
    """
    stop = threading.Event()
    on_stop(stop.set)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        _told(tick), "interval", seconds=every, misfire_grace_time=None, coalesce=True, max_instances=1, id="tick"
    )
    scheduler.start()
    try:
        while not stop.wait(1.0):  # without a timeout Windows would not hear Ctrl-C
            pass
    finally:
        scheduler.shutdown(wait=True)
        finish()


def _told(tick: Callable[[], object]) -> Callable[[], None]:
    def safely() -> None:
        try:
            tick()
        except Exception as problem:  # the database is busy or gone for a moment: the next tick tries again
            said = str(problem) if isinstance(problem, GatewayError) else None
            log.error("tick_failed", error=type(problem).__name__, said=said)

    return safely
