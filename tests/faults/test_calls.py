"""What `calls` leaves out because it was tried already: nothing that is new."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from faults.calls import SHORT
from faults.house import House, opened, template
from faults.moments import Moments
from gateway.app import open_app
from gateway.config import load


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("faults")
    with opened(place, template(place), "dedups") as house:
        yield house


def test_every_stage_has_its_turn_on_the_way_in_short_lives(house: House) -> None:
    with open_app(load(house.config), clock=house.clock) as app:
        assert {stage.name for stage in app.loop.stages} == {stage for part in SHORT for stage in part.stages}


def test_what_is_rolled_back_is_nothing_new_and_what_is_committed_is(house: House) -> None:
    moments = Moments(house)
    assert moments.new()
    assert not moments.new()
    database = house.folder / "var" / "gateway.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # pages: the file is written to before the end of the transaction
        before = database.read_bytes()
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE more AS SELECT hex(randomblob(4096)) FROM sqlite_master")
        assert database.read_bytes() != before
        assert not moments.new()
        db.execute("COMMIT")
        assert moments.new()
    assert not moments.wrong()


def test_a_file_that_comes_and_one_that_goes_are_new(house: House) -> None:
    moments, name = Moments(house), "18001/lots/x.xml"
    assert moments.new()
    (house.folder / name).write_bytes(b"<x/>")
    assert moments.new()
    (house.folder / name).unlink()
    assert moments.new()
