"""The command line, run in the test's own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli import main


def call(*words: str | Path) -> int:
    """Run the command line; give its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)
