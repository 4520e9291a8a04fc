"""The sandbox as a whole: over real SFTP, across restarts and kills, with its faults switched on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paramiko.ssh_exception import AuthenticationException, SSHException
from support.sandbox import PASSWORD, catalog, client, deposit, drop, ids, invoice, payment, says, valid

from gateway.clock import FixedClock, SystemClock
from gateway.errors import ConfigError
from gateway.sandbox import Sandbox
from gateway.sandbox.faults import Fault

NOON = datetime(2026, 6, 1, 16, tzinfo=UTC)
ROOT = Path(__file__).resolve().parent.parent
KILL_POINTS = ["sandbox.before_take", "sandbox.taken", "sandbox.judged", "sandbox.reply_written"]
# A life of its own: deposits lie in the depot already; it dies at the named point, if it gets there.
LIFE = """
import os, sys
from pathlib import Path
from gateway import platform
from gateway.catalog import load
from gateway.clock import SystemClock
from gateway.resources import data_dir
from gateway.sandbox import Sandbox
point, folder, keeps = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "keeps"
platform.listen(lambda passed: os._exit(9) if passed == point else None)
sandbox = Sandbox(folder, load([data_dir("schemas")]), SystemClock(), keeps=keeps)
sandbox.start()
sandbox.stop()
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Sandboxes on one folder; each is stopped at the end and leaves no thread."""
    before = set(threading.enumerate())
    made: list[Sandbox] = []

    def start(**options: object) -> Sandbox:
        made.append(Sandbox(tmp_path / "payer", catalog(), SystemClock(), **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for sandbox in made:
        sandbox.stop()
        sandbox.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before


def fetched(sftp: object, name: str) -> bytes:
    """The reply, as soon as it is there; removed as a client does."""
    for _ in range(400):
        if name in sftp.listdir("retour"):  # type: ignore[attr-defined]
            with sftp.open(f"retour/{name}") as file:  # type: ignore[attr-defined]
                content = bytes(file.read())
            sftp.remove(f"retour/{name}")  # type: ignore[attr-defined]
            return content
        time.sleep(0.02)
    raise AssertionError(f"{name} never came")


def test_a_lot_goes_out_and_its_reply_comes_back_over_sftp(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    with client(port, "18001", temporary, PASSWORD) as sftp:
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
        assert sftp.listdir("depot") == []  # swallowed at once
        first = valid(fetched(sftp, "D-1.recev.xml"))
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
        again = valid(fetched(sftp, "D-1.recev.xml"))
    assert (ids(first), says(again)) == (ids(again), ["9012"])
    [entry] = sandbox.journal()
    assert (entry.number, entry.name, entry.times, entry.processed) == ("18001", "D-1.xml", 2, 1)
    with pytest.raises(AuthenticationException), client(port, "18001", temporary):
        pass


def test_an_unfetched_reply_is_never_overwritten(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    sandbox.add("18001")
    for _ in range(2):
        (sandbox.returns("18001").parent / "depot" / "D-1.xml").write_bytes(payment("D-1", invoice("F-1")))
        sandbox.start()
        sandbox.stop()
    assert sorted(p.name for p in sandbox.returns("18001").iterdir()) == ["D-1.recev.xml", "D-1_2.recev.xml"]


def test_temporary_names_are_never_taken(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    with client(port, "18001", temporary, PASSWORD) as sftp:
        with sftp.open("depot/.D-1.xml.part", "w") as file:
            file.write(b"<half")
        sandbox.stop()
    make().start()
    assert sandbox.journal() == []


def test_numbers_that_are_prefixes_of_each_other_stay_apart(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    one, port = sandbox.add("18001"), sandbox.start()
    sandbox.add("18010")
    sandbox.issue_statements(NOON.date())
    with client(port, "18001", one, PASSWORD) as sftp:
        for path in ("../18010", "/18010", "../18010/retour", "depot/../../18010"):
            with pytest.raises(OSError):
                sftp.listdir(path)
        for path in ("retour/x.xml", "x.xml", "../18010/depot/x.xml"):
            with pytest.raises(OSError):
                sftp.open(path, "w")


@pytest.mark.parametrize("number", ["1800", "018001", "18001 ", "１８００１", "../18", ""])
def test_only_five_digits_are_a_transmission_number(make: Callable[..., Sandbox], number: str) -> None:
    with pytest.raises(ConfigError):
        make().add(number)


def test_three_failures_lock_until_the_number_is_added_again(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    for _ in range(3):
        with pytest.raises(AuthenticationException), client(port, "18001", "wrong"):
            pass
    assert [user.locked for user in sandbox.users()] == [True]
    with pytest.raises(AuthenticationException), client(port, "18001", temporary, PASSWORD):
        pass
    again = sandbox.add("18001")
    with client(port, "18001", again, PASSWORD):
        pass
    assert [(user.locked, user.temporary) for user in sandbox.users()] == [(False, False)]


def test_a_success_forgets_earlier_failures(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    with client(sandbox.start(), "18001", sandbox.add("18001"), PASSWORD):
        pass
    port = make().start()
    for password in ("wrong", "wrong", PASSWORD, "wrong", "wrong", PASSWORD):
        if password == PASSWORD:
            with client(port, "18001", password):
                pass
        else:
            with pytest.raises(AuthenticationException), client(port, "18001", password):
                pass


def test_the_new_password_must_differ_and_be_long_enough(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    for new in (temporary, "short"):
        with pytest.raises(AuthenticationException), client(port, "18001", temporary, new):
            pass
    assert [user.temporary for user in sandbox.users()] == [True]


def test_passwords_are_not_in_the_book(make: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make()
    temporary = sandbox.add("18001")
    with client(sandbox.start(), "18001", temporary, PASSWORD):
        pass
    book = (tmp_path / "payer" / "book.sqlite").read_bytes()
    assert temporary.encode() not in book
    assert PASSWORD.encode() not in book


@pytest.mark.parametrize(
    "user", ["", "1800", "18001 ", "018001", "18001\x00", "../18001", "x" * 10_000, "' OR 1=1 --", "１８００１", "%u"]
)
def test_no_other_spelling_opens_the_door(make: Callable[..., Sandbox], user: str) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    for password in (temporary, ""):
        with pytest.raises(SSHException), client(port, user, password, PASSWORD):
            pass
    assert [(u.locked, u.temporary) for u in sandbox.users()] == [(False, True)]


def test_stopping_cuts_those_inside(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    with client(port, "18001", temporary, PASSWORD) as sftp:
        sftp.listdir("depot")
        sandbox.stop()
        with pytest.raises((EOFError, OSError, SSHException)):
            sftp.listdir("depot")


def test_everything_survives_a_restart(make: Callable[..., Sandbox]) -> None:
    first = make()
    temporary, port = first.add("18001"), first.start()
    with client(port, "18001", temporary, PASSWORD) as sftp:
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
        before = valid(fetched(sftp, "D-1.recev.xml"))
    first.stop()
    second = make()
    assert second.host_key_line == first.host_key_line
    assert second.journal() == first.journal()
    with client(second.start(), "18001", PASSWORD) as sftp:
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
        assert ids(valid(fetched(sftp, "D-1.recev.xml"))) == ids(before)


def test_deposits_may_be_kept_and_are_still_taken_once(make: Callable[..., Sandbox]) -> None:
    sandbox = make(keeps=True)
    temporary, port = sandbox.add("18001"), sandbox.start()
    with client(port, "18001", temporary, PASSWORD) as sftp:
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
        fetched(sftp, "D-1.recev.xml")
        assert sftp.listdir("depot") == ["D-1.xml"]
        with pytest.raises(OSError):
            deposit(sftp, "D-1.xml", b"other bytes")
        with pytest.raises(OSError):
            sftp.open("depot/D-1.xml", "a")
    sandbox.stop()
    again = make(keeps=True)
    again.start()
    assert [entry.times for entry in again.journal()] == [1]
    assert 'deposits = "keeps"' in again.payer_block(2222)


@pytest.mark.parametrize("behaviour", ["swallows", "keeps"])
@pytest.mark.parametrize("point", KILL_POINTS)
def test_killed_anywhere_a_deposit_is_processed_once_and_answered(
    make: Callable[..., Sandbox], tmp_path: Path, point: str, behaviour: str
) -> None:
    sandbox = make(keeps=behaviour == "keeps")
    sandbox.add("18001")
    (sandbox.returns("18001").parent / "depot" / "D-1.xml").write_bytes(payment("D-1", invoice("F-1")))
    life = [sys.executable, "-c", LIFE, point, str(tmp_path / "payer"), behaviour]
    assert subprocess.run(life, cwd=ROOT, check=False).returncode == 9
    for _ in range(2):  # the second life finds nothing left to do
        sandbox.start()
        sandbox.stop()
    assert [(entry.times, entry.processed) for entry in sandbox.journal()] == [(1, 1)]
    [reply] = sandbox.returns("18001").iterdir()
    assert len(ids(valid(reply.read_bytes()))) == 1
    assert [path for path in (tmp_path / "payer" / "taken").rglob("*") if path.is_file()] == []


def test_bytes_that_vanished_do_not_stop_the_others(make: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = make()
    sandbox.add("18001")
    depot = sandbox.returns("18001").parent / "depot"
    for name in ("D-1", "D-2"):
        (depot / f"{name}.xml").write_bytes(payment(name, invoice(f"F-{name}")))
    sandbox.recover()
    next((tmp_path / "payer" / "taken").rglob("D-1.xml")).unlink()
    sandbox.returns("18001").rmdir()
    sandbox.process()
    assert [path.name for path in sandbox.returns("18001").iterdir()] == ["D-2.recev.xml"]
    assert [entry.processed for entry in sandbox.journal()] == [0, 1]


def test_a_fault_swallows_the_answer_so_many_times(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    sandbox.add("18001")
    sandbox.fault("swallow_answer", times=1)
    assert drop(sandbox, "D-1.xml", payment("D-1", invoice("F-1"))) is None
    reply = drop(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    assert reply is not None
    assert says(reply) == ["9012"]


def test_a_fault_delays_replies_by_the_clock(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    sandbox = Sandbox(tmp_path, catalog(), clock)
    sandbox.add("18001")
    sandbox.fault("delay", number="18001", seconds=3600)
    assert drop(sandbox, "D-1.xml", payment("D-1", invoice("F-1"))) is None
    clock.advance(timedelta(minutes=61))
    sandbox.process()
    assert [path.name for path in sandbox.returns("18001").iterdir()] == ["D-1.recev.xml"]


def test_a_fault_refuses_everything_until_mended(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    sandbox.add("18001")
    sandbox.fault("refuse_all")
    assert sandbox.faults() == [Fault("refuse_all")]
    refused = drop(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    sandbox.mend("refuse_all")
    received = drop(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    assert refused is not None
    assert received is not None
    assert (says(refused), says(received)) == (["1056"], [])
    with pytest.raises(ConfigError):
        sandbox.fault("unheard_of")


def test_a_fault_cuts_the_line_after_the_rename_and_the_deposit_counts(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    sandbox.fault("disconnect_after_rename", times=1)
    with client(port, "18001", temporary, PASSWORD) as sftp, pytest.raises((EOFError, OSError, SSHException)):
        deposit(sftp, "D-1.xml", payment("D-1", invoice("F-1")))
    with client(port, "18001", PASSWORD) as sftp:
        assert ids(valid(fetched(sftp, "D-1.recev.xml")))


def test_a_fault_cuts_the_line_after_the_password_changed(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    sandbox.fault("disconnect_after_change", times=1)
    with pytest.raises(SSHException), client(port, "18001", temporary, PASSWORD):
        pass
    with client(port, "18001", PASSWORD):
        pass


def test_a_fault_locks_the_next_login(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    temporary, port = sandbox.add("18001"), sandbox.start()
    sandbox.fault("lock_next_login", number="18001", times=1)
    with pytest.raises(AuthenticationException), client(port, "18001", temporary, PASSWORD):
        pass
    assert sandbox.users()[0].locked


def test_the_payer_block_is_a_configuration_of_ours(make: Callable[..., Sandbox]) -> None:
    sandbox = make()
    [payer] = tomllib.loads(sandbox.payer_block(2222, name="essai"))["payer"]
    assert (payer["name"], payer["port"], payer["environment"]) == ("essai", 2222, "test")
    assert payer["host_key"] == sandbox.host_key_line
