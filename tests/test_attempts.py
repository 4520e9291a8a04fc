"""Doors under siege: what a stranger may do at the sandbox's, and how often the gateway knocks at a payer's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import paramiko
import pytest
from paramiko.ssh_exception import SSHException
from support.hostile_sftp import Lies, lying
from support.town import Agency, Town, town

from gateway.sandbox.logins import Account, HangUp
from gateway.sandbox.users import Users

FIRST, SECOND = "18001", "18010"
PEOPLE = {FIRST: "personal:231236", SECOND: "personal:231237"}
STRANGE_USERS = (
    "",
    "x" * 10_000,
    "../18010",
    "18001/../18010",
    "/etc/passwd",
    "18001 ",
    "18001\0",
    "18001\n",
    "１８００１",
    "' OR 1=1 --",
    "%u",
    "nobody",
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, PEOPLE) as place:
        yield place


def port_of(place: Town) -> int:
    return place.app.config.payer("sandbox").port


def knock(port: int, user: str, password: str) -> bool:
    """Whether a client that offers this is let in."""
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", port)))
    with closing(transport):
        transport.start_client(timeout=10)
        try:
            transport.auth_interactive(user, lambda _t, _i, prompts: [password for _ in prompts])
        except (SSHException, EOFError, OSError):
            return False
        return transport.is_authenticated()


def test_a_stranger_gets_nowhere_and_locks_nobody_but_the_user_he_tries(place: Town) -> None:
    port = port_of(place)
    for user in STRANGE_USERS:
        assert not knock(port, user, place.passwords[FIRST]), user
    for guess in range(6):
        assert not knock(port, FIRST, f"guess-{guess}")
    assert {user.number: user.locked for user in place.payer.users()} == {FIRST: True, SECOND: False}
    assert not knock(port, FIRST, place.passwords[FIRST])
    second = place.agencies[SECOND]
    second.deposit("lot.xml", second.lot())
    place.settle()
    assert place.states(second) == {"lot.xml": ("RECEIVABLE", None)}


# -- how often the gateway gives a password --


class Counting:
    """The payer's users, with a count of every password that came, and what is to go wrong with it."""

    def __init__(self, place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[float, str]] = []  # seconds, user
        self.cut: str | None = None  # the line is cut right after this user's password
        self._lock, self._real, self._clock = threading.Lock(), Users.login, place.clock
        monkeypatch.setattr(Users, "login", lambda users, user, password: self._login(users, user, password))

    def _login(self, users: Users, user: str, password: str) -> Account | None:
        with self._lock:
            self.seen.append((self._clock.monotonic(), user))
        if user == self.cut:
            raise HangUp
        return self._real(users, user, password)

    def most_an_hour(self, user: str) -> int:
        moments = [moment for moment, who in self.seen if who == user]
        return max((sum(start <= other < start + 3600 for other in moments) for start in moments), default=0)


def a_long_day(place: Town, step: Callable[[], object]) -> None:
    """Two hours of ticks every quarter of an hour, and a `once` by an impatient operator now and then."""
    for turn in range(8):
        if turn % 4 == 3:
            place.once()
        else:
            step()
        place.clock.advance(timedelta(minutes=15))


def deposited(place: Town) -> tuple[Agency, Agency]:
    for agency in place.agencies.values():
        agency.deposit("lot.xml", agency.lot())
    first, second = place.agencies.values()
    return first, second


def test_a_wrong_password_is_tried_once_and_then_waits_for_a_person(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(place, monkeypatch)
    place.app.credentials.set_temporary("sandbox", FIRST, "not-the-right-one")
    first, second = deposited(place)
    a_long_day(place, place.app.loop.tick)
    assert [user for _, user in counting.seen].count(FIRST) == 1
    assert {state for state, _ in place.states(first).values()} == {"HELD"}
    assert {state for state, _ in place.states(second).values()} == {"RECEIVABLE"}
    assert not any(user.locked for user in place.payer.users())
    place.app.credentials.set_temporary("sandbox", FIRST, place.passwords[FIRST])
    place.settle()
    assert {state for state, _ in place.states(first).values()} == {"RECEIVABLE"}


def test_a_line_cut_right_after_the_password_costs_two_attempts_an_hour_at_most(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting(place, monkeypatch)
    counting.cut = FIRST
    first, second = deposited(place)
    a_long_day(place, place.app.loop.tick)
    assert counting.most_an_hour(FIRST) == 2
    assert {state for state, _ in place.states(second).values()} == {"RECEIVABLE"}
    assert not any(user.locked for user in place.payer.users())
    counting.cut = None
    place.clock.advance(timedelta(hours=2))
    place.settle()
    assert {state for state, _ in place.states(first).values()} == {"RECEIVABLE"}


def test_a_change_whose_answer_is_lost_costs_two_attempts_an_hour_at_most(place: Town) -> None:
    place.payer.fault("disconnect_after_change", number=FIRST, times=1)
    first, second = deposited(place)
    a_long_day(place, place.app.loop.tick)
    rows = place.rows("select outcome from credential_attempt a join credential c on c.id = a.credential_id"
                      " where c.number = ? and coalesce(outcome, '') <> 'proved'", FIRST)  # fmt: skip
    assert len(rows) <= 2
    for agency in (first, second):
        assert {state for state, _ in place.states(agency).values()} == {"RECEIVABLE"}


@pytest.mark.parametrize("how", ["hangs_up", "refuses", "cuts_change"])
def test_a_server_of_plain_passwords_sees_two_an_hour_at_most(place: Town, how: str) -> None:
    """An expired password makes real servers hang up without a word."""
    lies = Lies()
    lies.wants_new = 1 if how == "cuts_change" else 0
    setattr(lies, how, True)
    with lying(lies) as server:
        payer = place.app.config.payer("sandbox")
        moved = payer.model_copy(update={"port": server["port"], "host_key": server["host_key"]})
        config = place.app.config
        object.__setattr__(config, "payers", (moved,))
        place.agencies[FIRST].deposit("lot.xml", place.agencies[FIRST].lot())
        seen: list[int] = []
        for _ in range(5):
            before = len(lies.passwords) + len(lies.new_passwords)
            place.once()
            seen.append(len(lies.passwords) + len(lies.new_passwords) - before)
            place.clock.advance(timedelta(minutes=20))
    hours = [sum(seen[start : start + 3]) for start in range(len(seen) - 2)]
    assert 1 <= max(hours) <= 2 * len(PEOPLE)  # two numbers knock at this door
