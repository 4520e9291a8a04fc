"""The Secret of a change that nobody asked us for: the intent is committed before the old password is given.

What the payer says to it settles nothing (some servers say yes and change nothing): the next login proves which
password counts, by the two slots that `vault.choose` knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gateway.credentials.login import Login
from gateway.credentials.term import AGAIN
from gateway.credentials.vault import WHY_NOT, Vault, denied, text
from gateway.errors import Unreachable
from gateway.models import Credential
from gateway.platform import passing
from gateway.states import CredentialState as S
from gateway.store import Tx, moves
from gateway.store import credentials as rows

# Says why this is no moment to change a password (a code), asked in the transaction that begins it.
Objection = Callable[[Tx, Credential], str | None]


class Change(Login):
    """While it lasts nobody logs in with the credential."""

    def __init__(self, vault: Vault, payer: str, number: str, machine: str, object_: Objection) -> None:
        super().__init__(vault, payer, number, machine)
        self._object = object_

    def _try(self) -> str | None:
        """Ask whether it may be, keep others out, commit the intent: all or nothing; else the code of why not."""
        with self._vault.store.write() as tx:
            row = self._row(tx)
            if not rows.lease(tx, row, owner=self._me, seconds=self._vault.login_seconds):
                return "busy"
            if why := self._not_now(tx, row):
                rows.release(tx, row, owner=self._me)
                return why
            given = self._vault.unseal(row, "current")
            made_here = self._vault.rules(self._payer).change != "machine"
            new = self._vault.new_password(tx, row) if made_here else None
            changes = self._vault.changed(tx, row, current=given, pending=new) | {"journal": None}
            seconds = self._vault.login_seconds
            moves.take(tx, row, S.CHANGING, "change_begun", owner=self._me, seconds=seconds, **changes)
            self._slot, self._attempt = "change", rows.attempt(tx, row, "change")
            self._fence, self._generation = row.fence, row.generation
        self._given, self._new = given, new
        passing("credentials.change_begun")
        return None

    def _not_now(self, tx: Tx, row: Credential) -> str | None:
        if row.state != S.ACTIVE:
            return WHY_NOT.get(S(row.state), "change_under_way")
        return self._object(tx, row)

    def propose(self) -> str:
        """See `ports.Secret`: it was made together with the intent."""
        if self._new is None:
            raise denied("change_under_way", self._payer, self._number)
        return self._new

    def confirm(self) -> None:
        """See `ports.NewPassword`."""
        self._said("proved")
        passing("credentials.change_answered")

    def refuse(self) -> None:
        """See `ports.NewPassword`. The old one is tried first at the next login."""
        self._said("refused", journal=None)
        passing("credentials.change_refused")

    def keep(self, password: str) -> None:
        """See `ports.NewPassword`."""
        with self._vault.store.write() as tx:
            row = self._row(tx)
            if row.fence != self._fence:
                raise Unreachable(text("superseded", self._payer, self._number))
            keep_read(self._vault, tx, row, password)
            rows.conclude(tx, self._attempt, "proved")
            self._generation = row.generation
        passing("credentials.change_kept")

    def _said(self, outcome: str, **columns: None) -> None:
        with self._vault.store.write() as tx:
            row = self._row(tx)
            rows.conclude(tx, self._attempt, outcome)
            if columns and row.fence == self._fence:
                rows.keep(tx, row, **columns)
            rows.release(tx, row, owner=self._me)


def keep_read(vault: Vault, tx: Tx, row: Credential, password: str) -> None:
    """What was read from a journalled answer becomes the pending one."""
    rows.keep(tx, row, reason=None, **vault.changed(tx, row, pending=password))
    moves.note(tx, row, "change_kept")


def tried_lately(tx: Tx, row: Credential) -> bool:
    """Whether a change that came to nothing was tried within the day."""
    last = rows.last_attempt(tx, row, "change")
    return last is not None and last.at > tx.now - AGAIN and (row.changed_at is None or last.at >= row.changed_at)


def since(tx: Tx, days: float) -> Callable[[Credential], bool]:
    """Whether a credential was changed less than so many days ago."""
    return lambda row: row.changed_at is not None and row.changed_at > tx.now - timedelta(days=days)
