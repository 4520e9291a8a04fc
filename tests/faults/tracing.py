"""Harm at a single system call: strace kills the gateway's main thread, or lies to it, at the nth call of a kind."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

from faults import lives
from faults.house import House
from faults.lives import Life

# What makes something durable, gives it a name, takes it away, or reaches for the payer.
CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat2", "link", "linkat", "unlink",
         "unlinkat", "connect", "sendto")  # fmt: skip
STRACE = shutil.which("strace")


def counted(house: House, life: Life) -> Counter[str]:
    """Live, and count its calls."""
    with tempfile.NamedTemporaryFile(prefix="gateway-calls-", suffix=".txt") as kept:
        traced(house, life, ["-o", kept.name])
        lines = Path(kept.name).read_text("utf-8", "replace").splitlines()
    return Counter(name for line in lines if (name := line.partition("(")[0]) in CALLS)


def harmed(house: House, life: Life, call: str, nth: int, harm: str) -> int:
    """Live until the nth call of a kind, which kills, or fails as `harm` says (an errno). Gives the exit code."""
    what = "signal=KILL" if harm == "kill" else f"error={harm}"
    return traced(house, life, ["-o", "/dev/null", "-e", f"inject={call}:{what}:when={nth}"])


def traced(house: House, life: Life, options: list[str]) -> int:
    """Live under strace. Raises OSError when it cannot be attached."""
    ours, theirs = Pipe()
    process = lives.begin(house, replace(life, quiet=True), theirs)
    tracer = subprocess.Popen(
        [STRACE or "strace", "-p", str(process.pid), "-e", f"trace={','.join(CALLS)}", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            process.kill()
            raise OSError(said.strip())
        ours.send(True)
        return lives.end(process)
    finally:
        tracer.terminate()
        tracer.communicate()
        ours.close()
        theirs.close()
