"""The Secret of one login: spends one attempt, keeps a new password before it is said, hears what came of it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from gateway.credentials import past
from gateway.credentials.vault import Vault, choose, denied, text
from gateway.errors import PasswordMustChange, Unreachable
from gateway.identifiers import new_id
from gateway.models import Credential
from gateway.platform import passing
from gateway.states import CredentialState as S
from gateway.store import Tx, moves
from gateway.store import credentials as rows

_REFUSED = {S.TEMPORARY: "temporary_refused", S.ACTIVE: "password_refused", S.CHANGING: "change_unresolved"}
_PAUSE = 0.1  # seconds between two looks at whether the other login is over


class Login:
    """While it lasts, nobody else logs in with the credential; `close` ends it early. A connection that is made anew
    asks `get` anew, and that is another attempt."""

    def __init__(self, vault: Vault, payer: str, number: str, machine: str = "") -> None:
        self._vault, self._payer, self._number, self.machine = vault, payer, number, machine
        self._me = new_id("LOGIN")
        self._slot = self._attempt = ""
        self._given: str | None = None  # by get
        self._new: str | None = None  # by propose
        self._fence = self._generation = -1  # as we left the row

    def __repr__(self) -> str:
        return "<Secret>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """The login is over, whatever came of it: the next one need not wait for its lease to run out."""
        if self._given is not None:
            with self._vault.store.write() as tx:
                rows.release(tx, self._row(tx), owner=self._me)

    def get(self) -> str:
        """See `ports.Secret`. Raises Denied, whose code says why, when none may be given; Unreachable while
        another login takes too long."""
        clock = self._vault.clock
        patience = clock.monotonic() + self._vault.login_seconds + 1
        while (why := self._try()) == "busy" and clock.monotonic() < patience:
            clock.sleep(_PAUSE)
        if why == "busy":
            raise Unreachable(text("busy", self._payer, self._number))
        if why is not None or self._given is None:
            raise denied(why or "password_missing", self._payer, self._number)
        return self._given

    def _try(self) -> str | None:
        """Keep others out, choose a password, write the attempt down: all or nothing; else the code of why not."""
        with self._vault.store.write() as tx:
            row = self._row(tx)
            if not rows.lease(tx, row, owner=self._me, seconds=self._vault.login_seconds):
                return "busy"
            slot, why = choose(tx, row)
            if why is not None:
                if why == "change_unresolved":
                    moves.move(tx, row, S.LOCKED, why)
                rows.release(tx, row, owner=self._me)
                return why
            password = self._vault.unseal(row, slot)
            if row.state == S.TEMPORARY:
                past.remember(tx, row, password, "temporary")  # from now on it was used: never again
            self._slot, self._attempt = slot, rows.attempt(tx, row, slot)
            self._fence, self._generation = row.fence, row.generation
        self._given, self._new = password, None
        passing("credentials.attempted")
        return None

    def propose(self) -> str:
        """See `ports.Secret`. Raises Unreachable when this login took so long that it was given up for lost,
        PasswordMustChange when another software may need the one there is."""
        if self._new is None:
            with self._vault.store.write() as tx:
                row = self._row(tx)
                if self._given is None or row.fence != self._fence:
                    raise Unreachable(text("superseded", self._payer, self._number))
                # A typed current one may be another software's as well, until the agency says otherwise.
                ours = row.alone or row.origin != "current" or row.state == S.CHANGING
                new = self._keep_both(tx, row) if ours else None
                if new is None:
                    rows.conclude(tx, self._attempt, "proved")
            if new is None:
                raise PasswordMustChange(text("not_alone", self._payer, self._number))
            self._new = new
            passing("credentials.proposed")
        return self._new

    def _keep_both(self, tx: Tx, row: Credential) -> str:
        """The old and the new one are both kept from here on, until a login tells which one counts."""
        rows.conclude(tx, self._attempt, "proved")  # only who gave the right one is asked for another
        again = row.state == S.CHANGING and self._slot == "current" and row.pending is not None
        # After a crash the same one again: should the earlier change still arrive at the payer, it changes nothing.
        new = self._vault.unseal(row, "pending") if again else self._vault.new_password(tx, row)
        changes = self._vault.changed(tx, row, current=self._given, pending=new)
        if row.state == S.CHANGING:
            rows.keep(tx, row, **changes)
            moves.note(tx, row, "change_asked_again")
        else:
            seconds = self._vault.login_seconds
            moves.take(tx, row, S.CHANGING, "change_asked", owner=self._me, seconds=seconds, **changes)
        self._fence, self._generation = row.fence, row.generation
        return new

    def confirm(self) -> None:
        """See `ports.Secret`. A temporary password that got in unasked for another stays in use, and says so."""
        if self._given is None:
            return
        with self._vault.store.write() as tx:
            row = self._row(tx)
            rows.conclude(tx, self._attempt, "proved")
            if row.generation == self._generation:  # else it was replaced meanwhile: this proves nothing any more
                self._proved(tx, row)
                self._generation = row.generation
            rows.release(tx, row, owner=self._me)
        passing("credentials.proved")

    def _proved(self, tx: Tx, row: Credential) -> None:
        if row.state == S.CHANGING and (self._new or self._slot == "pending"):
            changes = self._vault.changed(tx, row, current=self._new or self._given, pending=None)
            changes |= {"origin": "server" if row.journal else "ours", "journal": None}
            moves.move(tx, row, S.ACTIVE, "password_changed", changed_at=tx.now, proved_at=tx.now, **changes)
        elif row.state == S.CHANGING:  # the change never reached the payer
            changes = self._vault.changed(tx, row, pending=None)
            moves.move(tx, row, S.ACTIVE, "change_not_made", proved_at=tx.now, journal=None, **changes)
        elif row.state == S.TEMPORARY:
            moves.move(tx, row, S.ACTIVE, "not_asked_to_change", proved_at=tx.now)
            rows.keep(tx, row, reason="not_asked_to_change")
        elif row.state == S.ACTIVE:
            rows.keep(tx, row, proved_at=tx.now)

    def refuse(self) -> None:
        """See `ports.Secret`. Locks the credential, unless the other slot is still to be tried (RELIABILITY P8)."""
        if self._given is None:
            return
        with self._vault.store.write() as tx:
            row = self._row(tx)
            rows.conclude(tx, self._attempt, "proved" if self._new else "refused")
            again = row.generation != self._generation or self._other_slot_left(tx, row)
            if not again and S(row.state) in _REFUSED:
                moves.move(tx, row, S.LOCKED, self._why_locked(row))
            rows.release(tx, row, owner=self._me)
        passing("credentials.refused")
        if again:
            other = Unreachable(text("other_slot", self._payer, self._number))
            other.code = "other_slot"
            raise other

    def _why_locked(self, row: Credential) -> str:
        if self._new:
            return "new_password_refused"
        lost = row.machine and row.state == S.CHANGING and row.pending is None
        return "answer_lost" if lost else _REFUSED[S(row.state)]

    def _other_slot_left(self, tx: Tx, row: Credential) -> bool:
        """Only a crash in the middle of a change leaves two passwords worth trying."""
        return row.state == S.CHANGING and not self._new and choose(tx, row)[1] != "change_unresolved"

    def journal(self, raw: bytes) -> None:
        """See `ports.Secret`."""
        with self._vault.store.write() as tx:
            row = self._row(tx)
            rows.keep(tx, row, journal=self._vault.seal_answer(row, raw))
        passing("credentials.journalled")

    def _row(self, tx: Tx) -> Credential:
        row = rows.find(tx, self._payer, self._number, self.machine)
        if row is None:
            raise denied("password_missing", self._payer, self._number)
        return row
