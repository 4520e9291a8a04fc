"""Work on somebody's schema in a process of its own, with an end in time and memory: what hangs or swells is killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from gateway.processes import limit_memory

MEMORY = 2 << 30  # bytes of address space
Task = Callable[..., Iterable[Any]]
_END = "end"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the work gave before it ended. `ended`: by itself."""

    results: tuple[Any, ...]
    ended: bool


def tried(task: Task, *arguments: Any, seconds: float, first: float = 0.0) -> Tried:
    """Every result of `task(*arguments)`, each within `seconds` of the one before (the first may take `first` more)."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, task, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        results = list(_heard(ours, seconds, first))
    finally:
        process.kill()
        process.join()
        ours.close()
    ended = bool(results) and results[-1] == _END
    return Tried(tuple(results[:-1] if ended else results), ended)


def _heard(pipe: Connection, seconds: float, first: float) -> Iterator[Any]:
    wait = seconds + first
    while pipe.poll(wait):
        try:
            heard = pipe.recv()
        except EOFError:  # it died
            return
        yield heard
        if heard == _END:
            return
        wait = seconds


def _work(pipe: Connection, task: Task, arguments: tuple[Any, ...]) -> None:
    limit_memory(MEMORY)
    for result in task(*arguments):
        pipe.send(result)
    pipe.send(_END)
