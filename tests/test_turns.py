"""A change of password has its turn, what is in doubt is settled first, and one password in trouble is alone in it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.town import Town, town

from gateway import platform
from gateway.errors import Denied, Unreachable
from gateway.models import Credential
from gateway.sandbox.logins import HangUp
from gateway.sandbox.users import Users
from gateway.stages.loop import Row
from gateway.stages.rotate import Rotate, change
from gateway.stages.transmit import Transmit
from gateway.store import due

NUMBER = "18001"
WHO = ("sandbox", NUMBER)
LANE = f"sandbox:{NUMBER}"
A_LOOK = timedelta(seconds=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    """A town whose payer wants a new password every 30 days; its one agency is alone on its number, and in."""
    with town(tmp_path, {NUMBER: "personal:231236"}, password_days=30) as place:
        place.app.rooms.mailboxes.payer_login(*WHO)
        place.app.credentials.say_alone(*WHO, True)
        yield place
        platform.listen(None)


def row(place: Town, machine: str = "") -> Credential:
    return place.app.credentials.standing(*WHO, machine).row


def told(place: Town) -> list[str]:
    found = place.rows("select reason, to_state, record_kind from event order by seq")
    return [one["reason"] if one["record_kind"] == "credential" else f"{one['to_state']}" for one in found]


def refused(place: Town) -> int:
    """Wrong passwords the payer counted since the last right one."""
    with place.payer._book.read() as db:
        return int(db.execute("SELECT failures FROM users WHERE number = ?", (NUMBER,)).fetchone()[0])


def states(place: Town) -> list[str]:
    return [state for state, _ in place.states(place.agencies[NUMBER]).values()]


def tries_to_send(place: Town) -> None:
    for stage in place.app.loop.stages:
        if stage.name in ("collect", "validate", "transmit"):
            for one in stage.endpoints(place.app.rooms):
                place.app.loop._isolated((stage.name, one.name))


# -- the turn of a change that is due --


def look(place: Town, chance: random.Random) -> list[Row]:
    """Everything that is due is begun at once, and nothing ends before all else was begun: each run meets every other
    one under way."""
    app = place.app
    with app.store.read() as tx:
        ready = due.ready(tx, app.clock.now())
    claimed = []
    for stage, endpoint in ready:
        with app.store.write() as tx:
            if due.claim(tx, stage, endpoint, owner=app.rooms.worker):
                claimed.append((stage, endpoint))
    chance.shuffle(claimed)
    ended = [(each, *app.loop._isolated(each)) for each in claimed]
    with app.store.write() as tx:
        for each, outcome, error in ended:
            due.finish(tx, *each, again_in=outcome.next_in, error=error)
    return claimed


def a_while(place: Town, chance: random.Random) -> None:
    """All stages wake together; then looks for twenty seconds, one a second."""
    place.app.loop.refresh()
    with place.app.store.write() as tx:
        due.all_now(tx, place.clock.now())
    for _ in range(20):
        if not look(place, chance):
            place.clock.advance(A_LOOK)


def has_much_to_send(place: Town, seed: int) -> None:
    agency = place.agencies[NUMBER]
    agency.deposit(f"{seed}.xml", agency.lot(seed=seed + 1))


@pytest.mark.parametrize("seed", range(2))
def test_a_due_change_has_its_turn_although_all_stages_always_wake_together(place: Town, seed: int) -> None:
    chance, before = random.Random(seed), row(place).generation
    beside: list[int] = []

    def listener(point: str) -> None:
        if point == "credentials.change_begun":
            beside.append(len(place.rows("select 1 from due where stage = 'transmit' and owner is not null")))

    a_while(place, chance)
    place.clock.advance(timedelta(days=20, hours=3))
    platform.listen(listener)
    for turn in range(2):
        has_much_to_send(place, turn)
        a_while(place, chance)
    assert row(place).generation > before
    assert row(place).state == "ACTIVE"
    assert beside == [0]
    assert states(place) == ["RECEIVABLE"] * 2
    assert told(place).index("change_begun") < told(place).index("TRANSMITTED")
    assert refused(place) == 0


def test_nobody_waits_long_for_a_change_that_cannot_be_begun(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise Unreachable("the way to change it is shut")

    place.clock.advance(timedelta(days=20, hours=3))
    monkeypatch.setattr(place.app.rooms.mailboxes, "payer_login", nobody)
    has_much_to_send(place, 1)
    a_while(place, random.Random(1))
    assert states(place) == ["RECEIVABLE"]


def test_nothing_is_sent_beside_a_change_that_is_under_way(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = Users.change

    def watched(users: Users, user: str, new: str) -> bool:
        has_much_to_send(place, 1)
        tries_to_send(place)
        seen.extend(states(place))
        return real(users, user, new)

    monkeypatch.setattr(Users, "change", watched)
    change(place.app.rooms, place.app.credentials, row(place), forced=True)
    assert seen == ["READY"]
    Transmit().run(place.app.rooms, LANE)
    assert states(place) == ["TRANSMITTED"]


# -- what is in doubt comes first --


def hang_up_once(monkeypatch: pytest.MonkeyPatch, what: str, *, after: bool) -> None:
    """The payer's line dies once, before or after it did `what`."""
    real, left = getattr(Users, what), [1]

    def dying(users: Users, *said: str) -> object:
        done = real(users, *said) if after or not left else None
        if left:
            left.pop()
            raise HangUp
        return done if after else real(users, *said)

    monkeypatch.setattr(Users, what, dying)


