"""Many files judged: one after the other, or beside each other where that pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path

from gateway import catalog as catalogs
from gateway.cli.judged import Outcome, judge_file

_WORTH_A_PROCESS = 4 << 20  # bytes to judge for which starting a second process pays


def judge_files(
    files: Sequence[Path],
    folders: Sequence[Path],
    *,
    jobs: int,
    on: date | None = None,
    look: bool = False,
    tolerances: Collection[str] = (),
) -> Iterator[Outcome]:
    """The outcome of every file, in their order. `jobs` processes; 0: as many as pay for themselves."""
    jobs = min(jobs or _paying(files), len(files))
    if jobs > 1:
        # Loaded here: most checks are of one file, and pay for no pool of processes.
        beside: Callable[..., Iterator[Outcome]] = import_module("gateway.cli.beside").judge_files
        yield from beside(files, folders, jobs=jobs, on=on, look=look, tolerances=tolerances)
        return
    judge = partial(judge_file, catalog=catalogs.load(folders), on=on, look=look, tolerances=tolerances)
    yield from map(judge, files)


def _paying(files: Sequence[Path]) -> int:
    size = sum(file.stat().st_size for file in files if file.exists())
    return min(os.cpu_count() or 1, 1 + size // _WORTH_A_PROCESS)
