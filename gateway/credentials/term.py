"""Until when a password holds, and from when it is changed: pure, from the payer's facts and the row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from gateway.config import PasswordConfig
from gateway.models import Credential

AGAIN = timedelta(days=1)  # between two tries at a change, and between two reminders
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Term:
    """Moments are aware UTC. `change_at`: in the safe window before the end, and for each password at its own moment,
    so that many are not changed on one day."""

    ends: datetime
    change_at: datetime
    remind_at: datetime

    def days_left(self, now: datetime) -> int:
        """Whole days until the end; negative after it."""
        return floor((self.ends - now) / _DAY)


def term(row: Credential, rules: PasswordConfig) -> Term | None:
    """None where the payer's passwords have no known end, or nobody knows since when there is one."""
    if not rules.life_days or row.changed_at is None or row.current is None:
        return None
    ends = row.changed_at + timedelta(days=rules.life_days)
    early = timedelta(days=rules.safe_days) + timedelta(days=rules.jitter_days) * _spread(row)
    return Term(ends, ends - early, ends - timedelta(days=rules.remind_days))


def _spread(row: Credential) -> float:
    """0 to 1: the same for one password each time, another for the next."""
    drawn = hashlib.sha256(f"{row.id} {row.generation}".encode()).digest()[:4]
    return int.from_bytes(drawn, "big") / 0xFFFFFFFF
