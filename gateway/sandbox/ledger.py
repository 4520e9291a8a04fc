"""What the payer remembers of requests and invoices: the past a judgement looks at, and what it leaves behind."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.sandbox.documents import Document
from gateway.sandbox.rules import Answer, InvoiceAnswer, Known


@dataclass(frozen=True, slots=True)
class Entry:
    """One invoice as the next statement finds it."""

    serial: int
    external: str
    payer_number: str | None
    practice: str | None
    code: str | None  # when it has one line
    service: date | None
    cents: int  # preliminary
    live: bool
    reported: str | None  # the kind of its last entry
    paid: int  # cents, over all statements so far


@dataclass(frozen=True, slots=True)
class Due:
    """An account of one system with something to report, and the number its invoices last came from."""

    account: str
    system: str
    number: str
    practices: tuple[str, ...]  # everyone who ever billed to it
    carried: int  # cents, from the statement before


class Ledger:
    """One sender's past inside one transaction (rules.Past)."""

    def __init__(self, db: sqlite3.Connection, number: str) -> None:
        self._db, self._number = db, number

    def by_number(self, number: str) -> Known | None:
        return self._known(
            "SELECT payer_number, token, cents FROM invoices WHERE number = ? AND live AND external = ?", number
        )

    def by_payer_number(self, payer_number: str) -> Known | None:
        return self._known(
            "SELECT payer_number, token, cents FROM invoices WHERE number = ? AND live AND payer_number = ?",
            payer_number,
        )

    def _known(self, query: str, value: str) -> Known | None:
        row = self._db.execute(query, (self._number, value)).fetchone()
        return Known(*row) if row else None

    def new_invoice(self) -> str:
        (last,) = self._db.execute(
            "INSERT INTO counters VALUES ('invoice', 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last"
        ).fetchone()
        return f"7{last:010d}"

    def new_token(self) -> str:
        return f"{secrets.randbelow(10**8):08d}"

    def first_reply(self, request: str) -> bytes | None:
        """The reply under which this request number became receivable."""
        row = self._db.execute(
            "SELECT reply FROM requests WHERE number = ? AND request = ?", (self._number, request)
        ).fetchone()
        return row[0] if row else None

    def record(self, document: Document, answer: Answer, reply: bytes, at: datetime) -> None:
        """Remember a receivable answer and what it did to invoices. One that is not receivable leaves no trace."""
        if not answer.receivable or answer.invoices is None:
            return
        self._db.execute(
            "INSERT INTO requests VALUES (?, ?, ?, ?)", (self._number, answer.number, reply, at.isoformat())
        )
        wanted = [one for one in answer.invoices if one.receivable and not one.repeated]
        act = {"new": self._add, "modify": self._modify, "cancel": self._cancel}[document.type.action or "new"]
        for one in wanted:
            act(document.system, one)

    def _add(self, system: str, one: InvoiceAnswer) -> None:
        self._db.execute(
            "INSERT INTO invoices (number, external, payer_number, token, system, account,"
            " practice, code, service, cents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._number,
                one.invoice.number,
                one.payer_number,
                one.token,
                system,
                one.invoice.account or f"personal:{one.invoice.practice}",
                *_described(one),
                one.cents,
            ),
        )

    def _modify(self, _system: str, one: InvoiceAnswer) -> None:
        practice, code, service = _described(one)
        self._db.execute(
            "UPDATE invoices SET token = ?, practice = ?, code = ?, service = ?, cents = ?, due = 1"
            " WHERE payer_number = ?",
            (one.token, practice, code, service, one.cents, one.payer_number),
        )

    def _cancel(self, _system: str, one: InvoiceAnswer) -> None:
        self._db.execute(  # an invoice that no statement ever showed disappears without one
            "UPDATE invoices SET live = 0, due = reported IS NOT NULL WHERE payer_number = ?", (one.payer_number,)
        )


def _described(one: InvoiceAnswer) -> tuple[str | None, str | None, str | None]:
    lines, services = one.invoice.lines, one.invoice.services
    code = lines[0].code if len(lines) == 1 else None
    return one.invoice.practice, code, services[0].isoformat() if services else None


def accounts_due(db: sqlite3.Connection) -> list[Due]:
    """The accounts with something to report, in a fixed order."""
    rows = db.execute(
        "SELECT account, system, (SELECT number FROM invoices l WHERE l.account = i.account AND l.system = i.system"
        " ORDER BY serial DESC LIMIT 1) FROM invoices i WHERE due GROUP BY account, system ORDER BY account, system"
    ).fetchall()
    return [Due(a, s, n, _practices(db, a, s), _carried(db, a, s)) for a, s, n in rows]


def _practices(db: sqlite3.Connection, account: str, system: str) -> tuple[str, ...]:
    rows = db.execute(
        "SELECT DISTINCT practice FROM invoices WHERE account = ? AND system = ? AND practice IS NOT NULL ORDER BY 1",
        (account, system),
    )
    return tuple(practice for (practice,) in rows)


def _carried(db: sqlite3.Connection, account: str, system: str) -> int:
    row = db.execute(
        "SELECT carried FROM statements WHERE account = ? AND system = ? ORDER BY serial DESC LIMIT 1",
        (account, system),
    ).fetchone()
    return int(row[0]) if row else 0


def entries_due(db: sqlite3.Connection, due: Due) -> list[Entry]:
    rows = db.execute(
        "SELECT serial, external, payer_number, practice, code, service, cents, live, reported, paid FROM invoices"
        " WHERE account = ? AND system = ? AND due ORDER BY serial",
        (due.account, due.system),
    )
    return [
        Entry(
            serial=row["serial"],
            external=row["external"],
            payer_number=row["payer_number"],
            practice=row["practice"],
            code=row["code"],
            service=date.fromisoformat(row["service"]) if row["service"] else None,
            cents=row["cents"],
            live=bool(row["live"]),
            reported=row["reported"],
            paid=row["paid"],
        )
        for row in rows
    ]


def report(db: sqlite3.Connection, reported: Iterable[tuple[int, str, int, bool]]) -> None:
    """Note what a statement said: (serial, kind, cents paid by it, whether it will say more later)."""
    db.executemany(
        "UPDATE invoices SET reported = ?, paid = paid + ?, due = ? WHERE serial = ?",
        [(kind, cents, again, serial) for serial, kind, cents, again in reported],
    )


def new_statement(db: sqlite3.Connection, due: Due, day: date, archive: str, carried: int) -> None:
    db.execute(
        "INSERT INTO statements (number, account, system, day, archive, carried) VALUES (?, ?, ?, ?, ?, ?)",
        (due.number, due.account, due.system, day.isoformat(), archive, carried),
    )


def next_serial(db: sqlite3.Connection) -> int:
    """The serial number the next statement will have."""
    return int(db.execute("SELECT coalesce(max(serial), 0) + 1 FROM statements").fetchone()[0])


def archives(db: sqlite3.Connection, number: str, day: date) -> int:
    """How many parcels of statements the number got with this date."""
    (count,) = db.execute(
        "SELECT count(DISTINCT archive) FROM statements WHERE number = ? AND day = ?", (number, day.isoformat())
    ).fetchone()
    return int(count)


def last_issue(db: sqlite3.Connection) -> date | None:
    (day,) = db.execute("SELECT max(day) FROM statements").fetchone()
    return date.fromisoformat(day) if day else None
