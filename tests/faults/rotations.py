"""A change of password cut, or its process killed, at points spread over the whole login, for each way of changing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from faults import checker, lives, remade
from faults.changing import asks_by_request
from faults.documents import AGENCIES
from faults.house import House
from faults.lives import IN_TURN
from faults.proxy import Proxy, Toxic
from faults.trials import Bench, Outcome, Trial, finish
from gateway.app import open_app
from gateway.config import load

PLACES = 20  # along the login
HARMS = (("cut", "up"), ("cut", "down"), ("strike", "down"))
FIRST = 0.35  # of the bytes of a session: before it nobody has said a password
AGED = 25 * 24 * 60  # minutes
TERM = '[payer.password]\nchange = "ssh"\nlife_days = 30\nsafe_days = 10\njitter_days = 0\n'
# How a password comes to be changed.
KINDS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "prompts": nullcontext,  # the payer asks, by keyboard-interactive
    "request": asks_by_request,  # the payer asks, by SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
    "unasked": asks_by_request,  # we change it over SSH before its term
}


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """Each way of changing at PLACES × HARMS points, and where the payer makes the password (`remade`); `count` bounds
    the points of each way."""
    for kind in KINDS:
        points = [(place, harm, way) for harm, way in HARMS for place in range(PLACES)]
        for place, harm, way in points[: count or None]:
            facts = {"kind": kind, "place": place, "harm": harm, "way": way}
            yield Trial("rotations", f"{kind}, {harm} {way} at {place + 1}/{PLACES}", seed, facts)
    for facts in remade.harms()[: count or None]:
        yield Trial("rotations", f"machine, {facts['what']}", seed, facts | {"kind": "machine"})


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """After one cut nobody must be asked for a password: both are known, and each may be tried once. A change we begin
    takes several sessions: they take turns."""
    facts = trial.facts
    if facts["kind"] == "machine":
        return remade.attempt(trial, bench)
    with KINDS[facts["kind"]]():
        sizes = _sizes(bench, facts["kind"])
        lines = 1 + max(line for line, _ in sizes) if facts["kind"] == "unasked" else 1
        line = facts["place"] % lines
        share = FIRST + (1 - FIRST) * (facts["place"] + 0.5) / PLACES
        proxy = Proxy(Toxic(facts["harm"], line, facts["way"], int(sizes[line, facts["way"]] * share)))
        try:
            with _before(bench, facts["kind"], proxy) as place:
                return _changed(place, proxy)
        finally:
            proxy.close()


@contextmanager
def _before(bench: Bench, kind: str, proxy: Proxy) -> Iterator[House]:
    """A house just before a password is changed."""
    if kind != "unasked":
        with bench.house(between=proxy.open) as place:
            yield place
        return
    if "aged" not in bench.models:
        with bench.house(rules=TERM) as place:
            lives.live(place, IN_TURN)
            with open_app(load(place.config), clock=place.clock) as app:
                for number in AGENCIES:
                    app.credentials.say_alone("sandbox", number, True)
            place.payer.stop()
            place.pass_time(AGED)
            bench.keep(place, "aged")
    with bench.house(model="aged", rules=TERM, between=proxy.open) as place:
        yield place


def _changed(place: House, proxy: Proxy) -> Outcome:
    process = lives.begin(place, IN_TURN)
    proxy.strike = process.kill
    lives.end(process)
    outcome = Outcome(1, checker.at_any_moment(place))
    if not proxy.struck.is_set():
        outcome.tried, outcome.skipped, outcome.why = 0, 1, "the session ended before that byte"
    outcome.wrong = outcome.wrong or finish(place, lives.ROUND)
    if place.persons:
        outcome.wrong.append(f"I9 after one cut {place.persons} passwords had to be given by a person")
    return outcome


def _sizes(bench: Bench, kind: str) -> Mapping[tuple[int, str], int]:
    """Bytes that pass either way in each session of the life in which the password is changed, if nothing happens."""
    if kind not in bench.lengths:
        proxy = Proxy()
        try:
            with _before(bench, kind, proxy) as place:
                before = set(place.said)
                lives.live(place, IN_TURN)
                assert place.said != before, "no password was changed"
        finally:
            proxy.close()
        bench.lengths[kind] = dict(proxy.passed)
    return bench.lengths[kind]
