"""Power cuts: the process dies, and what it did not wait for the disk to keep is gone (or half of it is)."""

from __future__ import annotations

import ctypes.util
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from faults import checker, documents, lives
from faults.house import HERE, Model
from faults.lives import TESTS, Life
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
EACH = 5  # cuts of one house
SHORTEST, LONGEST = 0.05, 3.0  # seconds a life is given: this disk is slow
PATIENCE = 10.0  # seconds for a mount


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    for number in range(math.ceil((count or 0) / EACH)):
        yield Trial("power", f"house {number}", seed)


def missing() -> str:
    """What this system lacks for it."""
    if not Path("/dev/fuse").exists():
        return "there is no /dev/fuse"
    if shutil.which("fusermount3") is None or ctypes.util.find_library("fuse3") is None:
        return "fuse3 is not installed"
    return "" if find_spec("mfusepy") else "mfusepy is not installed"


def attempt(trial: Trial, bench: Bench) -> Outcome:
    if why := missing():
        return Outcome(skipped=EACH, missing=why)
    chance, outcome = trial.chance, Outcome()
    bench.begin()
    with mounted(bench.place / HERE) as disk, bench.house(lay=laid) as place:
        place.deposit(documents.one_more(0))
        disk.say("sync")
        while outcome.tried < EACH and not outcome.wrong:
            process = lives.begin(place, IN_TURN)
            time.sleep(math.exp(chance.uniform(math.log(SHORTEST), math.log(LONGEST))))
            process.kill()
            lives.end(process)
            disk.say(f"cut {chance.randrange(10**6)}")
            outcome.tried += 1
            place.log.touch()
            outcome.wrong = checker.at_any_moment(place)
            for number in checker.shut_out(place):
                place.give_password(number)
            if chance.random() < 0.3:
                place.issue_statements()
        outcome.wrong = outcome.wrong or finish(place, IN_TURN)
        outcome.persons = place.persons
    return outcome


def laid(model: Model, folder: Path) -> None:
    """All but the payer: it has a machine of its own."""
    outside = folder.with_name("elsewhere")
    shutil.rmtree(outside, ignore_errors=True)
    shutil.copytree(model.folder / "payer", outside)
    (folder / "payer").symlink_to(outside)
    shutil.copytree(model.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("payer"))


class Disk:
    """A forgetful file system that is mounted."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    def say(self, order: str) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{order}\n")
        self._server.stdin.flush()
        if self._server.stdout.readline() != "done\n":
            raise OSError("the forgetful disk is gone")


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """Mount it, in a process of its own. Raises OSError when it does not come."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "faults.forgetful", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(TESTS), "PATH": "/usr/sbin:/usr/bin:/bin"},
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE
        while not folder.is_mount():
            if server.poll() is not None or time.monotonic() > until:
                raise OSError("the forgetful disk does not come")
            time.sleep(0.05)
        yield Disk(server)
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=False, capture_output=True)
        server.kill()
        server.wait()
        for pipe in (server.stdin, server.stdout):
            if pipe is not None:
                pipe.close()
