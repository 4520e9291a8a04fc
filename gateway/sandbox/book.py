"""The sandbox's own book: one SQLite file, fully synced, read and written by server and commands at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.platform import open_private, private_dir

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    number TEXT PRIMARY KEY, salt BLOB NOT NULL, password BLOB NOT NULL,
    temporary INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS machines (
    machine TEXT PRIMARY KEY, number TEXT NOT NULL, salt BLOB, password BLOB, changed TEXT,
    failures INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS accounts (number TEXT NOT NULL, account TEXT NOT NULL, PRIMARY KEY (number, account));
CREATE TABLE IF NOT EXISTS deposits (
    id TEXT PRIMARY KEY, number TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    identity TEXT NOT NULL, at TEXT NOT NULL, verdict TEXT);
CREATE INDEX IF NOT EXISTS deposits_open ON deposits (verdict) WHERE verdict IS NULL;
CREATE TABLE IF NOT EXISTS requests (
    number TEXT NOT NULL, request TEXT NOT NULL, reply BLOB NOT NULL, at TEXT NOT NULL, PRIMARY KEY (number, request));
CREATE TABLE IF NOT EXISTS invoices (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, external TEXT NOT NULL, payer_number TEXT UNIQUE,
    token TEXT, system TEXT NOT NULL, account TEXT NOT NULL, practice TEXT, code TEXT, service TEXT,
    cents INTEGER NOT NULL, live INTEGER NOT NULL DEFAULT 1, due INTEGER NOT NULL DEFAULT 1,
    reported TEXT, paid INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS invoices_external ON invoices (number, external);
CREATE INDEX IF NOT EXISTS invoices_due ON invoices (account, system) WHERE due;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL,
    due TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS statements (
    serial INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL, account TEXT NOT NULL, system TEXT NOT NULL,
    day TEXT NOT NULL, archive TEXT NOT NULL, carried INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
    name TEXT NOT NULL, number TEXT NOT NULL, seconds INTEGER NOT NULL, times INTEGER, PRIMARY KEY (name, number));
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file that came in. `verdict` is None until it is judged."""

    id: str
    number: str
    name: str
    sha256: str
    size: int  # bytes
    identity: str  # tells a file that is still lying there from a new one of the same name


@dataclass(frozen=True, slots=True)
class Deposit:
    """What the journal says of one document: the same bytes under the same name count as one."""

    number: str
    name: str
    sha256: str
    times: int  # how often it arrived
    processed: int  # how often it was judged as something new (a repeat answered with the first reply is not)
    first_at: str  # ISO, UTC


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One file to be laid into a user's returns."""

    id: int
    number: str
    name: str
    content: bytes


class Book:
    """The file. Each transaction has its own connection, so that threads and processes never share one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        private_dir(path.parent)
        if not path.exists():
            open_private(path, exclusive=False).close()
        with closing(self._connect()) as db:
            db.executescript(_SCHEMA)
            if "changed" not in {row["name"] for row in db.execute("PRAGMA table_info(users)")}:
                db.execute("ALTER TABLE users ADD COLUMN changed TEXT")  # a book of an earlier version

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = FULL")
        return db

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection to look something up with."""
        with closing(self._connect()) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in it is durable afterwards, or nothing of it happened."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def arrived(self, arrival: Arrival, at: datetime) -> None:
        """Journal a file that was taken in. Twice is once."""
        row = (arrival.id, arrival.number, arrival.name, arrival.sha256, arrival.size, arrival.identity, at.isoformat())
        with self.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO deposits (id, number, name, sha256, size, identity, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def to_judge(self) -> list[Arrival]:
        """What arrived and has no verdict, oldest first."""
        with self.read() as db:
            rows = db.execute(
                "SELECT id, number, name, sha256, size, identity FROM deposits WHERE verdict IS NULL ORDER BY id"
            )
            return [Arrival(*row) for row in rows]

    def knows(self, deposit_id: str) -> bool:
        with self.read() as db:
            return db.execute("SELECT 1 FROM deposits WHERE id = ?", (deposit_id,)).fetchone() is not None

    def has_taken(self, number: str, name: str, identity: str) -> bool:
        """Whether this very file was taken in before (it still lies there when deposits are kept)."""
        with self.read() as db:
            found = db.execute(
                "SELECT 1 FROM deposits WHERE number = ? AND name = ? AND identity = ?", (number, name, identity)
            )
            return found.fetchone() is not None

    def journal(self) -> list[Deposit]:
        """Every document received, in the order of first arrival."""
        with self.read() as db:
            rows = db.execute(
                "SELECT number, name, sha256, count(*), sum(coalesce(verdict, '') IN ('receivable', 'not_receivable')),"
                " min(at) FROM deposits GROUP BY number, name, sha256 ORDER BY min(at), min(id)"
            )
            return [Deposit(*row) for row in rows]


def judged(db: sqlite3.Connection, arrival: Arrival, verdict: str) -> bool:
    """Give an arrival its verdict; False when another process was quicker."""
    done = db.execute("UPDATE deposits SET verdict = ? WHERE id = ? AND verdict IS NULL", (verdict, arrival.id))
    return done.rowcount == 1


def post(db: sqlite3.Connection, number: str, name: str, content: bytes, due: datetime) -> None:
    """Lay a file for the user aside; it is written into the returns from `due` on."""
    db.execute(
        "INSERT INTO outbox (number, name, content, due) VALUES (?, ?, ?, ?)", (number, name, content, due.isoformat())
    )


def outgoing(db: sqlite3.Connection, now: datetime) -> Outgoing | None:
    """The next file to be laid into somebody's returns."""
    row = db.execute(
        "SELECT id, number, name, content FROM outbox WHERE due <= ? ORDER BY id LIMIT 1", (now.isoformat(),)
    ).fetchone()
    return Outgoing(*row) if row else None


def posted(db: sqlite3.Connection, out: Outgoing) -> None:
    db.execute("DELETE FROM outbox WHERE id = ?", (out.id,))
