"""Passwords: which one is tried, how often, and how a new one takes its place (DESIGN section 7).

Each step is a short transaction that ends before the next thing is said to the payer. A killed login leaves an attempt
without outcome; together with refused ones there are never more than two of those an hour. Reason codes are the keys
of `locales/credentials.toml`.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.clock import Clock
from gateway.credentials.login import Login
from gateway.credentials.vault import WHY_NOT, Vault, choose, denied, new_password, text
from gateway.errors import GatewayError
from gateway.identifiers import lane
from gateway.sealing import Seals
from gateway.states import CredentialState as S
from gateway.store import Store, due, moves
from gateway.store import credentials as rows

__all__ = ["POINTS", "Credentials", "Login"]

POINTS = ("credentials.attempted", "credentials.proposed", "credentials.proved", "credentials.refused")
LOGIN_SECONDS = 30.0


class Credentials:
    """Every password, by (payer, number). `make_password` is the policy for new ones; `login_seconds` is how long one
    login keeps the next one waiting, should it never end."""

    def __init__(
        self,
        store: Store,
        sealing: Seals,
        clock: Clock,
        *,
        make_password: Callable[[], str] = new_password,
        login_seconds: float = LOGIN_SECONDS,
    ) -> None:
        self._store = store
        self._vault = Vault(store, sealing, clock, make_password, login_seconds)

    def expect(self, payer: str, number: str) -> None:
        """Know of a transmission number whose password is still to come; nothing when it is known already."""
        with self._store.write() as tx:
            rows.expect(tx, payer, number)

    def set_temporary(self, payer: str, number: str, password: str) -> None:
        """Keep the temporary password a person was given. It replaces whatever was there, and wakes what waited for it.

        Raises GatewayError for a number the registry does not know, or an empty password.
        """
        if not password:
            raise GatewayError(text("password_empty", payer, number))
        with self._store.write() as tx:
            row = rows.find(tx, payer, number)
            if row is None:
                raise GatewayError(text("number_unknown", payer, number))
            changes = self._vault.changed(row, current=password, pending=None)
            # The fence rises: a login under way with the old one can no longer change anything.
            changes |= {"fence": row.fence + 1, "journal": None, "changed_at": tx.now, "proved_at": None}
            moves.move(tx, row, S.TEMPORARY, "temporary_given", **changes)
            for stage in ("transmit", "receive"):
                due.wake(tx, stage, lane(payer, number))

    def stop(self, payer: str, number: str, to: S, reason: str) -> None:
        """Use the password no more: LOCKED (the payer says so), EXPIRED or REVOKED. `reason` is a code."""
        with self._store.write() as tx:
            row = rows.find(tx, payer, number)
            if row is not None and row.state != to:
                moves.move(tx, row, to, reason, fence=row.fence + 1)

    def usable(self, payer: str, number: str) -> str | None:
        """None when a login may be tried, else the code of why not: password_missing, password_locked,
        password_expired, password_revoked, change_unresolved or attempts_spent (that one passes within the hour)."""
        with self._store.read() as tx:
            row = rows.find(tx, payer, number)
            if row is None:
                return "password_missing"
            under_way = row.lease_until is not None and row.lease_until > tx.now
            # What another login is proving just now is no attempt that failed: `Login.get` waits for it.
            why = WHY_NOT.get(S(row.state)) if under_way else choose(tx, row)[1]
        if why == "change_unresolved":
            self.stop(payer, number, S.LOCKED, why)
        return why

    def secret(self, payer: str, number: str) -> Login:
        """The Secret of one login; close it when the login is over. Raises Denied with the code of `usable`."""
        if why := self.usable(payer, number):
            raise denied(why, payer, number)
        return Login(self._vault, payer, number)
