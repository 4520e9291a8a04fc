"""How far a command is, on the error stream: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_WIDTH = 30


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks, on something that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_colour(stream: TextIO) -> bool:
    """Whether text may be coloured: on a terminal, unless its owner said no (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


class Progress:
    """A bar over a known number of things; `total` below 2 needs none."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total, self._done = total, 0
        self._on = total > 1 and is_terminal(self._stream)

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._draw()

    def clear(self) -> None:
        """Make room for other text on the same terminal."""
        if self._on:
            self._write("\r\x1b[K")

    def _draw(self) -> None:
        if self._on:
            full = _WIDTH * self._done // self._total
            self._write(f"\r\x1b[K{'█' * full}{'░' * (_WIDTH - full)} {self._done}/{self._total}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
