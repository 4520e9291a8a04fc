"""Days and moments as people type them, for every command."""

from __future__ import annotations

from datetime import date, datetime, time

from gateway.cli.common import Call
from gateway.clock import TORONTO, SystemClock, today
from gateway.errors import ConfigError
from gateway.messages import both


def day(call: Call, word: str, option: str) -> date | None:
    """A date, or today's in Quebec; None for nothing. Raises ConfigError, which names the option."""
    try:
        return today(SystemClock()) if word == "today" else date.fromisoformat(word) if word else None
    except ValueError:
        raise ConfigError(f"{call.say('usage.bad_value', what=option)} {call.say('usage.day')}") from None


def day_of(text: str, today: date) -> date:
    """A date; today's where nothing was typed. Raises ConfigError."""
    try:
        return date.fromisoformat(text) if text else today
    except ValueError:
        raise ConfigError(both("usage.not_a_day", text=text)) from None


def moment_of(text: str) -> datetime:
    """A day (its first minute) or a moment in America/Toronto as aware time; now when nothing is said. Raises
    ConfigError."""
    if not text:
        return SystemClock().now()
    try:
        at = datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        raise ConfigError(both("usage.not_a_moment", text=text)) from None
    return at if at.tzinfo else at.replace(tzinfo=TORONTO)
