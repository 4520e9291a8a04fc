"""What time it is: the only room that asks the machine. Aware UTC inside, America/Toronto in front of people."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

TORONTO = ZoneInfo("America/Toronto")


class Clock(Protocol):
    """Now, for whoever is handed one."""

    def now(self) -> datetime:
        """Aware UTC, to the microsecond."""

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FixedClock:
    """A clock that stands still until it is moved: for tests, the sandbox and rehearsals. Only the thread that made it
    passes its time by sleeping: a worker that waits for another one really waits, or it would see leases run out
    while their owners are at work."""

    def __init__(self, at: datetime) -> None:
        self._maker = threading.get_ident()
        self._at = at.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        if threading.get_ident() == self._maker:
            self.advance(timedelta(seconds=seconds))
        else:
            time.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        self._at += by
        self._elapsed += by.total_seconds()


def today(clock: Clock) -> date:
    """The date in America/Toronto: the only "today" a rule may use."""
    return clock.now().astimezone(TORONTO).date()


def local(moment: datetime) -> datetime:
    """The moment as people in Quebec read it."""
    return moment.astimezone(TORONTO)
