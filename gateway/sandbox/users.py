"""The payer's users: one per transmission number, a temporary password at first, locked after
three failures, to be changed again when it is too old."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.identifiers import ACCOUNT, TRANSMISSION_NUMBER
from gateway.messages import both
from gateway.platform import private_dir
from gateway.sandbox.book import Book
from gateway.sandbox.faults import strike
from gateway.sandbox.logins import Account, HangUp

DEPOSIT, RETURNS = "depot", "retour"
MAX_FAILURES = 3
SHORTEST_PASSWORD = 8  # characters
HASH_COST = 2**13  # of scrypt; a tenth of a second for four logins


@dataclass(frozen=True, slots=True)
class User:
    """How a user stands."""

    number: str
    temporary: bool  # the password given with `add` was not changed yet
    locked: bool
    accounts: tuple[str, ...]  # the accounts it is accredited for; empty: any


class Users:
    """The users in the book, as the SFTP doors ask for them (logins.Authenticator)."""

    def __init__(self, book: Book, folder: Path, clock: Clock, life_days: int = 0) -> None:
        self._book, self._folder, self._clock = book, folder, clock
        self._life = timedelta(days=life_days)

    def add(self, number: str, accounts: Sequence[str]) -> str:
        """Make or reset a user. Returns its temporary password, which is kept nowhere. Raises ConfigError."""
        if not TRANSMISSION_NUMBER.fullmatch(number):
            raise ConfigError(both("sandbox.number_shape", number=number))
        for account in accounts:
            if not ACCOUNT.fullmatch(account):
                raise ConfigError(both("sandbox.account_shape", account=account))
        password = secrets.token_urlsafe(12)
        for name in (DEPOSIT, RETURNS):
            private_dir(self.folder(number) / name)
        with self._book.write() as db:
            self._set_password(db, number, password, temporary=True)
            db.execute("DELETE FROM accounts WHERE number = ?", (number,))
            db.executemany("INSERT OR IGNORE INTO accounts VALUES (?, ?)", [(number, a) for a in accounts])
        return password

    def all(self) -> list[User]:
        with self._book.read() as db:
            rows = db.execute("SELECT number, temporary, failures FROM users ORDER BY number").fetchall()
            return [User(n, bool(t), f >= MAX_FAILURES, tuple(sorted(accounts_of(db, n)))) for n, t, f in rows]

    def folder(self, number: str) -> Path:
        """All that this user sees."""
        return self._folder / number

    def login(self, user: str, password: str) -> Account | None:
        with self._book.read() as db:
            row = db.execute(
                "SELECT salt, password, temporary, changed FROM users WHERE number = ?", (user,)
            ).fetchone()
        salt, expected, temporary, changed = row or (b"nobody", b"", 0, None)
        right = hmac.compare_digest(hashed(password, salt), expected)  # as long for an unknown user as for a known one
        if row is None:
            return self._machine(user, password)
        with self._book.write() as db:
            locked = self._count(db, user, right)
        if not right and not locked:
            return None
        must_change = bool(temporary) or self._too_old(changed)
        return Account(self.folder(user), must_change=must_change, locked=locked, deposit=DEPOSIT)

    def _machine(self, machine: str, password: str) -> Account | None:
        """A machine the payer made for a number: it finds what the number finds. One that is too old stays out."""
        with self._book.write() as db:
            row = db.execute("SELECT * FROM machines WHERE machine = ?", (machine,)).fetchone()
            if row is None:
                return None
            right, locked = is_hash_of(password, row["salt"], row["password"]), row["failures"] >= MAX_FAILURES
            if not locked:
                failures = 0 if right else row["failures"] + 1
                db.execute("UPDATE machines SET failures = ? WHERE machine = ?", (failures, machine))
        if locked or not right or self._too_old(row["changed"]):
            return Account(self.folder(row["number"]), locked=True) if locked else None
        return Account(self.folder(row["number"]), deposit=DEPOSIT)

    def number_of(self, user: str) -> str:
        """The transmission number of a user: its own name, or the number that a machine belongs to."""
        with self._book.read() as db:
            row = db.execute("SELECT number FROM machines WHERE machine = ?", (user,)).fetchone()
        return str(row["number"]) if row else user

    def now(self) -> str:
        """The moment, as the book writes it."""
        return self._clock.now().isoformat()

    def _too_old(self, changed: str | None) -> bool:
        known = self._life and changed is not None
        return bool(known and datetime.fromisoformat(str(changed)) + self._life <= self._clock.now())

    def _count(self, db: sqlite3.Connection, user: str, right: bool) -> bool:
        """Count a failure, forget the earlier ones after a success. Returns whether the account was locked before."""
        (failures,) = db.execute("SELECT failures FROM users WHERE number = ?", (user,)).fetchone()
        if strike(db, "lock_next_login", user) is not None:
            failures = MAX_FAILURES
        locked = bool(failures >= MAX_FAILURES)
        now = failures if locked else 0 if right else failures + 1
        db.execute("UPDATE users SET failures = ? WHERE number = ? AND failures != ?", (now, user, now))
        return locked

    def key(self, user: str, line: str) -> Account | None:  # noqa: ARG002 - this payer gives passwords only
        return None

    def change(self, user: str, new: str) -> bool:
        if len(new) < SHORTEST_PASSWORD:
            return False
        with self._book.write() as db:
            salt, old = db.execute("SELECT salt, password FROM users WHERE number = ?", (user,)).fetchone()
            if hmac.compare_digest(hashed(new, salt), old):
                return False
            self._set_password(db, user, new, temporary=False)
            cut = strike(db, "disconnect_after_change", user)
        if cut is not None:
            raise HangUp
        return True

    def _set_password(self, db: sqlite3.Connection, number: str, password: str, *, temporary: bool) -> None:
        salt, now = secrets.token_bytes(16), self._clock.now().isoformat()
        db.execute(
            "INSERT OR REPLACE INTO users (number, salt, password, temporary, failures, changed)"
            " VALUES (?, ?, ?, ?, 0, ?)",
            (number, salt, hashed(password, salt), temporary, now),
        )


def accounts_of(db: sqlite3.Connection, number: str) -> frozenset[str]:
    """The accounts a number is accredited for; none listed means any."""
    return frozenset(a for (a,) in db.execute("SELECT account FROM accounts WHERE number = ?", (number,)))


def is_hash_of(password: str, salt: bytes, digest: bytes) -> bool:
    """Whether the digest is this password's."""
    return hmac.compare_digest(hashed(password, salt), digest)


def hashed(password: str, salt: bytes) -> bytes:
    """What is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=HASH_COST, r=8, p=1)
