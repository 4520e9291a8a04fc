"""What a developer may make the payer do wrong on purpose, kept in the book so that it outlives a restart."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.errors import ConfigError
from gateway.identifiers import TRANSMISSION_NUMBER
from gateway.messages import both
from gateway.sandbox.book import Book

FAULTS = (
    "swallow_answer",  # the deposit is judged, its reply never appears
    "delay",  # replies appear `seconds` later
    "lock_next_login",  # the next login finds the account locked
    "disconnect_after_rename",  # the line is cut before the client hears that its rename succeeded
    "disconnect_after_change",  # the line is cut before the client hears that its new password was taken
    "lose_machine_answer",  # a machine's new password is made, and the line cut before the client hears it
    "refuse_all",  # nothing is receivable
)
_ANYONE = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch that is on. `number` is the user it waits for (empty: anyone), `times` how often (None: for good)."""

    name: str
    number: str = _ANYONE
    seconds: int = 0
    times: int | None = None


def turn_on(book: Book, fault: Fault) -> None:
    """Switch a fault on. Raises ConfigError for a fault that does not exist or for what is no transmission number."""
    if fault.name not in FAULTS:
        raise ConfigError(both("sandbox.fault_unknown", name=fault.name, known=", ".join(FAULTS)))
    if fault.number and not TRANSMISSION_NUMBER.fullmatch(fault.number):
        raise ConfigError(both("sandbox.number_shape", number=fault.number))
    with book.write() as db:
        row = (fault.name, fault.number, fault.seconds, fault.times)
        db.execute("INSERT OR REPLACE INTO faults (name, number, seconds, times) VALUES (?, ?, ?, ?)", row)


def turn_off(book: Book, name: str) -> None:
    """Switch a fault off for everyone. Nothing happens when it was not on. Raises ConfigError like `turn_on`."""
    if name not in FAULTS:
        raise ConfigError(both("sandbox.fault_unknown", name=name, known=", ".join(FAULTS)))
    with book.write() as db:
        db.execute("DELETE FROM faults WHERE name = ?", (name,))


def all_on(book: Book) -> list[Fault]:
    with book.read() as db:
        return [
            Fault(*row) for row in db.execute("SELECT name, number, seconds, times FROM faults ORDER BY name, number")
        ]


def strike(db: sqlite3.Connection, name: str, number: str) -> Fault | None:
    """The fault, if it is on for this user; uses it up once. Inside the transaction of what it spoils."""
    row = db.execute(
        "SELECT name, number, seconds, times FROM faults WHERE name = ? AND number IN (?, ?) ORDER BY number DESC",
        (name, number, _ANYONE),
    ).fetchone()
    if row is None:
        return None
    fault = Fault(*row)
    if fault.times is not None:
        db.execute("UPDATE faults SET times = times - 1 WHERE name = ? AND number = ?", (fault.name, fault.number))
        db.execute("DELETE FROM faults WHERE times <= 0")
    return fault
