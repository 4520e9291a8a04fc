"""What a process of ours takes from the system, and gives back to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.processes import stops_noted

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


_ONE_HEAP = """
import threading
from pathlib import Path
from gateway.processes import use_one_heap

def among():
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    begins, ends = next(line[0].split("-") for line in maps if line[-1] == "[heap]")
    return sum(int(begins, 16) <= id(one) < int(ends, 16) for one in held)

use_one_heap()
held = []
threads = [threading.Thread(target=lambda: held.extend([bytes(2000) for _ in range(1000)])) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(among())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")
def test_all_threads_take_their_memory_from_one_heap() -> None:
    done = subprocess.run([sys.executable, "-c", _ONE_HEAP], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) == 8000


_INTERRUPTED = """
from gateway.cli import main
from gateway.cli.init import landing

landing.is_set_up = lambda _: exec("import signal; signal.raise_signal(signal.SIGINT)")
main(["init", "somewhere"])
"""


def test_a_command_that_is_interrupted_ends_with_its_exit_code_wherever_that_happens(tmp_path: Path) -> None:
    """Even while Python runs a text, after which it would end by SIGINT all the same (where started by `-m`)."""
    (tmp_path / "interrupted.py").write_text(_INTERRUPTED, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-m", "interrupted"], env=os.environ | {"PYTHONPATH": paths}, timeout=60)
    assert done.returncode == 130


def test_who_asks_a_command_to_stop_is_heeded_between_two_steps() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stops_noted() as unless_stopped:
        unless_stopped()
        signal.raise_signal(signal.SIGTERM)  # in the middle of a step nothing is raised
        with pytest.raises(KeyboardInterrupt):
            unless_stopped()
        signal.raise_signal(signal.SIGINT)  # this one comes while somebody tidies up
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_ctrl_c_stops_a_step_that_hangs() -> None:
    with stops_noted():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
