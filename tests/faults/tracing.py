"""A life whose system calls are counted one by one; at each of them it can be killed, lied to, or looked at."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from multiprocessing import Pipe

from faults import lives
from faults.doorman import Door
from faults.house import House
from faults.lives import PATIENCE, Life

# What makes something durable, gives it a name, takes it away, or reaches for the payer.
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "link", "linkat",
         "unlink", "unlinkat", "connect", "sendto")  # fmt: skip
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
HANGS = -1
# Given a call of the main thread and the how manieth of its name it is, says what happens: "" it goes on, "kill" before
# it is done, or the name of an error in its place.
Judge = Callable[[str, int], str]


def counted(house: House, life: Life) -> list[tuple[str, int]]:
    """Live, and note the calls in their order."""
    calls: list[tuple[str, int]] = []
    traced(house, life, lambda name, nth: calls.append((name, nth)) or "")
    return calls


def traced(house: House, life: Life, judge: Judge) -> int:
    """Live; each counted call of the main thread waits for what `judge` says. Gives the exit code. Raises OSError where
    the system does not allow to watch."""
    ours, theirs = Pipe()
    process = lives.begin(house, replace(life, quiet=True, asks=CALLS), theirs)
    theirs.close()
    times: Counter[str] = Counter()
    try:
        with closing(ours), closing(Door(ours)) as door:
            while (call := door.next(PATIENCE)) is not None:
                says = ""
                if call.thread == process.pid:
                    times[call.name] += 1
                    says = judge(call.name, times[call.name])
                if says == "kill":
                    process.kill()
                    break
                if says:
                    door.fail(call, ERRORS[says])
                else:
                    door.let(call)
    except TimeoutError:
        process.kill()
        lives.end(process)
        return HANGS
    except BaseException:
        process.kill()
        raise
    return lives.end(process)
