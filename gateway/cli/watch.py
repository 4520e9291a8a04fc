"""`gateway check --watch`: look at the files again and again, and judge those that changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.cli.common import Call
from gateway.cli.judged import files_in
from gateway.clock import Clock, SystemClock

_PAUSE = 0.5  # seconds between two looks
Seen = dict[Path, tuple[int, int]]  # file → when it was written (ns), size


class Judge(Protocol):
    """What judges and tells: `check.Run`."""

    call: Call

    @property
    def piecewise(self) -> bool:
        """Whether each file is told by itself; else all are written again when one changes."""

    def judge(self, files: Sequence[Path]) -> int:
        """Exit code of the worst document."""


def watch(run: Judge, paths: Sequence[Path], clock: Clock | None = None) -> int:
    """Judge all, then whatever changes, until Ctrl-C. Gives the exit code of the worst document as it last stood."""
    clock = clock or SystemClock()
    judged: Seen = {}
    codes: dict[Path, int] = {}
    before = _look(paths)
    try:
        while True:
            now = _look(paths)
            codes = {file: code for file, code in codes.items() if file in now}
            # A file still being written is left for the next look.
            changed = [file for file, state in now.items() if judged.get(file) != state and before.get(file) == state]
            judged |= {file: now[file] for file in changed}
            if changed and run.piecewise:
                codes |= {file: run.judge([file]) for file in changed}
            elif changed:
                codes = dict.fromkeys(now, run.judge(list(now)))
            if changed:
                run.call.complain(run.call.say("check.watching", files=len(now)))
                sys.stdout.flush()
            before = now
            clock.sleep(_PAUSE)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return max(codes.values(), default=0)


def _look(paths: Sequence[Path]) -> Seen:
    seen: Seen = {}
    for file in files_in(paths):
        try:
            state = file.stat()
        except OSError:  # gone between two looks, or not there yet
            continue
        seen[file] = (state.st_mtime_ns, state.st_size)
    return seen
