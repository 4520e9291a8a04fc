"""The master key replaced while the gateway works, and either process killed anywhere: everything opens afterwards,
under the new key alone."""

from __future__ import annotations

import base64
import math
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from support.unsealed import Unsealed

from faults import checker, documents, lives
from faults.house import House, Later
from faults.lives import Life
from faults.trials import Bench, Outcome, Trial, finish
from gateway import keyring, platform
from gateway.app import open_app
from gateway.config import load
from gateway.errors import SealingError
from gateway.keyring import rotation
from gateway.sealing import fingerprint_of

MANY = 30  # rotations
SMALL = 3  # data keys in one transaction, so that there are many
STEPS = [(point, 1) for point in keyring.POINTS] + [("keyring.rewrapped", 2), ("keyring.rewrapped", 5)]
SHORTEST, LONGEST = 0.005, 1.0  # seconds both are given


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """First a kill of the rotation at each step, then kills by chance of the one, of the other, or of both."""
    for number in range(count or MANY):
        if number < len(STEPS):
            point, hit = STEPS[number]
            yield Trial("keys", f"killed at {point}, {hit}", seed, {"point": point, "hit": hit, "number": number})
        else:
            yield Trial("keys", f"killed by chance, {number}", seed, {"number": number})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """While a lot goes its way. Who ended before the kill is none of the tries: another key is made, and again."""
    chance, outcome = trial.chance, Outcome()
    with _busy(bench) as place:
        before = _key(place)
        for lot in range(1, 20):
            place.deposit(documents.one_more(lot))
            service, rotates = lives.begin(place), _begin(place, trial.facts)
            victims = [rotates] if "point" in trial.facts else chance.choice(([rotates], [service], [service, rotates]))
            if "point" not in trial.facts:
                time.sleep(math.exp(chance.uniform(math.log(SHORTEST), math.log(LONGEST))))
                for victim in victims:
                    victim.kill()
            ends = {process: lives.end(process) for process in (service, rotates)}
            outcome.wrong = _well([code for process, code in ends.items() if process not in victims])
            outcome.wrong += checker.at_any_moment(place) + _shut_keys(place)
            outcome.tried = int(any(ends[victim] != 0 for victim in victims))
            if outcome.tried or outcome.wrong:
                break
        outcome.wrong = outcome.wrong or finish(place) or _replaced(place, before)
    return outcome


@contextmanager
def _busy(bench: Bench) -> Iterator[House]:
    """A house that has some data keys already."""
    if "busy" not in bench.models:
        with bench.house() as place:
            place.deposit(documents.everything())
            finish(place)
            place.payer.stop()
            bench.keep(place, "busy")
    with bench.house(model="busy") as place:
        yield place


def run(config: str, minutes: float, log: str, point: str | None, hit: int) -> None:
    """`gateway key rotate`, in a process of its own."""
    lives._speak_to(log, quiet=False)
    platform.listen(lives._dying(Life(point, hit)) if point else None)
    rotation.CHUNK = SMALL
    with open_app(load(Path(config)), clock=Later(minutes)) as app:
        keyring.renew(app.keyring)


def _begin(place: House, facts: dict[str, Any]) -> BaseProcess:
    said = (str(place.config), place.clock.minutes, str(place.log), facts.get("point"), facts.get("hit", 1))
    process = lives.forks().Process(target=run, args=said)
    process.start()
    return process


def _well(codes: list[int]) -> list[str]:
    return [f"a process that nobody killed ended with {code}" for code in codes if code != 0]


def _shut_keys(place: House) -> list[str]:
    """Right after the kill: every data key opens with the keys that lie there."""
    try:
        Unsealed(place.folder / "var").keys()
    except Exception as problem:
        return [f"C5 a data key does not open: {type(problem).__name__}"]
    return []


def _replaced(place: House, before: bytes) -> list[str]:
    """The service ended what had begun. What had not, the command does when it is called again."""
    found = list(_unfinished(place))
    if not found and (_key(place) == before or _next(place).exists()) and lives.end(_begin(place, {})) != 0:
        found.append("C5 the command did not replace the key")
    return found or [*_unfinished(place), *_shut_keys(place), *_refused(place, before)]


def _unfinished(place: House) -> Iterator[str]:
    """Of a rotation that began in the database nothing may be left to do."""
    with closing(sqlite3.connect(place.folder / "var/gateway.db")) as db:
        [(current,)] = db.execute("select fingerprint from master_key where retired_at is null").fetchall()
        half = db.execute("select 1 from master_key where retired_at is not null and refused_at is null").fetchall()
        others = db.execute(
            "select scope from data_key where destroyed_at is null and master != ?", (current,)
        ).fetchall()
    if half:
        yield "C5 an old key is not refused yet"
    if others:
        yield f"C5 {len(others)} data keys are not under the key that counts"
    if fingerprint_of(base64.b64decode(_key(place).split()[1])) != current:
        yield "C5 the key that counts has not its place"


def _refused(place: House, before: bytes) -> Iterator[str]:
    """Neither the old key nor a stranger's opens the house; whoever tries is told so in both languages."""
    good, file = _key(place), _next(place).with_name("master.key")
    if good == before:
        yield "C5 the key is the one of before"
    stranger = before.split()[0] + b" " + base64.b64encode(os.urandom(32)) + b"\n"
    for wrong, says in ((before, "was replaced on"), (stranger, "not this installation's")):
        file.write_bytes(wrong)
        try:
            with open_app(load(place.config), clock=place.clock):
                yield "C5 a wrong key opens the house"
        except SealingError as problem:
            if says not in str(problem):
                yield f"C5 a wrong key is refused with {problem}"
    file.write_bytes(good)


def _key(place: House) -> bytes:
    return _next(place).with_name("master.key").read_bytes()


def _next(place: House) -> Path:
    return place.folder / "var/keys/master.key.next"
