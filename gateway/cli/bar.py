"""Long work on a terminal: a bar with what is being done now, on the error stream; nothing on a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Tell = Callable[[str], None]


@contextmanager
def bar(text: str, *, steps: int | None = None, console: Console | None = None) -> Iterator[Tell]:
    """Show a bar while the block runs. Calling what it gives says what begins now, one of `steps`; without a number of
    steps the bar only shows that something goes on."""
    shown = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    # What the block prints goes where it was sent: the bar must not draw it onto the error stream.
    progress = Progress(
        *columns, console=shown, transient=True, disable=not shown.is_terminal, redirect_stdout=False, expand=True
    )
    with progress:
        task = progress.add_task(text, total=steps)
        told = 0

        def tell(what: str) -> None:
            nonlocal told
            progress.update(task, description=what, completed=told if steps else 0)
            told += 1

        yield tell
