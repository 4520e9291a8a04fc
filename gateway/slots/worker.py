"""The process in a slot: `python -m gateway.slots.worker MEMORY FOLDER…` judges what comes through its input.

It has no secret, no environment, no file but the schema folders, and opens no connection. It ends when its input does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from gateway.catalog import Catalog
from gateway.installed import Installed
from gateway.processes import address_space, confined, detach_pipes, leave_no_core, limit_memory, memory_file
from gateway.report import InvoiceIndex
from gateway.slots.answers import AT_ONCE, by_column, plain
from gateway.slots.frames import frame, receive
from gateway.validation import Limits, judge

_BLOCK = 1 << 18


def main(arguments: list[str]) -> None:
    """Judge document after document. What ends this process early is its parent's to tell."""
    memory, *folders = arguments
    incoming, outgoing = detach_pipes()
    leave_no_core()
    known = Installed(map(Path, folders))
    limit_memory(int(memory))
    send(outgoing, {"ready": True})
    while (question := receive(incoming)) is not None:
        with _received(incoming, question["size"]) as document:
            with confined(question["seconds"], incoming):
                answer = _answer(question, document, known, outgoing)
            # A heap that stays swollen would be the next document's burden.
            send(outgoing, answer | {"again": address_space() < int(memory) // 2})


def send(outgoing: BinaryIO, said: dict[str, Any]) -> None:
    """Say it. Raises OSError when nobody listens any more."""
    outgoing.write(frame(said))
    outgoing.flush()


@contextmanager
def _received(incoming: BinaryIO, size: int) -> Iterator[BinaryIO]:
    with memory_file(size) as document:
        left = size
        while left:
            block = incoming.read(min(left, _BLOCK))
            if not block:
                raise EOFError("whoever asked is gone")
            document.write(block)
            left -= len(block)
        document.flush()
        yield document


def _answer(question: dict[str, Any], document: BinaryIO, known: Catalog, outgoing: BinaryIO) -> dict[str, Any]:
    rows: list[InvoiceIndex] = []

    def pass_on() -> None:
        if question["rows"] and rows:
            send(outgoing, by_column(rows))
        rows.clear()

    def sink(index: InvoiceIndex) -> None:
        rows.append(index)
        if len(rows) >= AT_ONCE:
            pass_on()

    try:
        report = judge(
            document,
            question["name"],
            known,
            on=date.fromisoformat(question["on"]) if question["on"] else None,
            tolerances=question["tolerances"],
            sink=sink,
            limits=Limits(**question["limits"]),
            severities=question["severities"],
        )
        pass_on()
        return {"report": plain(report)}
    except MemoryError:
        rows.clear()
        return {"failed": "memory"}
    except OSError:  # whoever asked is gone, or something wanted to write a file
        raise
    except Exception as error:  # a defect of ours that this document brings about: told, and nobody waits for it
        return {"failed": type(error).__name__}


if __name__ == "__main__":
    main(sys.argv[1:])
