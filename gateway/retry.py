"""When to try again: a pure answer from the number of tries so far. Durable retries live in the database."""

from __future__ import annotations

from datetime import timedelta

# Quick at first for a blip, then patient: a payer's maintenance window lasts hours.
WAITS = (5, 30, 120, 600, 1800, 3600)  # seconds; the last one repeats


def wait_before(attempt: int, spread: float = 0.0) -> timedelta:
    """How long to wait before try number `attempt` + 1 (attempts counted from 1). `spread` in 0..1 shifts it by up to
    a quarter, so that many agencies do not come back in the same second."""
    base = WAITS[min(max(attempt, 1), len(WAITS)) - 1]
    return timedelta(seconds=base * (1 + 0.25 * spread))