def test_a_password_in_doubt_is_settled_before_anything_is_sent(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    hang_up_once(monkeypatch, "change", after=True)
    has_much_to_send(place, 1)
    with pytest.raises(Unreachable):
        change(place.app.rooms, place.app.credentials, row(place), forced=True)
    tries_to_send(place)
    assert told(place).index("password_changed") < told(place).index("TRANSMITTED")
    assert row(place).state == "ACTIVE"


def test_a_visit_whose_line_is_cut_under_a_password_in_doubt_is_one_try(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang_up_once(monkeypatch, "change", after=True)
    with pytest.raises(Unreachable):
        change(place.app.rooms, place.app.credentials, row(place), forced=True)
    hang_up_once(monkeypatch, "login", after=True)
    with pytest.raises(Unreachable), place.app.rooms.mailboxes.payer_deposit(*WHO):
        pass
    tries = place.rows("select slot, outcome from credential_attempt order by id desc limit 2")
    assert [(one["slot"], one["outcome"]) for one in tries] == [("pending", None), ("change", None)]


def test_one_cut_right_after_a_change_that_the_payer_confirmed_needs_no_person(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, logins = Users.login, [0]

    def third_dies(users: Users, user: str, password: str) -> object:
        account = real(users, user, password)
        logins[0] += 1
        if logins[0] == 3:  # one before the change, one that changes, one that proves it
            raise HangUp
        return account

    monkeypatch.setattr(Users, "login", third_dies)
    with pytest.raises(Unreachable):
        change(place.app.rooms, place.app.credentials, row(place), forced=True)
    assert row(place).state == "CHANGING"
    Rotate(place.app.credentials).run(place.app.rooms, LANE)
    assert (row(place).state, told(place)[-1]) == ("ACTIVE", "password_changed")
    assert refused(place) == 0


def test_where_the_confirmed_one_is_refused_after_a_cut_a_person_looks(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tries and no more: the payer lied and the line was cut."""
    real, logins = Users.login, [0]

    def third_dies(users: Users, user: str, password: str) -> object:
        logins[0] += 1
        account = real(users, user, password)
        if logins[0] == 3:
            raise HangUp
        return account

    monkeypatch.setattr(Users, "login", third_dies)
    monkeypatch.setattr(Users, "change", lambda _users, _user, _new: True)
    with pytest.raises(Unreachable):
        change(place.app.rooms, place.app.credentials, row(place), forced=True)
    with pytest.raises(Denied):
        Rotate(place.app.credentials).run(place.app.rooms, LANE)
    assert (row(place).state, row(place).reason) == ("LOCKED", "change_unresolved")
    assert refused(place) == 2
