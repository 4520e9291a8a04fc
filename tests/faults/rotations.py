"""A change of password cut, or its process killed, at points spread over the whole login, for each way of changing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

from faults import checker, lives
from faults.changing import asks_by_request
from faults.house import House
from faults.lives import Life
from faults.proxy import Proxy, Toxic
from faults.trials import Bench, Outcome, Trial, finish

IN_TURN = Life(in_turn=True)
PLACES = 20  # along the login
HARMS = (("cut", "up"), ("cut", "down"), ("strike", "down"))
FIRST = 0.35  # of the bytes of a session: before it nobody has said a password
# How a payer asks for a new password.
KINDS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    "prompts": nullcontext,  # keyboard-interactive
    "request": asks_by_request,  # SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
}


def trials(count: int | None, seed: int, thorough: bool) -> Iterator[Trial]:
    """Each way of changing at PLACES × HARMS points; `count` bounds the points of each way."""
    for kind in KINDS:
        points = [(place, harm, way) for harm, way in HARMS for place in range(PLACES)]
        for place, harm, way in points[: count or None]:
            facts = {"kind": kind, "place": place, "harm": harm, "way": way}
            yield Trial("rotations", f"{kind}, {harm} {way} at {place + 1}/{PLACES}", seed, facts)


def attempt(trial: Trial, bench: Bench) -> Outcome:
    """After one cut nobody must be asked for a password: both are known, and each may be tried once."""
    facts = trial.facts
    with KINDS[facts["kind"]]():
        whole = _length(bench, facts["kind"], facts["way"])
        share = FIRST + (1 - FIRST) * (facts["place"] + 0.5) / PLACES
        proxy = Proxy(Toxic(facts["harm"], 0, facts["way"], int(whole * share)))
        try:
            with bench.house(between=proxy.open) as place:
                return _changed(place, proxy)
        finally:
            proxy.close()


def _changed(place: House, proxy: Proxy) -> Outcome:
    process = lives.begin(place, IN_TURN)
    proxy.strike = process.kill
    lives.end(process)
    outcome = Outcome(1, checker.at_any_moment(place))
    if not proxy.struck.is_set():
        outcome.tried, outcome.skipped, outcome.why = 0, 1, "the session ended before that byte"
    outcome.wrong = outcome.wrong or finish(place, IN_TURN)
    if place.persons:
        outcome.wrong.append(f"I9 after one cut {place.persons} passwords had to be given by a person")
    return outcome


def _length(bench: Bench, kind: str, way: str) -> int:
    """Bytes that pass one way in the first session of a life, in which the password is changed."""
    if (kind, way) not in bench.lengths:
        proxy = Proxy()
        try:
            with bench.house(between=proxy.open) as place:
                lives.live(place, IN_TURN)
        finally:
            proxy.close()
        bench.lengths |= {(kind, each): proxy.passed[0, each] for each in ("up", "down")}
    return bench.lengths[kind, way]
