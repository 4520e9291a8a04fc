"""How far each password has come, counted a second time outside the database.

A database that was restored from a backup knows passwords which the payer no longer takes, and trying them would lock
the account. So every change of a slot is also written beside the key: `begun` before its row commits, `kept` after.
Whoever finds a smaller generation in the database than was kept here has an older database, and starts held.

A kill between the two leaves `begun` alone, and says nothing: no password of that generation was told to anybody before
its row was committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.models import Credential
from gateway.platform import append_private, private_dir
from gateway.store import Store
from gateway.store import credentials as rows


class Generations:
    """The file: one line a change, `CRE-… 7 kept`. Lines are only ever added, so processes never disturb each other."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def begun(self, credential: str, generation: int) -> None:
        """The row is about to commit. Raises OSError, and then it must not."""
        private_dir(self._file.parent)
        self._add(credential, generation, "begun")

    def kept(self, credential: str, generation: int) -> None:
        """The row is committed: an older one than this is out of date from here on."""
        self._add(credential, generation, "kept")

    def highest(self) -> dict[str, int]:
        """The highest generation that was kept, by credential. A line that a crash cut short counts for nothing."""
        found: dict[str, int] = {}
        try:
            lines = self._file.read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return found
        for line in lines:
            match line.split():
                case [name, number, "kept"] if number.isdigit():
                    found[name] = max(found.get(name, 0), int(number))
        return found

    def next(self, row: Credential) -> int:
        """The generation of the row's next change: above both counts, so that what is given anew is never behind."""
        return max(row.generation, self.highest().get(row.id, 0)) + 1

    def _add(self, credential: str, generation: int, what: str) -> None:
        append_private(self._file, f"{credential} {generation} {what}\n".encode())


def behind(found: Iterable[Credential], highest: dict[str, int]) -> list[Credential]:
    """The rows that are older than what was kept outside."""
    return [row for row in found if row.generation < highest.get(row.id, 0)]


def is_behind(store: Store, file: Path) -> bool:
    """Whether this database is older than the file beside the key: restored, or copied from a machine that was switched
    off. A password the file knows and the database does not counts as well."""
    highest = Generations(file).highest()
    with store.read() as tx:
        known = rows.every(tx)
    return bool(behind(known, highest)) or bool(highest.keys() - {row.id for row in known})
