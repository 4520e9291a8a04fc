"""Passwords the payer makes: journalled before they are read, two identifiers in turn, never both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.command import call
from support.dying import Killed
from support.mailboxes import Notebook
from support.town import Town, town

from adapters.machine_change import MachineDoor, made_in
from gateway.errors import Denied, PasswordLocked, Unreachable
from gateway.models import Credential
from gateway.sandbox.logins import HangUp
from gateway.sandbox.users import Users
from gateway.stages.rotate import Rotate, change, settle
from gateway.states import CredentialState
from gateway.watch import Look
from gateway.watch.mailboxes import mailboxes

NUMBER = "18001"
WHO = ("sandbox", NUMBER)
LANE = f"sandbox:{NUMBER}"
MADE = b"<IdMachine>AGE18001A</IdMachine><MotDePasseMachine>m</MotDePasseMachine>"
GOOD = b"<reponse><CodeErreur>0</CodeErreur>" + MADE + b"</reponse>"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    """A payer that makes machine identifiers, valid for 30 days; our agency has two of them, made three days apart."""
    with town(tmp_path, {NUMBER: "personal:231236"}, machines=True, password_days=30) as place:
        make(place)
        place.clock.advance(timedelta(days=3))
        make(place)
        place.clock.advance(timedelta(days=4))
        yield place


def make(place: Town) -> str:
    maker = place.app.rooms.mailboxes.machine_maker(*WHO)
    with place.app.credentials.secret(*WHO, machine="", first=True) as secret:
        machine, password = maker.make(secret)
    place.app.credentials.set_machine(*WHO, machine, password)
    place.app.rooms.mailboxes.payer_login(*WHO, machine)
    return machine


def row(place: Town, machine: str) -> Credential:
    return place.app.credentials.standing(*WHO, machine).row


A, B = "AGE18001A", "AGE18001B"


def changed(place: Town, machine: str) -> None:
    change(place.app.rooms, place.app.credentials, row(place, machine), forced=True)


def rotated(place: Town) -> list[str]:
    """Which of the two a run of the stage changed."""
    before = {name: row(place, name).changed_at for name in (A, B)}
    Rotate(place.app.credentials).run(place.app.rooms, f"sandbox:{NUMBER}")
    return [name for name in (A, B) if row(place, name).changed_at != before[name]]


def goes(place: Town, name: str) -> None:
    """A lot goes all the way."""
    agency = place.agencies[NUMBER]
    agency.deposit(f"{name}.xml", agency.lot(seed=len(name) + ord(name[0])))
    place.settle()
    assert place.states(agency)[f"{name}.xml"][0] == "RECEIVABLE"


def test_mailboxes_are_opened_with_a_machine_identifier(place: Town) -> None:
    goes(place, "one")
    assert row(place, "").state == "ACTIVE"
    assert {row(place, name).origin for name in (A, B)} == {"server"}
    assert row(place, "").journal is None


def test_the_two_take_turns_and_are_never_changed_close_together(place: Town) -> None:
    place.clock.advance(timedelta(days=13, hours=1))  # the first one is 20 days old
    assert rotated(place) == [A]
    assert rotated(place) == []
    place.clock.advance(timedelta(days=2))
    assert rotated(place) == []
    place.clock.advance(timedelta(days=1, hours=1))
    assert rotated(place) == [B]
    goes(place, "two")


def test_asleep_for_five_weeks_both_are_past_their_term_and_one_is_changed_before_anything_goes(place: Town) -> None:
    place.clock.advance(timedelta(days=35))
    goes(place, "three")
    assert "ACTIVE" in {row(place, A).state, row(place, B).state}


def test_an_answer_that_is_lost_leaves_the_other_identifier_to_go_on(place: Town) -> None:
    place.payer.fault("lose_machine_answer", number=NUMBER, times=1)
    with pytest.raises(Unreachable):
        changed(place, A)
    assert row(place, A).state == "CHANGING"
    goes(place, "four")
    with pytest.raises(Denied):
        settle(place.app.rooms.mailboxes, place.app.credentials, row(place, A))
    assert (row(place, A).state, row(place, A).reason) == ("LOCKED", "answer_lost")
    goes(place, "fives")
    assert make(place) == "AGE18001C"  # a person had a new one made


@pytest.mark.parametrize(
    "point", [f"credentials.{step}" for step in ("change_begun", "journalled", "change_kept", "proved")]
)
def test_a_kill_at_any_point_loses_neither_the_password_nor_the_way_in(
    place: Town, killing: Callable[..., None], point: str
) -> None:
    killing(point)
    with pytest.raises(Killed):
        changed(place, A)
    place.clock.advance(timedelta(hours=1, minutes=1))
    if row(place, A).state == "CHANGING":
        settle(place.app.rooms.mailboxes, place.app.credentials, row(place, A))
    assert row(place, A).state == "ACTIVE"
    place.app.rooms.mailboxes.payer_login(*WHO, A)
    assert row(place, A).journal is None


def test_a_login_that_is_cut_after_the_answer_was_read_costs_nothing(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Users.login, [1]

    def cut_once(users: Users, user: str, password: str) -> object:
        if user == A and left:
            left.pop()
            raise HangUp
        return real(users, user, password)

    monkeypatch.setattr(Users, "login", cut_once)
    with pytest.raises(Unreachable):
        changed(place, A)
    settle(place.app.rooms.mailboxes, place.app.credentials, row(place, A))
    assert (row(place, A).state, row(place, A).journal) == ("ACTIVE", None)


def test_the_answer_is_sealed_before_it_is_read(place: Town, killing: Callable[..., None]) -> None:
    killing("credentials.journalled")
    with pytest.raises(Killed):
        changed(place, A)
    kept = row(place, A)
    assert kept.journal is not None
    assert b"MotDePasse" not in kept.journal
    raw = place.app.credentials.unread(*WHO, A)
    assert raw is not None
    assert made_in(raw)[0] == A
    assert place.app.credentials.usable(*WHO, machine=A) == "answer_unread"
    assert place.app.credentials.usable(*WHO) is None  # the other one


def test_a_payer_that_says_no_changed_nothing(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.payer.machines, "answer", lambda _path, _form: {"CodeErreur": "1"})
    changed(place, A)
    assert (row(place, A).state, row(place, A).journal) == ("ACTIVE", None)


def unreadable(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The payer makes passwords, and a page of another server says nothing of them; what it made."""
    made: list[dict[str, str]] = []

    def worded(answer: dict[str, str]) -> bytes:
        made.append(answer)
        return b"<html>maintenance"

    monkeypatch.setattr("gateway.sandbox.machines._worded", worded)
    return made


