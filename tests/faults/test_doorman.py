"""A process's chosen calls wait at the door: they are done, refused, or never done, as its parent says."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from faults import doorman
from faults.doorman import Door

pytestmark = pytest.mark.skipif(bool(doorman.missing()), reason=doorman.missing() or "-")
PATIENCE = 30.0
NAMES = [f"file {number}" for number in range(4)]


def _remove_all(folder: str, parent: Connection) -> None:
    """Remove each file; what cannot be removed is noted."""
    os.chdir(folder)
    doorman.submit(["unlink"], parent)
    for name in NAMES:
        try:
            Path(name).unlink()
        except OSError as error:
            Path(f"{name} {errno.errorcode[error.errno or 0]}").touch()


@pytest.fixture
def removing(tmp_path: Path) -> tuple[BaseProcess, Connection]:
    for name in NAMES:
        (tmp_path / name).touch()
    ours, theirs = Pipe()
    process = get_context("spawn").Process(target=_remove_all, args=(str(tmp_path), theirs))
    process.start()
    theirs.close()
    return process, ours


def test_a_call_waits_until_it_is_let_and_an_error_is_all_that_is_left_of_a_refused_one(
    removing: tuple[BaseProcess, Connection], tmp_path: Path
) -> None:
    process, pipe = removing
    with closing(pipe), closing(Door(pipe)) as door:
        first = door.next(PATIENCE)
        assert first is not None
        assert (first.name, first.thread) == ("unlink", process.pid)
        assert (tmp_path / NAMES[0]).exists()
        door.let(first)
        for error in (errno.EIO, errno.ENOSPC):
            waiting = door.next(PATIENCE)
            assert waiting is not None
            door.fail(waiting, error)
        last = door.next(PATIENCE)
        assert last is not None
        door.let(last)
        assert door.next(PATIENCE) is None
    process.join()
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["file 1", "file 1 EIO", "file 2", "file 2 ENOSPC"]


def test_a_call_is_never_done_when_its_process_is_killed_at_it(
    removing: tuple[BaseProcess, Connection], tmp_path: Path
) -> None:
    process, pipe = removing
    with closing(pipe), closing(Door(pipe)) as door:
        first = door.next(PATIENCE)
        assert first is not None
        door.let(first)
        assert door.next(PATIENCE) is not None
        process.kill()
        assert door.next(PATIENCE) is None
        door.let(first)  # whoever is gone hears nothing more
    process.join()
    assert sorted(file.name for file in tmp_path.iterdir()) == NAMES[1:]
