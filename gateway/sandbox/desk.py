"""Where a deposit gets its answer and a day its statements: a judgement, and the transaction that makes it stand."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path

from gateway.catalog import Catalog, DocumentType
from gateway.clock import Clock
from gateway.sandbox import ledger, prices, statements
from gateway.sandbox.book import Arrival, Book, judged, post
from gateway.sandbox.documents import Document, Reader, Unreadable
from gateway.sandbox.faults import strike
from gateway.sandbox.ledger import Ledger
from gateway.sandbox.replies import Writer
from gateway.sandbox.rules import Judge, unreadable
from gateway.sandbox.users import accounts_of

_LONGEST_STEM = 180  # bytes, so that the reply's name still fits any file system


class Desk:
    """Judges and issues. Not for several threads at once."""

    def __init__(self, book: Book, catalog: Catalog, clock: Clock) -> None:
        self._book, self._catalog, self._clock = book, catalog, clock
        self._reader = Reader(catalog)
        self._prices = {name: prices.load(family) for name, family in catalog.families.items()}

    def judge(self, arrival: Arrival, data: bytes) -> None:
        """Answer one deposit: verdict, invoices and the reply to be sent become durable together."""
        document = self._reader.read(arrival.name, data)
        with self._book.write() as db:
            verdict, reply = self._answer(db, arrival.number, document)
            if not judged(db, arrival, verdict) or strike(db, "swallow_answer", arrival.number):
                return
            delay = strike(db, "delay", arrival.number)
            due = self._clock.now() + timedelta(seconds=delay.seconds if delay else 0)
            post(db, arrival.number, reply_name(arrival.name), reply, due)

    def _answer(self, db: sqlite3.Connection, number: str, document: Document | Unreadable) -> tuple[str, bytes]:
        if isinstance(document, Unreadable):
            writer, system = self._writer(document.reply)
            return "unreadable", writer.write(unreadable(document.number, system))
        past = Ledger(db, number)
        writer, _ = self._writer(self._catalog.document(document.type.family, str(document.type.reply)))
        first = past.first_reply(document.number)
        if first is not None:
            return "repeated", writer.again(first)
        refuse_all = strike(db, "refuse_all", number) is not None
        judge = Judge(number, accounts_of(db, number), self._prices[document.type.family], past, refuse_all)
        answer = judge.judge(document)
        reply = writer.write(answer)
        past.record(document, answer, reply, self._clock.now())
        return "receivable" if answer.receivable else "not_receivable", reply

    def _writer(self, reply: DocumentType) -> tuple[Writer, str]:
        family = self._catalog.families[reply.family]
        system = str(family.settings.get("system", "RFP"))
        return Writer(family, reply, system), system

    def issue(self, day: date) -> list[tuple[str, str]]:
        """Make the statements of a day: (transmission number, name of its parcel). They are durable when this returns,
        and lie in the outbox."""
        writer = statements.Writer(self._catalog)
        parcels: dict[str, list[tuple[str, bytes]]] = {}
        with self._book.write() as db:
            names: dict[str, str] = {}
            for due in ledger.accounts_due(db):
                if due.number not in names:
                    names[due.number] = parcel_name(due.number, day, ledger.archives(db, due.number, day))
                found = statements.outcomes(ledger.entries_due(db, due))
                statement = statements.Statement(ledger.next_serial(db), day, due, found)
                ledger.new_statement(db, due, day, names[due.number], statement.payment.after)
                ledger.report(db, [(o.entry.serial, o.kind, o.paid, o.again) for o in found if o.entry])
                parcels.setdefault(due.number, []).append((f"{statement.number}.xml", writer.write(statement)))
            for number, members in parcels.items():
                post(db, number, names[number], statements.pack(members, day), self._clock.now())
        return list(names.items())


def reply_name(deposit: str) -> str:
    """`<deposit without its extension>.recev.xml`."""
    stem = Path(deposit).stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    return f"{stem}.recev.xml"


def parcel_name(number: str, day: date, before: int) -> str:
    """`EC_<number>_<date>.zip`, the second one of a day with `_2`."""
    return f"EC_{number}_{day.isoformat()}{f'_{before + 1}' if before else ''}.zip"
