"""A change of a password that the payer makes: its line cut, or its process killed, all along question and answer."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

from support.town import NOON, Town, town

from faults import engines, lives
from faults.house import HERE, Model, laid
from faults.lives import Life
from faults.proxy import Proxy, Toxic
from faults.trials import Bench, Outcome, Trial
from gateway.clock import SystemClock
from gateway.resident import recover

NUMBER, FIRST, SECOND = "18001", "AGE18001A", "AGE18001B"
CHANGE = 0  # the connection of the change, among those to the door where identifiers are made
APART, AGED = timedelta(days=3), timedelta(days=17, hours=1)  # the first is 20 days old of 30
LATER, TURNS, LOTS = timedelta(hours=1, minutes=1), 4, (0, 2)  # between two turns; in which of them a lot comes in
PLACES = 20
# Each step after which a process may be gone, and how often it is passed before: other logins pass some of them too.
ONCE, THRICE = ("change_begun", "journalled", "change_kept"), ("attempted", "proved")
POINTS = [(f"credentials.{step}", 1) for step in ONCE] + [
    (f"credentials.{step}", n) for step in THRICE for n in (1, 2, 3)
]


def harms() -> list[dict[str, Any]]:
    """The line cut either way, and the process killed, at PLACES along question and answer; and at each named point."""
    found: list[dict[str, Any]] = []
    for harm, way in (("cut", "up"), ("cut", "down"), ("strike", "down")):
        for place in range(PLACES):
            what = {"what": f"{harm} {way} at {place + 1}/{PLACES}", "share": (place + 0.5) / PLACES}
            found.append(what | {"harm": harm, "way": way})
    named = [{"what": f"killed at {point}, {hit}", "harm": "kill", "point": point, "hit": hit} for point, hit in POINTS]
    return found + named


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """An answer that is lost costs that identifier, for nobody else knows the password; a question that never came
    costs nothing. The other identifier goes on either way."""
    facts, outcome = trial.facts, Outcome(1)
    proxy = _proxy(facts, bench)
    with _aged(bench, proxy) as place:
        before = _payers(place)[FIRST]["changed"]
        reached = _first_life(place, proxy, facts)
        if not reached:
            return Outcome(0, skipped=1, why="the session ended before that byte, or the point was not passed")
        for turn in range(TURNS):
            if turn in LOTS:
                place.agencies[NUMBER].deposit(f"{turn}.xml", place.agencies[NUMBER].lot(seed=turn + 1))
            place.payer.process()
            recover(place.app)
            lives.in_turn(place.app, 1)
            place.clock.advance(LATER)
        outcome.wrong = list(_wrong(place, changed=_payers(place)[FIRST]["changed"] != before))
    return outcome


def _proxy(facts: Mapping[str, Any], bench: Bench) -> Proxy:
    if "point" in facts:
        return Proxy()
    size = _sizes(bench)[CHANGE, facts["way"]]
    return Proxy(Toxic(facts["harm"], CHANGE, facts["way"], int(size * facts["share"])))


def _first_life(place: Town, proxy: Proxy, facts: Mapping[str, Any]) -> bool:
    """The life in which the password is to be changed; whether it was harmed. One stage after the other, so that the
    change's connection is known by its number. A kill ends a process of its own, which has the town's clock."""
    if facts["harm"] == "cut":
        lives.in_turn(place.app)
        return proxy.struck.is_set()
    minutes = (place.clock.now() - SystemClock().now()).total_seconds() / 60
    life = Life(facts.get("point"), facts.get("hit", 1), in_turn=True)
    arguments = (str(place.folder / "gateway.toml"), minutes, str(place.folder / "gateway.log"), life)
    process = lives.forks().Process(target=lives.run, args=arguments)
    process.start()
    proxy.strike = process.kill
    return lives.end(process) in (lives.KILLED, -SIGKILL)


def _wrong(place: Town, *, changed: bool) -> Iterator[str]:
    for name, (state, reason) in place.states(place.agencies[NUMBER]).items():
        if state != "RECEIVABLE":
            yield f"I2 {name} rests in {state} {reason}"
    mine = {
        r["machine"]: (r["state"], r["reason"]) for r in place.rows("select machine, state, reason from credential")
    }
    if mine[SECOND][0] != "ACTIVE":
        yield f"I9 the other identifier is {mine[SECOND]}"
    if mine[FIRST][0] != "ACTIVE" and not (changed and mine[FIRST] == ("LOCKED", "answer_lost")):
        yield f"I9 the identifier is {mine[FIRST]}; the payer changed it: {changed}"
    for machine, row in _payers(place).items():
        if row["failures"] > 1:
            yield f"I9 {row['failures']} passwords of {machine} were refused"


@contextmanager
def _aged(bench: Bench, proxy: Proxy) -> Iterator[Town]:
    """An agency with two identifiers, of which the older one's time has come."""
    engines.share()
    folder = bench.place / HERE
    try:
        laid(_model(bench), folder)
        with _town(folder, proxy.open, NOON + APART + AGED) as place:
            lives.judging_here(place.app)
            yield place
    finally:
        proxy.close()


def _model(bench: Bench) -> Model:
    """That town, made once."""
    if "machines" not in bench.models:
        folder = bench.place / HERE
        shutil.rmtree(folder, ignore_errors=True)
        with _town(folder, int) as place:
            for wait in (APART, AGED):
                _make(place)
                place.clock.advance(wait)
        bench.models["machines"] = Model(folder.rename(bench.place / "machines"), frozenset())
    return bench.models["machines"]


def _town(folder: Path, between: Callable[[int], int], begun: datetime | None = None) -> AbstractContextManager[Town]:
    who = {NUMBER: "personal:231236"}
    return town(folder, who, machines=True, between=between, begun=begun, password_days=30)


def _make(place: Town) -> None:
    """A person has an identifier made."""
    mailboxes, credentials = place.app.rooms.mailboxes, place.app.credentials
    with credentials.secret("sandbox", NUMBER, machine="", first=True) as secret:
        machine, password = mailboxes.machine_maker("sandbox", NUMBER).make(secret)
    credentials.set_machine("sandbox", NUMBER, machine, password)
    mailboxes.payer_login("sandbox", NUMBER, machine)


def _payers(place: Town) -> dict[str, Any]:
    """The identifiers in the payer's own book."""
    with closing(sqlite3.connect(place.folder / "payeur" / "book.sqlite")) as db:
        db.row_factory = sqlite3.Row
        return {row["machine"]: row for row in db.execute("select machine, changed, failures from machines")}


def _sizes(bench: Bench) -> dict[tuple[int, str], int]:
    """Bytes that pass either way if nothing happens."""
    if "machine" not in bench.lengths:
        proxy = Proxy()
        with _aged(bench, proxy) as place:
            lives.in_turn(place.app)
        assert proxy.passed[CHANGE, "down"], "no password was changed"
        bench.lengths["machine"] = dict(proxy.passed)
    return bench.lengths["machine"]
