"""Which waiting files may be taken: ours to take by name, and finished by the source's rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gateway.ports import WaitingFile

# What editors, desktops, browsers and transfer programs leave beside real files, in lower case.
_PASSED_OVER = (".*", "~$*", "*~", "thumbs.db", "desktop.ini", "*.partial", "*.part", "*.filepart", "*.tmp", "recus")
SETTLE_SECONDS = 5.0


def is_ours_to_take(name: str) -> bool:
    """Whether a file of this name is a deposit at all."""
    return not any(fnmatchcase(name.lower(), pattern) for pattern in _PASSED_OVER)


@dataclass(frozen=True, slots=True)
class _Look:
    """A file as it was first seen without change."""

    size: int
    mtime_ns: int
    identity: str
    since: float  # monotonic seconds


class Looks:
    """What one mailbox looked like before: a file settles when nothing about it changes for a while."""

    def __init__(self) -> None:
        self._seen: dict[str, _Look] = {}

    def finished(
        self, files: Sequence[WaitingFile], pickup: Mapping[str, Any], now: float
    ) -> tuple[list[WaitingFile], float | None]:
        """The finished files, and after how many seconds another look may finish one more. `now`: monotonic."""
        rule = pickup.get("finished") or "settle"
        if rule == "rename":
            return list(files), None
        if rule == "marker":
            return [file for file in files if file.marker], None
        return self._settled(files, float(pickup.get("settle_seconds", SETTLE_SECONDS)), now)

    def _settled(
        self, files: Sequence[WaitingFile], seconds: float, now: float
    ) -> tuple[list[WaitingFile], float | None]:
        before, self._seen = self._seen, {}
        done: list[WaitingFile] = []
        waits: list[float] = []
        for file in files:
            look, first = before.get(file.name), _Look(file.size, file.mtime_ns, file.identity, now)
            if look is None or (look.size, look.mtime_ns, look.identity) != (file.size, file.mtime_ns, file.identity):
                look = first
            self._seen[file.name] = look
            left = look.since + seconds - now
            if look is not first and left <= 0:
                done.append(file)
            else:
                waits.append(max(left, 0.0))
        return done, min(waits, default=None)