def test_an_answer_that_nobody_can_read_is_told_and_stops_nothing_else(
    place: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = unreadable(monkeypatch)
    changed(place, A)
    assert (row(place, A).state, row(place, A).reason) == ("CHANGING", "answer_unreadable")
    assert place.app.credentials.usable(*WHO, machine=A) == "answer_unreadable"
    goes(place, "six")  # by the other one
    for _ in range(3):
        assert Rotate(place.app.credentials).run(place.app.rooms, LANE).worked == 0
        place.clock.advance(timedelta(hours=1))
    events = [one["reason"] for one in place.rows("select reason from event where record_kind = 'credential'")]
    assert events.count("answer_unreadable") == 1
    look = Look(place.app.config, place.app.store, place.app.catalog, place.clock)
    assert [(one.kind, one.subject) for one in mailboxes(look)] == [("password_unread", f"{LANE} {A}")]
    house = ("--config", place.folder / "gateway.toml", "--lang", "en")
    for command, code in ((("credential", "status"), 0), (("doctor",), 1)):
        assert call(*house, *command) == code
        assert "cannot be read" in capsys.readouterr().out
    place.app.credentials.set_current(*WHO, made[-1]["MotDePasseMachine"], machine=A)
    place.app.rooms.mailboxes.payer_login(*WHO, A)
    assert (row(place, A).state, row(place, A).journal) == ("ACTIVE", None)


def test_the_other_identifier_is_changed_past_its_term_although_one_is_stuck(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        unreadable(patch)
        changed(place, A)
    place.clock.advance(timedelta(days=21))
    assert rotated(place) == []  # it still lets us in, and would be the last one
    place.clock.advance(timedelta(days=10))
    assert rotated(place) == [B]
    goes(place, "seven")


def test_with_no_other_identifier_requests_wait_for_a_person(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    place.app.credentials.stop(*WHO, CredentialState.REVOKED, "retired", machine=B)
    with pytest.MonkeyPatch.context() as patch:
        made = unreadable(patch)
        changed(place, A)
    agency = place.agencies[NUMBER]
    agency.deposit("lot.xml", agency.lot())
    place.once()
    assert place.states(agency)["lot.xml"] == ("HELD", "answer_unreadable")
    place.clock.advance(timedelta(minutes=1))
    place.app.credentials.set_current(*WHO, made[-1]["MotDePasseMachine"], machine=A)
    place.settle()
    assert place.states(agency)["lot.xml"][0] == "RECEIVABLE"


def test_an_answer_that_says_locked_is_no_reason_to_try_the_old_one(
    place: Town, killing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.payer.machines, "answer", lambda _path, _form: {"CodeErreur": "2"})
    killing("credentials.journalled")
    with pytest.raises(Killed):
        changed(place, A)
    place.clock.advance(timedelta(hours=1, minutes=1))
    tries = len(place.rows("select 1 from credential_attempt"))
    Rotate(place.app.credentials).run(place.app.rooms, LANE)
    assert (row(place, A).state, row(place, A).reason) == ("LOCKED", "password_locked")
    assert len(place.rows("select 1 from credential_attempt")) == tries
    goes(place, "eight")


def test_an_identifier_in_doubt_is_settled_before_anything_goes_by_the_other_one(
    place: Town, killing: Callable[..., None]
) -> None:
    killing("credentials.journalled")
    with pytest.raises(Killed):
        changed(place, A)
    place.clock.advance(timedelta(minutes=1))
    place.app.credentials.say_alone(*WHO, False, machine=A)  # nothing of this is the stage's own
    with place.app.rooms.mailboxes.payer_deposit(*WHO):
        assert row(place, A).state == "ACTIVE"


def test_a_machine_of_another_software_is_never_changed(place: Town) -> None:
    place.app.credentials.note_others(*WHO, "AGE18001Z")
    place.clock.advance(timedelta(days=40))
    rotated(place)
    assert row(place, "AGE18001Z").state == "EXPECTED"


def test_a_person_has_one_made_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with town(tmp_path, {NUMBER: "personal:231236"}, machines=True) as place:
        house = ("--config", place.folder / "gateway.toml", "--lang", "fr")
        assert call(*house, "credential", "machine", NUMBER, "--payer", "sandbox") == 0
        assert A in capsys.readouterr().out
        assert call(*house, "credential", "rotate", NUMBER, "--payer", "sandbox") == 0
        assert "est changé" in capsys.readouterr().out


# -- the door's own manners, against a server that answers what it is told to --


@contextmanager
def answering(status: int, body: bytes, missing: int = 0) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def door(url: str) -> MachineDoor:
    return MachineDoor(
        {"change_url": url, "change_ca": "", "change_user": NUMBER, "number": NUMBER, "machine": A, "answer_timeout": 5}
    )


@pytest.mark.parametrize(
    ("status", "body", "calls", "raised"),
    [
        (200, GOOD, ["get", "journal", "keep"], None),
        (200, b"<reponse><CodeErreur>1</CodeErreur></reponse>", ["get", "journal", "refuse"], Denied),
        (200, b"<reponse><CodeErreur>2</CodeErreur></reponse>", ["get", "journal"], PasswordLocked),
        (200, b"<reponse><CodeErreur>0</CodeErreur></reponse>", ["get", "journal", "refuse"], Denied),
        (200, b"<html>maintenance", ["get", "journal"], Unreachable),
        (200, b"", ["get"], Unreachable),
        (302, b"", ["get"], Unreachable),
        (503, b"<html>maintenance</html>", ["get"], Unreachable),
        (200, b"x" * 70_000, ["get"], Unreachable),
    ],
)
def test_what_each_answer_means(status: int, body: bytes, calls: list[str], raised: type[Exception] | None) -> None:
    secret = Notebook("old")
    with answering(status, body) as url:
        if raised is None:
            door(url).change(secret)
        else:
            with pytest.raises(raised):
                door(url).change(secret)
    assert secret.calls == calls


def test_half_an_answer_is_a_cut_line_and_no_answer_to_keep() -> None:
    secret = Notebook("old")
    with answering(200, GOOD[:60], missing=len(GOOD) - 60) as url, pytest.raises(Unreachable):
        door(url).change(secret)
    assert secret.calls == ["get"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://payeur.invalid/", "ftp://127.0.0.1/"])
def test_no_password_is_taken_out_for_a_door_that_is_not_there_or_not_safe(url: str) -> None:
    secret = Notebook("old")
    with pytest.raises((Denied, Unreachable)):
        door(url).change(secret)
    assert secret.calls == []
