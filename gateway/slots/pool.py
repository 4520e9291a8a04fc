"""The slots of a service: a process for whoever asks, kept warm for its owner's next document, never another's."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import structlog

from gateway.errors import JudgingError
from gateway.messages import side_by_side
from gateway.report import InvoiceIndex, Report
from gateway.slots.allowance import Allowance
from gateway.slots.slot import WORKER, Question, Sink, Slot, StoppedError
from gateway.validation import Limits
from gateway.validation.findings import built_in

log = structlog.get_logger()


class Slots:
    """`validation.judge` for a service. Whoever asks has a process at once: there are as many at work as threads that
    ask. As many as the machine has processors stay warm, each for the owner whose documents it saw: what a document
    did to one reaches no other owner."""

    def __init__(self, folders: Sequence[Path], allowance: Allowance | None = None, *, module: str = WORKER) -> None:
        self._module = module
        self.allowance = allowance or Allowance()
        self._folders = [str(folder.absolute()) for folder in folders]
        self._lock = threading.Lock()
        self._warm: list[tuple[str, Slot]] = []  # the one used last comes last
        self._busy: dict[Slot, str] = {}
        self._closed = False

    def judge(
        self,
        owner: str,
        source: BinaryIO,
        name: str,
        *,
        on: date | None = None,
        tolerances: Collection[str] = (),
        sink: Sink | None = None,
        limits: Limits | None = None,
        severities: Mapping[str, str] = MappingProxyType({}),
    ) -> Report:
        """The report on a document from a seekable stream, in bounded memory; `not_judged` when it went beyond its
        allowance: `sink` may have heard of some invoices then. Raises JudgingError, and what `source` raises."""
        limits = limits or Limits()
        how: dict[str, Any] = {
            "on": on,
            "tolerances": [*tolerances],
            "severities": dict(severities),
            "limits": asdict(limits),
        }
        size = source.seek(0, io.SEEK_END)
        seconds = self.allowance.processor(size)
        how |= {"seconds": seconds, "rows": sink is not None}
        question = Question(name, size, how, limits.invoices, self.allowance.clock(size))
        slot = self._taken(owner)
        try:
            return slot.judge(question, source, sink or _nobody)
        except StoppedError as error:
            if self._closed:
                raise JudgingError(side_by_side("slots.ending")) from error
            log.warning("judging_stopped", owner=owner, why=error.why, detail=error.detail, size=size)
            return self._without_verdict(name, error, seconds)
        finally:
            self._given_back(owner, slot)

    def processes(self) -> dict[int, str]:
        """Every process there is now, with its owner."""
        with self._lock:
            return {slot.pid: owner for owner, slot in [*self._warm, *((o, s) for s, o in self._busy.items())]}

    def close(self) -> None:
        """End every process; what is being judged has no verdict."""
        with self._lock:
            self._closed = True
            warm, self._warm = self._warm, []
            busy = list(self._busy)
        for _, slot in warm:
            slot.close()
        for slot in busy:
            slot.kill()

    def _taken(self, owner: str) -> Slot:
        with self._lock:
            mine = next((one for one in reversed(self._warm) if one[0] == owner), None)
            if mine is not None:
                self._warm.remove(mine)
        slot = mine[1] if mine is not None else None
        if slot is not None and not slot.alive:
            slot.close()
            slot = None
        slot = slot or Slot(self.allowance.memory_bytes, self._folders, self._module)
        with self._lock:
            self._busy[slot] = owner
            closed = self._closed
        if closed:
            self._given_back(owner, slot)
            raise JudgingError(side_by_side("slots.ending"))
        return slot

    def _given_back(self, owner: str, slot: Slot) -> None:
        leaving = [slot]
        with self._lock:
            del self._busy[slot]
            if slot.usable and slot.judged < self.allowance.documents and not self._closed:
                self._warm.append((owner, slot))
                leaving = [old for _, old in self._warm[: -(os.cpu_count() or 1)]]
                del self._warm[: len(leaving)]
        for old in leaving:
            old.close()

    def _without_verdict(self, name: str, error: StoppedError, seconds: float) -> Report:
        values: dict[str, Any] = {"seconds": round(seconds), "detail": error.detail}
        values["mebibytes"] = self.allowance.memory_bytes >> 20
        draft = built_in("NOT_JUDGED", f"judging_{error.why}", **values)
        return Report(name, "", None, None, None, "not_judged", findings=[draft.finish({})], findings_total=1)


def _nobody(_invoice: InvoiceIndex) -> None:
    """Nobody listens."""
