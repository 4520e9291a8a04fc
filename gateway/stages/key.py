"""Ends what a `gateway key rotate` began whose process died: nobody has to know that it did."""

from __future__ import annotations

import structlog

from gateway import keyring
from gateway.keyring import Keyring
from gateway.stages import Endpoint, Outcome, Rooms

log = structlog.get_logger()

EVERY = 60.0  # seconds: one small query and one look for a file, while there is nothing to do


class Key:
    """One endpoint: the master key. What a command does just now is left to it."""

    name = "key"

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring

    def endpoints(self, _rooms: Rooms) -> list[Endpoint]:
        return [Endpoint("all", EVERY)]

    def run(self, _rooms: Rooms, _endpoint: str) -> Outcome:
        """Raises SealingError when the old key is wanted and nowhere to be had."""
        if not keyring.is_unfinished(self._ring):
            return Outcome()
        moved = keyring.finish(self._ring)
        done = not keyring.is_unfinished(self._ring)
        log.info("key_rotation_continued", data_keys=moved, finished=done)
        return Outcome(int(done))
