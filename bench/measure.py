"""Runs whole processes in turn and prints medians: seconds, CPU seconds, peak memory, ratios to a named peer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from compileall import compile_dir
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Cost:
    """One finished process (children included): wall and CPU seconds, peak resident memory in bytes."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Lane:
    """One thing measured. `before` puts back what a run uses up, and is not counted."""

    name: str
    command: Sequence[str]
    before: Callable[[], object] = lambda: None
    accepts: tuple[int, ...] = (0,)


def cost(lane: Lane) -> Cost:
    """Run the lane's command once. Raises RuntimeError when it fails: a failed run has no cost worth telling.

    A small process of our own starts it: a child begins with the size of whoever forked it, and that would be told as
    its peak.
    """
    lane.before()
    done = subprocess.run([sys.executable, "-IS", __file__, *lane.command], capture_output=True, text=True)
    if done.returncode not in lane.accepts:
        raise RuntimeError(f"{lane.name}: exit {done.returncode}: {done.stderr[-500:]}")
    return Cost(*map(float, done.stderr.splitlines()[-1].split()))


def measured(command: Sequence[str]) -> int:
    """Run a command and tell on the error stream, in the last line: wall and CPU seconds, peak bytes."""
    null = os.open(os.devnull, os.O_WRONLY)
    begun = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    scale = 1 if sys.platform == "darwin" else 1024
    print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, file=sys.stderr)
    return os.waitstatus_to_exitcode(status)


def rounds(lanes: Sequence[Lane], count: int) -> Mapping[str, list[Cost]]:
    """Every lane once a round, one after the other, so that a slow minute of the machine is shared by all. Our modules
    are compiled first, as pip compiles what it installs: some environments keep Python from doing so in a checkout."""
    compile_dir(Path(__file__).resolve().parent.parent / "gateway", quiet=1)
    seen: dict[str, list[Cost]] = {lane.name: [] for lane in lanes}
    for _ in range(count):
        for lane in lanes:
            seen[lane.name].append(cost(lane))
    return seen


def ratio(seen: Mapping[str, list[Cost]], lane: str, peer: str, what: str = "wall") -> float:
    """Median over the rounds of the ratio between two lanes of the same round."""
    pairs = zip(seen[lane], seen[peer], strict=True)
    return median(getattr(a, what) / max(getattr(b, what), 1e-9) for a, b in pairs)


def table(title: str, seen: Mapping[str, list[Cost]], peers: Sequence[str]) -> str:
    """A Markdown table of medians, with a column of ratios (wall) for each peer."""
    head = ["what", "wall s", "CPU s", "peak MiB", *(f"× {peer}" for peer in peers)]
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, costs in seen.items():
        row = [
            name,
            f"{median(c.wall for c in costs):.2f}",
            f"{median(c.cpu for c in costs):.2f}",
            f"{median(c.peak for c in costs) / 2**20:.0f}",
            *(f"{ratio(seen, name, peer):.2f}" for peer in peers),
        ]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(measured(sys.argv[1:]))
