"""Files judged beside each other, in processes of their own: one that dies takes no other file's verdict with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread, active_count, current_thread, main_thread

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.cli.judged import Outcome, judge_file, unreadable
from gateway.messages import both

_known: list[Catalog] = []  # of this process, when it is one of those that judge


def judge_files(
    files: Sequence[Path],
    folders: Sequence[Path],
    *,
    jobs: int,
    on: date | None = None,
    look: bool = False,
    tolerances: Collection[str] = (),
) -> Iterator[Outcome]:
    """As `many.judge_files`, with `jobs` processes."""
    pool = ProcessPoolExecutor(jobs, get_context(_way()), _begin, (list(folders),))
    try:
        with _deaf():
            waiting: list[Future[Outcome]] = [pool.submit(_judge, file, on, look, tolerances) for file in files]
        for file, outcome in zip(files, waiting, strict=True):
            yield _outcome(file, outcome)
    finally:
        pool.shutdown(cancel_futures=True)


def _way() -> str:
    """How processes begin. A forked one need not load everything again, but would share locks with threads that it does
    not have: only where there are none. macOS has threads of its own."""
    return "fork" if sys.platform == "linux" and active_count() == 1 else "spawn"


def _outcome(file: Path, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return unreadable(file, both("check.died"))


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that begin here never hear Ctrl-C: it is for whoever waits for them, and they end with the pool."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(folders: list[Path]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it is not inherited
    Thread(target=_end_with_parent, daemon=True).start()
    _known.append(catalogs.load(folders))


def _end_with_parent() -> None:
    """Whoever waits for this process may be killed: nobody would ever tell it to end."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _judge(file: Path, on: date | None, look: bool, tolerances: Collection[str]) -> Outcome:
    return judge_file(file, catalog=_known[0], on=on, look=look, tolerances=tolerances)
