"""What a process of ours gives back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

_FREED = """
import resource
from pathlib import Path
from gateway.processes import give_back_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

held = [bytes(2000) for _ in range(50_000)]
held[:-1] = []  # what was made last stays, above all that was freed
before = resident()
give_back_memory()
print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way of keeping what was freed")
def test_memory_that_was_freed_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _FREED], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) > 50  # MiB, of a hundred
