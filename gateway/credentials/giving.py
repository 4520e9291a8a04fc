"""What people say about a password: here is one, it may be changed, it is another software's, it is no more."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from gateway.credentials import past
from gateway.credentials.vault import OTHERS, Vault, text
from gateway.errors import GatewayError
from gateway.identifiers import lane
from gateway.models import Credential
from gateway.states import CredentialState as S
from gateway.store import Tx, due, moves
from gateway.store import credentials as rows

Given = Literal["temporary", "current", "server"]
_NEW = frozenset({S.EXPECTED, S.REVOKED})


def give(vault: Vault, row_of: tuple[str, str, str], password: str, kind: Given, changed_on: datetime | None) -> None:
    """Keep a password somebody was given; see `Credentials.set_temporary` and `set_current`."""
    payer, number, machine = row_of
    if not password:
        raise GatewayError(text("password_empty", payer, number))
    with vault.store.write() as tx:
        row = _known(tx, payer, number, machine)
        if kind == "temporary" and past.is_known(tx, row, password, kind="temporary"):
            raise GatewayError(text("temporary_used", payer, number))
        new = {"current": password, "pending": None}
        # The fence rises: a login under way with the old one can no longer change anything.
        changes = vault.changed(tx, row, **new) | {
            "fence": row.fence + 1,
            "journal": None,
            "origin": kind,
            "changed_at": changed_on or tx.now,
            "proved_at": None,
            "reminded_at": None,
        }
        if kind == "temporary":
            moves.move(tx, row, S.TEMPORARY, "temporary_given", **changes)
        else:
            reason = "current_given" if S(row.state) in _NEW else "changed_elsewhere"
            moves.move(tx, row, S.ACTIVE, reason, **changes)
            past.remember(tx, row, password, kind)
        wake(tx, payer, number)


def stop(vault: Vault, row_of: tuple[str, str, str], to: S, reason: str) -> None:
    """See `Credentials.stop` and `Credentials.retire`."""
    with vault.store.write() as tx:
        row = rows.find(tx, *row_of)
        if row is None or row.state == to:
            return
        if to in (S.EXPIRED, S.REVOKED):
            _forget(vault, tx, row)
        wiped = {"current": None, "pending": None, "journal": None} if to is S.REVOKED else {}
        if to is S.REVOKED:
            wiped |= vault.changed(tx, row)  # so that an older database does not bring it back
        moves.move(tx, row, to, reason, fence=row.fence + 1, **wiped)


def alone(vault: Vault, row_of: tuple[str, str, str], said: bool) -> None:
    """See `Credentials.say_alone`."""
    with vault.store.write() as tx:
        row = _known(tx, *row_of)
        if row.alone != said:
            rows.keep(tx, row, alone=said)
            moves.note(tx, row, "said_alone" if said else "said_shared")
            wake(tx, row.payer, row.number)


def others(vault: Vault, payer: str, number: str, machine: str) -> None:
    """See `Credentials.note_others`."""
    with vault.store.write() as tx:
        _known(tx, payer, number, "")
        rows.expect(tx, payer, number, machine, origin=OTHERS, reason="machine_of_others")


def wake(tx: Tx, payer: str, number: str) -> None:
    """Whoever waited for this password looks again."""
    for stage in ("transmit", "receive"):
        due.wake(tx, stage, lane(payer, number))


def _forget(vault: Vault, tx: Tx, row: Credential) -> None:
    """A temporary password that expired or was withdrawn never comes back, tried or not."""
    if row.state in (S.TEMPORARY, S.LOCKED) and row.origin == "temporary" and row.current is not None:
        past.remember(tx, row, vault.unseal(row, "current"), "temporary")


def _known(tx: Tx, payer: str, number: str, machine: str) -> Credential:
    row = rows.find(tx, payer, number, machine)
    if row is None:
        raise GatewayError(text("number_unknown", payer, number))
    if row.origin == OTHERS:
        raise GatewayError(text("password_of_others", payer, number))
    return row
