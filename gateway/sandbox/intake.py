"""From a user's depot into the payer's hands: each arrival is taken in once, wherever the process is killed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gateway.clock import Clock
from gateway.identifiers import new_id
from gateway.platform import passing, private_dir
from gateway.sandbox.book import Arrival, Book
from gateway.sandbox.files import is_temporary
from gateway.sandbox.users import DEPOSIT, Users


class Intake:
    """Takes files in. `keeps`: what was deposited stays visible in the depot; else it is gone at once.

    A file is moved (or linked) to `taken/<number>/<id>/<name>` first and journalled under that id next, so a kill in
    between leaves something that can be journalled later, and never twice.
    """

    def __init__(self, book: Book, users: Users, folder: Path, clock: Clock, *, keeps: bool) -> None:
        self._book, self._users, self._folder, self._clock, self._keeps = book, users, folder, clock, keeps

    def take(self, number: str, path: Path) -> None:
        """Take one finished file out of the user's depot. Raises OSError when it cannot be moved."""
        deposit_id = new_id("DEP")
        taken = private_dir(self._folder / number / deposit_id) / path.name
        passing("sandbox.before_take")
        if self._keeps:
            _link(path, taken)
        else:
            path.rename(taken)
        passing("sandbox.taken")
        self._journal(number, taken)

    def content(self, arrival: Arrival) -> bytes:
        """The bytes that arrived. Raises OSError."""
        return (self._folder / arrival.number / arrival.id / arrival.name).read_bytes()

    def discard(self, arrival: Arrival) -> None:
        """The bytes of what was judged are no longer needed."""
        shutil.rmtree(self._folder / arrival.number / arrival.id, ignore_errors=True)

    def recover(self) -> None:
        """Pick up what an earlier life left: taken and not journalled, judged and not discarded, still in a depot."""
        waiting = {arrival.id for arrival in self._book.to_judge()}
        for file in self._left_behind():
            if not self._book.knows(file.parent.name):
                self._journal(file.parent.parent.name, file)
            elif file.parent.name not in waiting:
                shutil.rmtree(file.parent, ignore_errors=True)
        for user in self._users.all():
            for path in sorted((self._users.folder(user.number) / DEPOSIT).iterdir()):
                if self._finished(user.number, path):
                    self.take(user.number, path)

    def _left_behind(self) -> Iterator[Path]:
        for folder in sorted(self._folder.glob("*/*")):
            files = list(folder.iterdir())
            if not files:
                folder.rmdir()
            yield from files

    def _finished(self, number: str, path: Path) -> bool:
        if is_temporary(path.name) or path.is_symlink() or not path.is_file():
            return False
        return not (self._keeps and self._book.has_taken(number, path.name, _identity(path)))

    def _journal(self, number: str, taken: Path) -> None:
        with taken.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = taken.stat().st_size
        arrival = Arrival(taken.parent.name, number, taken.name, sha256, size, _identity(taken))
        self._book.arrived(arrival, self._clock.now())


def _identity(path: Path) -> str:
    found = path.stat()
    return f"{found.st_ino}-{found.st_mtime_ns}"


def _link(path: Path, taken: Path) -> None:
    """A second name for the same file; where there are none, a copy that passes for it."""
    try:
        os.link(path, taken)
    except OSError:
        partial = taken.parent.with_suffix(".copy")
        shutil.copy2(path, partial)
        with suppress(FileExistsError):
            partial.rename(taken)
