"""Mailboxes in memory whose line breaks by chance: refused, cut on the way, or the answer lost after it was done."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from adapters.memory import Memory, box
from gateway.errors import InDoubt, NoAnswer, Unreachable
from gateway.ports import Receipt, Secret, WaitingFile

ENDS = {"before": "before it got its name", "after": "after it got its name"}


class Weather:
    """How often something breaks, and what broke so far. Each mailbox has its own chance: a seed breaks the same
    things, whichever thread comes first."""

    def __init__(self) -> None:
        self.share = 0.0  # of all operations
        self.seed = 0
        self.struck: Counter[str] = Counter()
        self._chances: dict[str, random.Random] = {}

    def strikes(self, where: str, *ways: str) -> str | None:
        """How this operation breaks; mostly it does not."""
        chance = self._chances.setdefault(where, random.Random(f"{self.seed}/{where}"))
        if chance.random() >= self.share:
            return None
        way = chance.choice(ways)
        self.struck[way] += 1
        return way


weather = Weather()


def open_mailbox(settings: Mapping[str, Any], secret: Secret | None) -> Unsteady:
    """The adapter for `kind = "faults.unsteady:open_mailbox"`: the box is named by `path`."""
    return Unsteady(settings["path"], settings.get("after", "remove"), secret)


class Unsteady(Memory):
    """A `Memory` that does not always do what it is asked, or does not say that it did."""

    def __init__(self, path: str, after: str, secret: Secret | None) -> None:
        super().__init__(box(path), after, secret)
        self._path = path

    def waiting(self) -> list[WaitingFile]:
        self._may_be_refused()
        return super().waiting()

    def read(self, file: WaitingFile, sink: BinaryIO) -> None:
        if self._strikes("cut") and (kept := self._box.files.get(file.name)):
            sink.write(kept.data[: len(kept.data) // 2])
            raise Unreachable("the line was cut half way")
        super().read(file, sink)

    def remove(self, file: WaitingFile) -> None:
        way = self._strikes("unreachable", "lost")
        if way != "unreachable":
            super().remove(file)
        if way:
            raise Unreachable("the line was cut while a file was removed")

    def look(self, name: str, size: int, sha256: str) -> Receipt | None:
        self._may_be_refused()
        return super().look(name, size, sha256)

    def send(self, name: str, source: BinaryIO, size: int, sha256: str, before_commit: Callable[[], None]) -> Receipt:
        if self._strikes("cut"):
            source.read(size // 2)
            raise Unreachable("the line was cut half way")
        return super().send(name, source, size, sha256, before_commit)

    def _commit(self, name: str, data: bytes) -> None:
        way = self._strikes(*ENDS)
        if way != "before":
            super()._commit(name, data)
        if way:
            raise InDoubt(f"the line was cut {ENDS[way]}")

    def _may_be_refused(self) -> None:
        way = self._strikes("unreachable", "silent")
        if way:
            self._open = False
            raise NoAnswer("no server answers") if way == "silent" else Unreachable("the line was cut")

    def _strikes(self, *ways: str) -> str | None:
        return weather.strikes(self._path, *ways)
