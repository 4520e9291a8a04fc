"""A house as it stands while its gateway waits at a system call: what kill -9 would leave, copied and looked at."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from faults import checker
from faults.house import House
from faults.shapes import shape

LOOK = "moment"  # beside the house: where its copies are laid
BOOK = "payer/book.sqlite"


class Moments:
    """The copies of one house, each in the place of the one before. What was written survives the death of who wrote
    it, synced or not: the files as they are now are the files as it would leave them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._folder = house.folder.with_name(LOOK)
        self._seen: dict[str, bytes] = {}
        self._left: dict[str, bytes] = {}
        shutil.rmtree(self._folder, ignore_errors=True)

    def new(self) -> bool:
        """Copy the house, unless it is, to the byte, what was copied last. Whether whoever starts there finds something
        new: SQLite rolls back what is half done, and what is left then may be what was left of the copy before."""
        files = self._files()
        if files == self._seen:
            return False
        for gone in self._seen.keys() - files.keys():
            (self._folder / gone).unlink(missing_ok=True)  # a journal that was rolled back is gone here as well
        for name, data in files.items():
            if data != self._seen.get(name) or _is_database(name):
                (self._folder / name).write_bytes(data)
        before, self._seen, self._left = self._left, files, self._rolled_back(files)
        return self._left != before

    def _rolled_back(self, files: dict[str, bytes]) -> dict[str, bytes]:
        found = {name: data for name, data in files.items() if not name.endswith("-journal")}
        for name in filter(_is_database, found):
            with closing(sqlite3.connect(self._folder / name, timeout=30)) as db:
                db.execute("SELECT 1 FROM sqlite_master").fetchone()
            found[name] = (self._folder / name).read_bytes()
        return found

    def wrong(self) -> list[str]:
        """What is wrong with the copy, and may not be at any moment."""
        return checker.at_any_moment(self._copy)

    @property
    def shape(self) -> str:
        return shape(self._copy)

    @property
    def _copy(self) -> House:
        return replace(self._house, folder=self._folder)

    def _files(self) -> dict[str, bytes]:
        """What lies in the house; folders are made on the way. The payer is alive: its book is read as a whole, and
        its files come and go."""
        found = {}
        for where, folders, names in os.walk(self._house.folder):
            below = where.removeprefix(str(self._house.folder)).removeprefix("/")
            for folder in folders:
                (self._folder / below / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                path = f"{below}/{name}".removeprefix("/")
                if not path.startswith(BOOK):
                    with suppress(FileNotFoundError):
                        found[path] = Path(where, name).read_bytes()
        with closing(sqlite3.connect(self._house.folder / BOOK, timeout=30)) as book:
            book.execute("BEGIN")
            book.execute("SELECT 1 FROM sqlite_master").fetchone()
            found[BOOK] = book.serialize()
        return found


def _is_database(name: str) -> bool:
    """Whoever looks at one rolls back what was half done: it is laid again each time."""
    return ".db" in name or ".sqlite" in name
