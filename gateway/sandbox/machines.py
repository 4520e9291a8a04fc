"""Machine identifiers: the payer makes them, and their passwords, when it is asked over HTTP (DOMAIN section 3).

How the payer words this on the wire is not public: a form goes in, XML comes out, with the names of the fields that are
known (NoIntervenant, IdUtilisateur, MotDePasse; IdMachine, MotDePasseMachine, CodeErreur). On loopback only.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from gateway.sandbox.book import Book
from gateway.sandbox.faults import strike
from gateway.sandbox.logins import HangUp
from gateway.sandbox.users import MAX_FAILURES, Users, hashed, is_hash_of

_ANSWER = "<?xml version='1.0' encoding='UTF-8'?><reponse>{fields}</reponse>"
_LONGEST = 10_000  # bytes of a request
OK, REFUSED, LOCKED = "0", "1", "2"
Answer = dict[str, str]


class Machines:
    """The door. Its judgements are those of the SFTP door: a wrong password counts, three lock."""

    def __init__(self, book: Book, users: Users) -> None:
        self._book, self._users = book, users
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self, port: int = 0) -> int:
        """Listen on loopback; 0 takes a free port. Returns the port."""
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                if size > _LONGEST:
                    self.send_error(413)
                    return
                try:
                    body = _worded(door.answer(self.path, _form(self.rfile.read(size))))
                except HangUp:
                    self.close_connection = True
                    return
                with suppress(OSError):  # whoever asked may have gone
                    self.send_response(200)
                    self.send_header("Content-Type", "text/xml; charset=utf-8")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing of a request is ever logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Close the door. Twice is once."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def answer(self, path: str, form: dict[str, str]) -> Answer:
        """What the payer says. Raises HangUp where a fault cuts the line."""
        number = form.get("NoIntervenant", "")
        if path == "/generer":
            return self._make(number, form.get("MotDePasse", ""))
        if path == "/changer":
            return self._change(number, form.get("IdMachine", ""), form.get("MotDePasse", ""))
        return {"CodeErreur": REFUSED}

    def _make(self, number: str, password: str) -> Answer:
        account = self._users.login(number, password)
        if account is None or account.locked:
            return {"CodeErreur": LOCKED if account else REFUSED}
        with self._book.write() as db:
            made = db.execute("SELECT count(*) FROM machines WHERE number = ?", (number,)).fetchone()[0]
            machine = f"AGE{number}{chr(65 + made)}"
            db.execute("INSERT INTO machines (machine, number, failures) VALUES (?, ?, 0)", (machine, number))
            return self._new(db, number, machine)

    def _change(self, number: str, machine: str, old: str) -> Answer:
        with self._book.write() as db:
            row = db.execute("SELECT * FROM machines WHERE machine = ? AND number = ?", (machine, number)).fetchone()
            if row is None or row["failures"] >= MAX_FAILURES:
                return {"CodeErreur": LOCKED if row else REFUSED}
            if not is_hash_of(old, row["salt"], row["password"]):
                db.execute("UPDATE machines SET failures = failures + 1 WHERE machine = ?", (machine,))
                return {"CodeErreur": REFUSED}
            return self._new(db, number, machine)

    def _new(self, db: sqlite3.Connection, number: str, machine: str) -> Answer:
        password, salt = secrets.token_urlsafe(15), secrets.token_bytes(16)
        db.execute(
            "UPDATE machines SET salt = ?, password = ?, failures = 0, changed = ? WHERE machine = ?",
            (salt, hashed(password, salt), self._users.now(), machine),
        )
        if strike(db, "lose_machine_answer", number) is not None:
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
            raise HangUp
        return {"CodeErreur": OK, "IdMachine": machine, "MotDePasseMachine": password}


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _worded(answer: Answer) -> bytes:
    fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in answer.items())
    return _ANSWER.format(fields=fields).encode()
