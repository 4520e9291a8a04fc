"""Passwords: which one is tried, how often, and how a new one takes its place (DESIGN section 7).

Each step is a short transaction that ends before the next thing is said to the payer. A killed login leaves an attempt
without outcome; together with refused ones there are never more than two of those an hour. Reason codes are the keys
of `locales/credentials.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gateway.clock import Clock
from gateway.config import PasswordConfig
from gateway.credentials import giving
from gateway.credentials.change import Change, Objection, keep_read, tried_lately
from gateway.credentials.generation import Generations, behind, is_behind
from gateway.credentials.login import Login
from gateway.credentials.standing import Standing, by_us, standing, standings
from gateway.credentials.term import AGAIN, Term, term
from gateway.credentials.vault import WHY_NOT, Vault, choose, denied, spent_lately
from gateway.identifiers import lane
from gateway.models import Credential
from gateway.sealing import Seals
from gateway.states import CredentialState as S
from gateway.store import Store, Tx, due, moves
from gateway.store import credentials as rows

__all__ = [
    "POINTS",
    "Change",
    "Credentials",
    "Generations",
    "Login",
    "Objection",
    "Standing",
    "Term",
    "by_us",
    "is_behind",
    "spent_lately",
    "term",
    "tried_lately",
]

POINTS = (
    "credentials.attempted",
    "credentials.proposed",
    "credentials.proved",
    "credentials.refused",
    "credentials.change_begun",
    "credentials.change_answered",
    "credentials.change_refused",
    "credentials.journalled",
    "credentials.change_kept",
)
LOGIN_SECONDS = 30.0
_ANY = PasswordConfig()


class Credentials:
    """Every password, by (payer, number) and, where the payer makes such, machine.

    `rules`: what a payer wants of passwords. `generations`: the count outside the database (see there).
    `login_seconds`: how long one login keeps the next one waiting, should it never end.
    """

    def __init__(
        self,
        store: Store,
        sealing: Seals,
        clock: Clock,
        *,
        generations: Path,
        rules: Callable[[str], PasswordConfig] = lambda _: _ANY,
        login_seconds: float = LOGIN_SECONDS,
    ) -> None:
        self._store = store
        self._vault = Vault(store, sealing, clock, rules, Generations(generations), login_seconds)

    # -- what people say --

    def expect(self, payer: str, number: str) -> None:
        """Know of a transmission number whose password is still to come; nothing when it is known already."""
        with self._store.write() as tx:
            rows.expect(tx, payer, number)

    def set_temporary(self, payer: str, number: str, password: str) -> None:
        """Keep the temporary password a person was given. It replaces whatever was there, gets one try, is changed at
        the first login, and wakes what waited for it.

        Raises GatewayError for a number the registry does not know, an empty password, or one that was given before.
        """
        giving.give(self._vault, (payer, number, ""), password, "temporary", None)

    def set_current(
        self, payer: str, number: str, password: str, *, machine: str = "", changed_on: datetime | None = None
    ) -> None:
        """Keep the password that is in use at the payer: an older one, or one that a person changed elsewhere. It is
        not changed, before its term or the payer asks for it. `changed_on`: since when it is in use (aware UTC; else
        now). Raises like `set_temporary`."""
        giving.give(self._vault, (payer, number, machine), password, "current", changed_on)

    def set_machine(self, payer: str, number: str, machine: str, password: str) -> None:
        """Keep a machine identifier the payer just made for us, with its password: no other software has it. What it
        was read from is forgotten."""
        with self._store.write() as tx:
            made = rows.expect(tx, payer, number, machine, reason="machine_made")
            rows.keep(tx, made, alone=True)
        giving.give(self._vault, (payer, number, machine), password, "server", None)
        self.keep_read(payer, number, "", None)

    def say_alone(self, payer: str, number: str, said: bool, *, machine: str = "") -> None:
        """The agency says whether no other software uses this login. Until it does, nothing is changed unasked."""
        giving.alone(self._vault, (payer, number, machine), said)

    def note_others(self, payer: str, number: str, machine: str) -> None:
        """A machine identifier of the number that another software uses: listed, never tried, never changed."""
        giving.others(self._vault, payer, number, machine)

    def stop(self, payer: str, number: str, to: S, reason: str, *, machine: str = "") -> None:
        """Use the password no more: LOCKED (the payer says so), EXPIRED or REVOKED (then it is erased). `reason` is a
        code."""
        giving.stop(self._vault, (payer, number, machine), to, reason)

    # -- logins --

    def usable(self, payer: str, number: str, *, machine: str | None = None, first: bool = False) -> str | None:
        """None when a login may be tried, else the code of why not: password_missing, password_locked,
        password_expired, password_revoked, password_of_others, change_unresolved, answer_unreadable, or one that
        passes by itself:
        attempts_spent, answer_unread, change_first (it is past its term; `first`: the login that changes it)."""
        with self._store.read() as tx:
            row = self._vault.find(tx, payer, number, machine)
            if row is None:
                return "password_missing"
            under_way = row.lease_until is not None and row.lease_until > tx.now
            # What another login is proving just now is no attempt that failed: `Login.get` waits for it.
            why = WHY_NOT.get(S(row.state)) if under_way else choose(tx, row)[1]
            if why is None and not first and self.must_change(tx, row):
                why = "change_first"
        if why == "change_unresolved":
            self.stop(payer, number, S.LOCKED, why, machine=row.machine)
        if why in ("change_first", "answer_unread"):
            with self._store.write() as tx:
                due.wake(tx, "rotate", lane(payer, number))
        return why

    def opens(self, payer: str, number: str) -> str | None:
        """The machine whose password opens the number's mailboxes (empty: the number's own); None: nobody knows one."""
        with self._store.read() as tx:
            row = self._vault.find(tx, payer, number, None)
        return row.machine if row else None

    def secret(self, payer: str, number: str, *, machine: str | None = None, first: bool = False) -> Login:
        """The Secret of one login; close it when the login is over. Raises Denied with the code of `usable`."""
        if why := self.usable(payer, number, machine=machine, first=first):
            raise denied(why, payer, number)
        with self._store.read() as tx:
            row = self._vault.find(tx, payer, number, machine)
        return Login(self._vault, payer, number, row.machine if row else "")

    # -- changes that nobody asked us for --

    def change(self, payer: str, number: str, object_: Objection, *, machine: str = "") -> Change:
        """The Secret of a change; close it when it is over. `object_` is asked in the transaction that begins it."""
        return Change(self._vault, payer, number, machine, object_)

    def ask(self, payer: str, number: str, machine: str, object_: Objection) -> None:
        """Ask before anything is begun. Raises Denied with the code of the objection."""
        with self._store.read() as tx:
            row = rows.find(tx, payer, number, machine)
            why = "password_missing" if row is None else object_(tx, row)
        if why:
            raise denied(why, payer, number)

    def wake(self, payer: str, number: str) -> None:
        """Whoever waited for this password looks again."""
        with self._store.write() as tx:
            giving.wake(tx, payer, number)

    def remind(self, one: Standing) -> int:
        """Tell, once a day, of a password whose term comes near and that we do not change: an event, for those who
        alert. 1 when it was told."""
        ours = one.by_us and one.row.alone
        if not one.soon or ours or (one.row.reminded_at and one.row.reminded_at > one.at - AGAIN):
            return 0
        with self._store.write() as tx:
            row = rows.find(tx, one.row.payer, one.row.number, one.row.machine)
            if row is None or row.generation != one.row.generation:
                return 0
            rows.keep(tx, row, reminded_at=tx.now)
            moves.note(tx, row, "term_near", {"days": one.days_left})
        return 1

    def must_change(self, tx: Tx, row: Credential) -> bool:
        """Whether the password is past its term and can be changed by us first: nothing is sent with it."""
        rules = self._vault.rules(row.payer)
        until = term(row, rules)
        ours = rules.by_us and row.alone and row.state == S.ACTIVE
        return bool(ours and until and until.ends <= tx.now and not tried_lately(tx, row))

    def unread(self, payer: str, number: str, machine: str) -> bytes | None:
        """The payer's answer that was journalled and, after a crash, not read yet."""
        with self._store.read() as tx:
            row = rows.find(tx, payer, number, machine)
            waits = row is not None and row.journal is not None and row.pending is None
            return self._vault.unseal_answer(row) if row is not None and waits else None

    def keep_read(self, payer: str, number: str, machine: str, password: str | None) -> None:
        """What stood in that answer; None: no password, so the old one counts."""
        with self._store.write() as tx:
            row = rows.find(tx, payer, number, machine)
            if row is None or row.journal is None or row.pending is not None:
                return
            if password is None:
                rows.keep(tx, row, journal=None, reason=None)
            else:
                keep_read(self._vault, tx, row, password)

    def cannot_read(self, payer: str, number: str, machine: str) -> None:
        """Nobody can read that answer: only a person who has the password from the payer can say it. Told once."""
        with self._store.write() as tx:
            row = rows.find(tx, payer, number, machine)
            if row is not None and row.journal is not None and row.reason != rows.UNREADABLE:
                rows.keep(tx, row, reason=rows.UNREADABLE)
                moves.note(tx, row, rows.UNREADABLE)

    # -- how they stand --

    def standings(self, of: tuple[str, str] | None = None) -> list[Standing]:
        """Every password, or those `of` one (payer, number), with its days left, its last proof and what may still be
        tried."""
        with self._store.read() as tx:
            return standings(tx, self._vault, of)

    def in_doubt(self, payer: str, number: str) -> list[Credential]:
        """Those of the number of which nobody knows which slot counts, and nobody is finding it out just now."""
        with self._store.read() as tx:
            found = rows.of_lanes(tx, [(payer, number)])
        changing = [row for row in found if row.state == S.CHANGING]
        return [row for row in changing if row.lease_until is None or row.lease_until <= tx.now]

    def standing(self, payer: str, number: str, machine: str = "") -> Standing:
        """How one password stands. Raises Denied for one that nobody knows."""
        with self._store.read() as tx:
            row = rows.find(tx, payer, number, machine)
            if row is None:
                raise denied("password_missing", payer, number)
            return standing(tx, self._vault, row)

    def hold_those_behind(self) -> list[Credential]:
        """Lock every password that the file outside the database knows a later one of: the database is older than the
        payer, and trying would lock the account there. Gives them."""
        highest = self._vault.generations.highest()
        with self._store.read() as tx:
            found = [row for row in behind(rows.every(tx), highest) if row.reason != "restored_behind"]
        for row in found:
            with self._store.write() as tx:
                now = rows.find(tx, row.payer, row.number, row.machine)
                if now is not None and S(now.state) in (S.TEMPORARY, S.CHANGING, S.ACTIVE):
                    moves.move(tx, now, S.LOCKED, "restored_behind", fence=now.fence + 1)
        return found
