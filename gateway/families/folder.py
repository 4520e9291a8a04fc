"""A family's folder as it is given: plain files only, copied before anything in it is believed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.families.problems import Problem, problem
from gateway.platform import private_dir, sync_dir, sync_file

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}(@[A-Za-z0-9][A-Za-z0-9._-]{0,31})?", re.ASCII)
MOST_FILES = 2000
MOST_BYTES = 64 << 20
_BLOCK = 1 << 20


def copied(source: Path, target: Path) -> list[Problem]:
    """Copy a folder, every byte durable; links, devices and hidden files stay behind. Raises OSError."""
    private_dir(target)
    found: list[Problem] = []
    left = MOST_BYTES
    for number, (path, name) in enumerate(_files(source, found)):
        if number >= MOST_FILES:
            return [*found, problem("too_many_files", limit=MOST_FILES)]
        left -= _copy(path, target / name, left)
        if left < 0:
            return [*found, problem("too_large", name, limit=MOST_BYTES >> 20)]
    sync_dir(target)
    return found


def _files(source: Path, found: list[Problem]) -> Iterator[tuple[Path, str]]:
    """Every plain file with its name inside the folder; what else there is becomes a problem."""
    for folder, folders, files in os.walk(source):
        here = Path(folder)
        for name in sorted([*folders, *files]):
            path = here / name
            inside = path.relative_to(source).as_posix()
            mode = path.lstat().st_mode
            if name.startswith("."):
                continue
            if stat.S_ISLNK(mode):
                found.append(problem("link", inside))
            elif stat.S_ISREG(mode):
                yield path, inside
            elif not stat.S_ISDIR(mode):
                found.append(problem("not_a_file", inside))
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _copy(source: Path, target: Path, left: int) -> int:
    """Copy one file, at most a byte more than `left`; its size. A link put in its place meanwhile is not followed."""
    private_dir(target.parent)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    size = 0
    with os.fdopen(os.open(source, flags), "rb") as file, target.open("xb") as copy:
        while size <= left and (block := file.read(_BLOCK)):
            copy.write(block)
            size += len(block)
        sync_file(copy)
    return size
