"""A process that dies in the middle of something: tests stop the flow at a named point and begin again."""

from __future__ import annotations

from gateway import platform


class Killed(BaseException):
    """The process dies here."""


def die_at(point: str, time: int = 1) -> None:
    """Die when the flow passes a point for the nth time; then nobody listens any more."""
    passed: list[str] = []

    def listener(here: str) -> None:
        passed.append(here)
        if passed.count(point) == time:
            platform.listen(None)
            raise Killed

    platform.listen(listener)
