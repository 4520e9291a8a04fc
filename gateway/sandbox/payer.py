"""The sandbox payer: doors, judgement, book and returns put together. What it took in it answers, whenever killed."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from gateway.catalog import Catalog
from gateway.clock import Clock, today
from gateway.platform import passing, private_dir, write_private
from gateway.sandbox import faults, statements
from gateway.sandbox.book import Arrival, Book, Deposit, judged, outgoing, post, posted
from gateway.sandbox.desk import Desk, parcel_name
from gateway.sandbox.faults import Fault
from gateway.sandbox.files import is_temporary
from gateway.sandbox.intake import Intake
from gateway.sandbox.ledger import last_issue
from gateway.sandbox.logins import HangUp
from gateway.sandbox.machines import Machines
from gateway.sandbox.sftp_server import SftpServer, host_key_in
from gateway.sandbox.users import DEPOSIT, RETURNS, User, Users

_log = logging.getLogger("gateway.sandbox")
_TICK = 0.2  # seconds between two looks for replies that became due
_SUFFIXES = (".recev.xml", ".zip", ".xml")
_BLOCK = """\
[[payer]]
name = "{name}"
formats = ["ramq-rfp", "ramq-dp"]
kind = "sftp"
environment = "test"
host = "127.0.0.1"
port = {port}
user = "{user}"
host_key = "{host_key}"
deposit = "{deposit}"
returns = "{returns}"
on_repeat = {{ ramq-rfp = "first_answer", ramq-dp = "unknown" }}
deposits = "{behaviour}"
statements = "etat-compte"
poll = "10s"
returns_finished = "rename"
reply_within = "24h"
password = {{ {change}, life_days = {password_days}, safe_days = {safe_days}, jitter_days = 0, tries = 3 }}
"""


class Sandbox:
    """A payer in one folder. Several processes may hold one on the same folder; one of them serves.

    `keeps`: deposits stay visible in `depot/` instead of being taken away at once. `statements_every`: days between
    two issues of statements by the clock; 0: only when asked. `password_days`: after so many a password must be
    changed; 0: never.
    """

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        clock: Clock,
        *,
        keeps: bool = False,
        statements_every: int = 0,
        password_days: int = 0,
    ) -> None:
        self._folder, self._clock = private_dir(folder), clock
        self._keeps, self._every = keeps, statements_every
        self._book = Book(folder / "book.sqlite")
        self._password_days = password_days
        self._users = Users(self._book, private_dir(folder / "users"), clock, password_days)
        self._intake = Intake(self._book, self._users, private_dir(folder / "taken"), clock, keeps=keeps)
        self._desk = Desk(self._book, catalog, clock)
        self._key = host_key_in(folder / "host_key")
        self._server = SftpServer(self._users, self._key, on_file=self._arrived)
        self.machines = Machines(self._book, self._users)  # its door opens on its own
        self._turn = threading.Lock()  # one judgement at a time
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._worker: threading.Thread | None = None
        self._started_on = today(clock)

    @property
    def host_key_line(self) -> str:
        """The public host key to pin: `ssh-ed25519 AAAA…`."""
        return self._server.host_key_line

    def add(self, number: str, accounts: Sequence[str] = ()) -> str:
        """Open (or reset) a transmission number, accredited for these accounts (none: for any). Returns its temporary
        password, which cannot be asked for again. Raises ConfigError."""
        return self._users.add(number, accounts)

    def users(self) -> list[User]:
        return self._users.all()

    def returns(self, number: str) -> Path:
        """The folder where this user's replies and statements appear."""
        return self._users.folder(number) / RETURNS

    def journal(self) -> list[Deposit]:
        """Everything received, in order: how often it arrived, and how often it was processed as new."""
        return self._book.journal()

    def start(self, port: int = 0) -> int:
        """Answer what an earlier life left unanswered, then open the doors. Returns the port."""
        self.recover()
        self._stopping.clear()
        opened = self._server.start(port)
        self._worker = threading.Thread(target=self._work, name="sandbox-desk", daemon=True)
        self._worker.start()
        return opened

    def stop(self) -> None:
        """Close the doors, answer what came in, and wait for every thread. Twice is once."""
        self._server.stop()
        self.machines.stop()
        self._stopping.set()
        self._wake.set()
        if self._worker is not None:
            self._worker.join()
            self._worker = None

    def recover(self) -> None:
        """Take in what lies about from an earlier life. Not while the doors are open."""
        self._intake.recover()

    def process(self) -> None:
        """Judge everything that arrived and write every reply that is due. The server does this by itself."""
        with self._turn:
            for arrival in self._book.to_judge():
                self._judge(arrival)
        if self._every and today(self._clock) >= (self._last_issue() + timedelta(days=self._every)):
            self.issue_statements(today(self._clock))
        self._deliver()

    def issue_statements(self, day: date) -> list[Path]:
        """Issue what is due, per account and system. Returns the parcels, now lying in their numbers' returns."""
        with self._turn:
            parcels = self._desk.issue(day)
        self._deliver()
        return [self.returns(number) / name for number, name in parcels]

    def refuse_statement(self, number: str, day: date) -> Path:
        """Lay the payer's "none can be given" (Erreurs_DS) where the number's statements of that day would lie."""
        name = parcel_name(number, day, 0).replace(".zip", ".xml")
        with self._book.write() as db:
            post(db, number, name, statements.refusal("9", "Aucun état de compte disponible"), self._clock.now())
        self._deliver()
        return self.returns(number) / name

    def fault(self, name: str, *, number: str = "", seconds: int = 0, times: int | None = None) -> None:
        """Switch a fault on (faults.FAULTS): for one number or anyone, n times or for good. Raises ConfigError."""
        faults.turn_on(self._book, Fault(name, number, seconds, times))

    def mend(self, name: str) -> None:
        """Switch a fault off."""
        faults.turn_off(self._book, name)

    def faults(self) -> list[Fault]:
        return faults.all_on(self._book)

    def payer_block(self, port: int, name: str = "sandbox", *, machines: int = 0) -> str:
        """The `[[payer]]` table of a configuration that sends here. `machines`: the port of their door, for a gateway
        that logs in with machine identifiers."""
        return _BLOCK.format(
            name=name,
            port=port,
            host_key=self.host_key_line,
            deposit=DEPOSIT,
            returns=RETURNS,
            behaviour="keeps" if self._keeps else "swallows",
            user="{machine}" if machines else "{transmission_number}",
            change=f'change = "machine", change_url = "http://127.0.0.1:{machines}"' if machines else 'change = "ssh"',
            password_days=self._password_days,
            safe_days=max(1, min(10, self._password_days // 3)),
        )

    def _arrived(self, user: str, path: Path) -> None:
        """A file got its final name; called in its client's own thread, before the client hears of it."""
        user = self._users.number_of(user)
        if path.parent != self._users.folder(user) / DEPOSIT or is_temporary(path.name):
            return
        self._intake.take(user, path)
        self._wake.set()
        with self._book.write() as db:
            cut = faults.strike(db, "disconnect_after_rename", user)
        if cut is not None:
            raise HangUp

    def _work(self) -> None:
        while True:
            self._wake.wait(_TICK)
            self._wake.clear()
            last = self._stopping.is_set()
            try:
                self.process()
            except (OSError, sqlite3.Error) as error:  # a full disk, a locked book: the next tick tries again
                _log.warning("sandbox_delayed %s", type(error).__name__)
            if last:
                return

    def _judge(self, arrival: Arrival) -> None:
        try:
            self._desk.judge(arrival, self._intake.content(arrival))
            passing("sandbox.judged")
        except (OSError, sqlite3.Error) as error:
            if not isinstance(error, FileNotFoundError):
                raise
            self._give_up(arrival, error)
        except Exception as error:
            self._give_up(arrival, error)
        self._intake.discard(arrival)

    def _give_up(self, arrival: Arrival, error: Exception) -> None:
        """A defect of ours, or bytes someone removed, must not stop the others' answers. What it says is not logged."""
        _log.error("sandbox_failed %s %s", arrival.id, type(error).__name__)
        with self._book.write() as db:
            judged(db, arrival, "failed")

    def _deliver(self) -> None:
        while self._deliver_one():
            pass

    def _deliver_one(self) -> bool:
        """Write one file while the book is locked: two processes never both write it."""
        with self._book.write() as db:
            out = outgoing(db, self._clock.now())
            if out is None:
                return False
            _lay(self.returns(out.number), out.name, out.content)
            passing("sandbox.reply_written")
            posted(db, out)
            return True

    def _last_issue(self) -> date:
        with self._book.read() as db:
            return last_issue(db) or self._started_on


def _lay(folder: Path, name: str, content: bytes) -> None:
    """Write a file into the returns; beside an unfetched one of the same name with `_2`, `_3` …"""
    private_dir(folder)  # a user may have lost it
    suffix = next(s for s in (*_SUFFIXES, "") if name.endswith(s))
    stem, count, path = name.removesuffix(suffix), 1, folder / name
    while path.exists() and path.read_bytes() != content:
        count += 1
        path = folder / f"{stem}_{count}{suffix}"
    if not path.exists():
        write_private(path, content)
