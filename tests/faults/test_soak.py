"""A short life of the town that is soaked for three days; what is done to its books is named."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from faults import ledgers, soak

VAR, PAYER, OWN = "var/gateway.db", "payer/book.sqlite", "notebook.sqlite"
SWAPPED = "update deposited set number = case number when '18001' then '18002' else '18001' end"
# Book, what is done to it, what must be said.
HARMS = {
    "a lot that nobody collected": (OWN, "insert into deposited values ('x.xml', '18001', 'x', 1)", "I1 x.xml"),
    "a lot collected twice": (VAR, "update batch set sha256 = (select max(sha256) from batch)", "was collected"),
    "a lot of another agency": (OWN, SWAPPED, "became a lot of another agency"),
    "a lot of an unknown agency": (OWN, "update deposited set number = '18777'", "became a lot of another agency"),
    "a request that never arrived": (PAYER, "delete from deposits", "the payer processed it: False"),
    "a request sent unknown to us": (PAYER, "update deposits set name = 'y' || name", "of which nobody knows"),
    "a request processed twice": (PAYER, "update deposits set name = 'z'", "the payer processed z"),
    "a return that never came": (OWN, "delete from returned", "never came"),
    "a return that came twice": (OWN, "insert into returned select * from returned", "was handed over 2 times"),
    "a return cut short": (OWN, "update returned set sha256 = 'x'", "is not whole"),
    "a return of nobody": (OWN, "update returned set name = 'x' || name", "is not its own"),
    "a return of a stranger": (OWN, "update returned set strangers = '18002'", "speaks of 18002"),
    "an answer that waits": (VAR, "update reply set state = 'MATCHED'", "rests in MATCHED"),
    "an altered history": (VAR, "update event set reason = 'x' where seq = 3", "the chain breaks at event 3"),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours, four lots, three agencies."""
    folder = tmp_path_factory.mktemp("town")
    words = [sys.executable, "-m", "faults.town72", str(folder), "4", "1", "7"]
    around = soak.surroundings() | {"TMPDIR": str(tmp_path_factory.mktemp("tmp"))}
    run = subprocess.run(words, env=around, input="\n", capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    assert told["last"]
    assert told["lots"] == 4
    assert told["lying"] == 0
    return folder


def test_a_town_where_all_went_well_has_nothing_to_say(town: Path) -> None:
    assert ledgers.at_rest(town) == []
    with closing(sqlite3.connect(town / VAR)) as db:
        assert db.execute("select count(*) from statement").fetchone() != (0,)
        assert db.execute("select count(*) from request where state = 'RECEIVABLE'").fetchone() != (0,)


@pytest.mark.parametrize("harm", HARMS)
def test_harm_is_named(town: Path, tmp_path: Path, harm: str) -> None:
    book, done, said = HARMS[harm]
    for name in (VAR, PAYER, OWN):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(town / name)) as source, closing(sqlite3.connect(tmp_path / name)) as copy:
            source.backup(copy)
            if name == book:
                copy.execute("pragma ignore_check_constraints = on")
                for (trigger,) in copy.execute("select name from sqlite_master where type = 'trigger'").fetchall():
                    copy.execute(f"drop trigger {trigger}")
                copy.execute(done)
                copy.commit()
    found = ledgers.at_rest(tmp_path)
    assert any(said in line for line in found), found


def test_what_grew_is_named() -> None:
    small = {"memory": 100.0, "files": 9, "threads": 5, "temporary": 0, "lying": 0}
    assert soak._grown(small, small | {"memory": 131.0, "files": 13}) == []
    assert len(soak._grown(small, small | {"memory": 133.0, "files": 14, "threads": 6, "temporary": 1})) == 4
