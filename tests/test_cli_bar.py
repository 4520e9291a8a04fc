"""Long work shows a bar on a terminal and nothing on a pipe."""

from __future__ import annotations

import io

from rich.console import Console

from gateway.cli.bar import bar


def drawn(*, terminal: bool, steps: int | None) -> str:
    """What reaches the error stream while two steps are told."""
    stream = io.StringIO()
    with bar("begin", steps=steps, console=Console(file=stream, force_terminal=terminal, width=60)) as tell:
        tell("first")
        tell("second")
    return stream.getvalue()


def test_a_terminal_sees_what_is_being_done_now() -> None:
    assert "second" in drawn(terminal=True, steps=2)
    assert "second" in drawn(terminal=True, steps=None)


def test_a_pipe_sees_nothing() -> None:
    assert drawn(terminal=False, steps=2) == drawn(terminal=False, steps=None) == ""
