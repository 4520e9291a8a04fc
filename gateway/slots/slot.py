"""One process that judges, seen from outside: asked, watched, and killed when it takes too long."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from gateway.errors import JudgingError, StoreError
from gateway.messages import side_by_side
from gateway.processes import start_apart, why_ended
from gateway.report import InvoiceIndex, Report
from gateway.slots import answers
from gateway.slots.frames import GarbageError, frame, receive

WORKER = "gateway.slots.worker"
_START = 60.0  # seconds to be ready in
_BLOCK = 1 << 18
_MORE_ROWS = 100_000  # beyond the limit of invoices, which is looked at once in a block

Sink = Callable[[InvoiceIndex], None]


@dataclass(frozen=True, slots=True)
class Question:
    """A document's name and size (bytes), and how it is to be judged."""

    name: str
    size: int
    how: dict[str, Any]  # the other members of the frame: what the worker tells `validation.judge`
    invoices: int  # at most
    patience: float  # seconds by the clock


class StoppedError(Exception):
    """There is no verdict. `why`: time | clock | memory | died | answer; `detail` is for who knows the machine."""

    def __init__(self, why: str, detail: str = "-") -> None:
        super().__init__(why, detail)
        self.why, self.detail = why, detail


class _GoneError(Exception):
    """The process closed its end."""


class _Watch(threading.Timer):
    """Ends a process when it is time."""

    def __init__(self, seconds: float, kill: Callable[[], None]) -> None:
        super().__init__(seconds, self._ring)
        self.daemon, self.rang, self._kill = True, False, kill

    def _ring(self) -> None:
        self.rang = True
        self._kill()


class Slot:
    """A process of ours, for one thread at a time. Once it is not `usable` it never will be again."""

    def __init__(self, memory: int, folders: Sequence[str], module: str = WORKER) -> None:
        """Start it. Raises JudgingError."""
        self.judged, self.usable = 0, False
        self._process = start_apart(module, [str(memory), *folders])
        self._to, self._from = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        with suppress(GarbageError), self._watched(_START):
            self.usable = receive(self._from) == {"ready": True}
        if not self.usable:
            self.close()
            raise JudgingError(side_by_side("slots.not_started", detail=why_ended(self._process.returncode)))

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it waits for its next document."""
        return self.usable and self._process.poll() is None

    def judge(self, question: Question, source: BinaryIO, sink: Sink) -> Report:
        """The report on a document. Raises StoppedError when there is none, and whatever reading `source` raises."""
        self.judged, self.usable = self.judged + 1, False  # until it has answered in full
        try:
            with self._watched(question.patience) as watch:
                sha256, answer = self._answer(question, source, sink, watch)
            again = answer.pop("again", None) is True and not watch.rang
            report = _believed(answer, question, sha256)
        except GarbageError as error:
            raise StoppedError("answer", str(error)) from error
        self.usable = again
        return report

    def kill(self) -> None:
        """End it under another thread's hands."""
        self._process.kill()

    def close(self) -> None:
        """End it. It holds nothing that could be lost."""
        self.usable = False
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            with suppress(OSError):  # what was still to be said to a dead process
                pipe.close()

    def _answer(self, question: Question, source: BinaryIO, sink: Sink, watch: _Watch) -> tuple[str, dict[str, Any]]:
        try:
            return self._ask(question, source), self._heard(question, sink)
        except _GoneError:
            detail = why_ended(self._process.wait())  # the watch sees to it that this ends
        if watch.rang:
            raise StoppedError("clock")
        raise StoppedError("time" if detail == "SIGXCPU" else "died", detail)

    def _ask(self, question: Question, source: BinaryIO) -> str:
        """Hand over the document; give its sha256."""
        self._write(frame({"name": question.name, "size": question.size} | question.how))
        digest, left = hashlib.sha256(), question.size
        source.seek(0)
        while left:
            block = source.read(min(left, _BLOCK))
            if not block:
                raise StoreError(side_by_side("slots.shorter", name=question.name))
            digest.update(block)
            left -= len(block)
            self._write(block)
        self._write(b"")
        return digest.hexdigest()

    def _write(self, data: bytes) -> None:
        """Nothing: let what was written go."""
        try:
            if data:
                self._to.write(data)
            else:
                self._to.flush()
        except OSError as error:
            raise _GoneError from error

    def _heard(self, question: Question, sink: Sink) -> dict[str, Any]:
        """What it says last; rows go to `sink` as they come."""
        rows = answers.Rows(question.invoices + _MORE_ROWS)
        while (said := receive(self._from)) is not None:
            if "rows" not in said:
                return said
            for index in rows.take(said):
                sink(index)
        raise _GoneError

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[_Watch]:
        watch = _Watch(seconds, self._process.kill)
        watch.start()
        try:
            yield watch
        finally:
            watch.cancel()
            watch.join()  # it rang, or it never will


def _believed(answer: dict[str, Any], question: Question, sha256: str) -> Report:
    if answer == {"failed": "memory"}:
        raise StoppedError("memory")
    if answer.keys() == {"failed"}:
        raise StoppedError("died", str(answer["failed"])[:80])
    if answer.keys() != {"report"}:
        raise GarbageError("answer")
    return answers.report(answer["report"], question.name, sha256)
