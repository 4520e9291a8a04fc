"""Passwords changed before their term: by themselves, at a good moment, never lost and never locked out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.command import call
from support.dying import Killed
from support.town import Town, town

from gateway import calendars
from gateway.errors import Denied, Unreachable
from gateway.models import Credential
from gateway.sandbox.logins import HangUp
from gateway.sandbox.users import Users
from gateway.stages.rotate import Rotate, change, settle
from gateway.store import credentials as rows
from gateway.store import due

NUMBER = "18001"
WHO = ("sandbox", NUMBER)
PAYERS_LIFE = timedelta(days=30)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    """A town whose payer wants a new password every 30 days; its one agency is alone on its number, and in."""
    with town(tmp_path, {NUMBER: "personal:231236"}, password_days=30) as place:
        place.app.rooms.mailboxes.payer_login(*WHO)
        place.app.credentials.say_alone(*WHO, True)
        yield place


def row(place: Town) -> Credential:
    return place.app.credentials.standing(*WHO).row


def rotated(place: Town) -> int:
    """One run of the stage."""
    return Rotate(place.app.credentials).run(place.app.rooms, f"sandbox:{NUMBER}").worked


def changed(place: Town) -> None:
    change(place.app.rooms, place.app.credentials, row(place), forced=True)


def refused(place: Town) -> str:
    """The code of why this is no moment."""
    with pytest.raises(Denied) as caught:
        changed(place)
    return caught.value.code


def failures(place: Town) -> int:
    """Wrong passwords the payer counted since the last right one."""
    with place.payer._book.read() as db:
        return int(db.execute("SELECT failures FROM users WHERE number = ?", (NUMBER,)).fetchone()[0])


def reasons(place: Town) -> list[str]:
    found = place.rows("select reason, to_state, record_kind from event order by seq")
    return [one["reason"] if one["record_kind"] == "credential" else f"{one['to_state']}" for one in found]


def test_a_password_is_changed_in_its_safe_window_and_not_before(place: Town) -> None:
    before = row(place)
    place.clock.advance(timedelta(days=19))
    assert rotated(place) == 0
    place.clock.advance(timedelta(days=1, hours=3))
    assert rotated(place) == 1
    after = row(place)
    assert (after.state, after.pending, after.origin) == ("ACTIVE", None, "ours")
    assert after.generation > before.generation
    assert after.changed_at == place.clock.now()
    assert reasons(place)[-2:] == ["change_begun", "password_changed"]
    assert failures(place) == 0
    assert rotated(place) == 0


def test_a_machine_asleep_for_five_weeks_changes_first_and_then_sends(place: Town) -> None:
    agency = place.agencies[NUMBER]
    place.clock.advance(timedelta(days=35))
    agency.deposit("lot.xml", agency.lot())
    place.settle()
    told = reasons(place)
    assert place.states(agency)["lot.xml"][0] == "RECEIVABLE"
    assert told.index("TRANSMITTED") > [n for n, reason in enumerate(told) if reason == "password_changed"][1]
    assert failures(place) == 0


def test_so_it_is_where_the_payer_itself_does_not_insist(place: Town) -> None:
    place.payer._users._life = timedelta(0)
    agency = place.agencies[NUMBER]
    place.clock.advance(timedelta(days=35))
    agency.deposit("lot.xml", agency.lot())
    place.settle()
    told = reasons(place)
    assert place.states(agency)["lot.xml"][0] == "RECEIVABLE"
    assert told.index("TRANSMITTED") > told.index("change_begun")
    assert row(place).changed_at is not None
    assert failures(place) == 0


def test_nothing_is_changed_unasked_before_the_agency_says_that_it_is_alone(place: Town) -> None:
    place.app.credentials.say_alone(*WHO, False)
    place.clock.advance(timedelta(days=24))
    before = row(place).generation
    rotated(place)
    assert row(place).generation == before
    assert refused(place) == "shared_perhaps"
    assert "term_near" in reasons(place)
    assert rotated(place) == 0  # reminded once a day
    place.clock.advance(timedelta(days=1))
    assert rotated(place) == 1


def test_nothing_is_changed_within_an_hour_of_a_cut_off(place: Town) -> None:
    known = calendars.load(place.app.config.paths.state).of("sandbox")
    cut_off = known.counts(place.clock.now() + timedelta(days=21)).cut_off
    place.clock.advance(cut_off - timedelta(minutes=50) - place.clock.now())
    if place.clock.now() >= (row(place).changed_at or place.clock.now()) + PAYERS_LIFE:
        changed(place)
    assert refused(place) == "near_cut_off"
    place.clock.advance(timedelta(minutes=100))
    assert refused(place) == "near_cut_off"
    place.clock.advance(timedelta(minutes=20))
    changed(place)


def test_nothing_is_changed_during_a_transmission_of_the_agency(place: Town) -> None:
    with place.app.store.write() as tx:
        due.sync(tx, [("transmit", f"sandbox:{NUMBER}", 60.0)])
        assert due.claim(tx, "transmit", f"sandbox:{NUMBER}", owner="another worker")
    assert refused(place) == "transmission_under_way"
    place.clock.advance(timedelta(minutes=11))  # its lease is over
    changed(place)


def test_two_workers_never_change_one_password(place: Town) -> None:
    made: list[str] = []
    real = Users.change

    def counting(users: Users, user: str, new: str) -> bool:
        made.append(user)
        return real(users, user, new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Users, "change", counting)
        failed: list[str] = []
        seen = row(place)

        def work() -> None:
            try:
                change(place.app.rooms, place.app.credentials, seen, forced=True)
            except (Denied, Unreachable) as problem:
                failed.append(problem.code)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert row(place).state == "ACTIVE"
    assert made == [NUMBER]
    assert set(failed) <= {"change_under_way", "unreachable"}
    assert failures(place) == 0


def no(users: Users, user: str, new: str) -> bool:
    return False


def yes_and_nothing(users: Users, user: str, new: str) -> bool:
    """A request to change is read as a login."""
    return True


def cut_before(users: Users, user: str, new: str) -> bool:
    raise HangUp


def cut_after(users: Users, user: str, new: str) -> bool:
    Users.really_change(users, user, new)  # type: ignore[attr-defined]
    raise HangUp


@pytest.mark.parametrize(
    ("payer_does", "reason", "counted"),
    [
        (no, "change_not_made", 0),
        (yes_and_nothing, "change_not_made", 1),
        (cut_before, "change_not_made", 1),
        (cut_after, "password_changed", 0),
    ],
)
def test_whatever_the_payer_does_a_login_proves_which_one_counts(
    place: Town, monkeypatch: pytest.MonkeyPatch, payer_does: Callable[..., bool], reason: str, counted: int
) -> None:
    wrong: list[bool] = []
    login = Users.login

    def noting(users: Users, user: str, password: str) -> object:
        account = login(users, user, password)
        wrong.append(account is None)
        return account

    monkeypatch.setattr(Users, "really_change", Users.change, raising=False)
    monkeypatch.setattr(Users, "change", payer_does)
    monkeypatch.setattr(Users, "login", noting)
    try:
        changed(place)
    except (Denied, Unreachable):
        place.clock.advance(timedelta(hours=1, minutes=1))
        settle(place.app.rooms.mailboxes, place.app.credentials, row(place))
    assert (row(place).state, reasons(place)[-1]) == ("ACTIVE", reason)
    assert sum(wrong) == counted
    monkeypatch.setattr(Users, "change", Users.really_change)  # type: ignore[attr-defined]
    if reason == "change_not_made":
        place.clock.advance(timedelta(hours=2))
        assert refused_lately(place) == "tried_lately"
        place.clock.advance(timedelta(days=1))
        changed(place)
        assert reasons(place)[-1] == "password_changed"


def refused_lately(place: Town) -> str:
    with pytest.raises(Denied) as caught:
        change(place.app.rooms, place.app.credentials, row(place))
    return caught.value.code


# The others are passed in the SSH library's own thread (test_credentials.py), or where the payer makes passwords.
@pytest.mark.parametrize(
    "point",
    [f"credentials.{step}" for step in ("proved", "refused", "change_begun", "change_answered", "change_refused")],
)
def test_a_kill_at_any_point_of_a_change_never_loses_the_password(
    place: Town, monkeypatch: pytest.MonkeyPatch, killing: Callable[..., None], point: str
) -> None:
    if point in ("credentials.change_refused", "credentials.refused"):
        monkeypatch.setattr(Users, "change", no if point.endswith("change_refused") else yes_and_nothing)
    killing(point)
    with pytest.raises(Killed):
        changed(place)
    for _ in range(4):
        place.clock.advance(timedelta(minutes=31))
        if row(place).state == "ACTIVE":
            break
        try:
            settle(place.app.rooms.mailboxes, place.app.credentials, row(place))
        except (Denied, Unreachable):
            continue
    assert row(place).state == "ACTIVE"
    place.app.rooms.mailboxes.payer_login(*WHO)
    assert failures(place) == 0


def test_a_change_whose_end_is_open_is_settled_by_any_login(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Users, "change", cut_before)
    with pytest.raises(Unreachable):
        changed(place)
    agency = place.agencies[NUMBER]
    agency.deposit("lot.xml", agency.lot())
    place.clock.advance(timedelta(hours=1, minutes=1))
    place.settle()
    assert place.states(agency)["lot.xml"][0] == "RECEIVABLE"
    assert row(place).state == "ACTIVE"


def test_a_person_has_it_changed_and_sees_how_it_stands(place: Town, capsys: pytest.CaptureFixture[str]) -> None:
    house = ("--config", place.folder / "gateway.toml", "--lang", "en")
    assert call(*house, "credential", "rotate", NUMBER, "--payer", "sandbox") in (0, 1)
    capsys.readouterr()
    assert call(*house, "credential", "status", "--json") == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["number"], told["state"], told["change_by"], told["alone"]) == (NUMBER, "ACTIVE", "ssh", True)
    assert {"days_left", "attempts_left", "tries_left_at_payer", "proved_at"} <= told.keys()
    assert call(*house, "credential", "test", NUMBER, "--payer", "sandbox") == 0
    assert "let number 18001 in" in capsys.readouterr().out
    assert call(*house, "credential", "retire", NUMBER, "--payer", "sandbox") == 0
    assert call(*house, "credential", "test", NUMBER, "--payer", "sandbox") == 1
    assert "revoked" in capsys.readouterr().err
    with place.app.store.read() as tx:
        assert [one.state for one in rows.every(tx)] == ["REVOKED"]
