"""The checker finds nothing in a house where all went well, and names each kind of harm that is done to it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from faults import checker, documents, lives
from faults.house import HERE, House, Tried, opened, template
from gateway.config import load
from gateway.resident import working

Harm = Callable[[House], object]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house after its whole way."""
    place = tmp_path_factory.mktemp("faults")
    with opened(place, template(place), "dedups") as house:
        house.deposit(documents.everything())
        for _ in range(2):
            house.pass_time()
            with working(load(house.config), clock=house.clock) as app:
                app.loop._pool = lives.InTurn()
                lives.judging_here(app)
                app.loop.once()
            house.issue_statements()
        house.pass_time()
        with working(load(house.config), clock=house.clock) as app:
            app.loop._pool = lives.InTurn()
            app.loop.once()
        house.log.touch()
        house.payer.stop()  # its threads would write into what each test lays anew
        shutil.copytree(house.folder, place / "done")
        yield house


@pytest.fixture
def house(done: House) -> House:
    """As it was then, whatever a test did to it."""
    shutil.rmtree(done.folder)
    shutil.copytree(done.folder.parent / "done", done.folder)
    return done


def sql(house: House, statement: str, file: str = "var/gateway.db") -> None:
    with closing(sqlite3.connect(house.folder / file)) as db:
        db.executescript(statement)


def a_return(house: House, number: str = "18001") -> Path:
    return next(f for f in sorted((house.folder / number / "retours").iterdir()) if f.suffix == ".json")


def an_archived(house: House) -> Path:
    with closing(sqlite3.connect(house.folder / "var/gateway.db")) as db:
        (ref,) = db.execute("select archive_ref from request order by id").fetchone()
    return next((house.folder / "var/archive").glob(f"*/{ref}"))


def book(house: House, statement: str) -> None:
    sql(house, statement, "payer/book.sqlite")


AGAIN = "insert into deposits select id || 'x', number, name, sha256, size, identity, at, verdict from deposits limit 1"
HARM: dict[str, tuple[str, Harm]] = {
    "a lot's row is gone": ("I1", lambda h: sql(h, "pragma foreign_keys = off; delete from batch")),
    "archived bytes are gone": ("I1", lambda h: an_archived(h).unlink()),
    "a request waits": ("I1", lambda h: sql(h, "update request set state = 'READY' where state = 'RECEIVABLE'")),
    "the payer processed something twice": ("I2", lambda h: book(h, AGAIN)),
    "the payer never had it": ("I2", lambda h: book(h, "delete from deposits")),
    "archived bytes changed": ("I3", lambda h: an_archived(h).write_bytes(b"\1<other/>")),
    "the payer got other bytes": ("I3", lambda h: book(h, "update deposits set sha256 = 'other'")),
    "an answer is applied again": ("I4", lambda h: sql(h, "update statement set entries = entries + 1")),
    "a stranger's number": ("I5", lambda h: a_return(h).write_text("18003")),
    "a return is moved": ("I5", lambda h: a_return(h).rename(h.folder / "18003/retours" / a_return(h).name)),
    "a return is lost": ("I5", lambda h: a_return(h).unlink()),
    "it went under another number": ("I5", lambda h: book(h, "update deposits set number = '18003'")),
    "an event is edited": ("I6", lambda h: sql(h, "update event set reason = 'other' where seq = 5")),
    "the last event is gone": ("I6", lambda h: sql(h, "delete from event where seq = (select max(seq) from event)")),
    "a state without an event": ("I6", lambda h: sql(h, "update reply set state = 'HELD'")),
    "a temporary file is left": ("I7", lambda h: (h.folder / "18001/retours/.x.part").write_text("x")),
    "bytes of nobody": ("I7", lambda h: (an_archived(h).parent / "x").write_bytes(b"\1")),
    "a password in the log": ("I8", lambda h: h.log.write_text(next(iter(h.said)))),
    "a patient in the database": ("I8", lambda h: sql(h, f"update batch set reason = '{patient(h)}'")),
    "the payer locked a number": ("I9", lambda h: book(h, "update users set failures = 3")),
}


def patient(house: House) -> str:
    found = [nam for data in house.deposited.values() for nam in checker.patients_in(data)]
    return found[0].decode()


def test_a_house_where_all_went_well_is_right(house: House) -> None:
    assert checker.at_rest(house) == []
    assert len(house.said) >= 4
    assert patient(house)


@pytest.mark.parametrize("what", HARM)
def test_the_checker_names(what: str, house: House) -> None:
    invariant, harm = HARM[what]
    harm(house)
    assert invariant in {line.split()[0] for line in checker.at_rest(house)}


def test_three_wrong_passwords_within_an_hour_are_named(house: House) -> None:
    now = house.clock.now()
    house.tried += [Tried("18001", now + timedelta(minutes=m), False, False) for m in (0, 20, 59)]
    assert [line.split()[0] for line in checker.at_rest(house)] == ["I9"]
    del house.tried[-3:]
    assert house.folder.name == HERE
