"""A folder for copies that are being made, empty at the beginning and at the end; one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gateway.config import Config
from gateway.errors import BackupError
from gateway.messages import side_by_side
from gateway.platform import private_dir


@contextmanager
def scratch(config: Config) -> Iterator[Path]:
    """The folder, on the disk of the state. Raises BackupError when another process has it."""
    place = config.paths.scratch
    private_dir(place.parent)
    lock = FileLock(place.with_suffix(".lock"), timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise BackupError(side_by_side("backups.under_way", folder=config.paths.state)) from None
    try:
        shutil.rmtree(place, ignore_errors=True)
        yield private_dir(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.release()


def clear(config: Config) -> None:
    """Remove what a killed process left there; nothing while a living one is at work."""
    lock = FileLock(config.paths.scratch.with_suffix(".lock"), timeout=0, mode=0o600)
    try:
        with lock:
            shutil.rmtree(config.paths.scratch, ignore_errors=True)
    except Timeout:
        return
