"""How every password stands, for people, metrics and alerts: what is left of its term and of its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.credentials.term import Term, term
from gateway.credentials.vault import BUDGET, WINDOW, Vault
from gateway.models import Credential
from gateway.store import Tx
from gateway.store import credentials as rows


@dataclass(frozen=True, slots=True)
class Standing:
    """One password. `attempts_left`: those we allow ourselves within the hour; `tries_left`: those the payer still
    allows, as far as we counted (None: not known)."""

    row: Credential
    term: Term | None
    days_left: int | None
    attempts_left: int
    tries_left: int | None
    change: str  # who changes it: asked | ssh | machine | person
    at: datetime

    @property
    def by_us(self) -> bool:
        """Whether the gateway can change it without being asked to: over SSH, or a machine's by the payer."""
        return by_us(self.change, self.row)

    @property
    def soon(self) -> bool:
        """Whether a person should know that its term ends."""
        return self.term is not None and self.term.remind_at <= self.at


def by_us(change: str, row: Credential) -> bool:
    """See `Standing.by_us`; `change` as a payer's table says it."""
    return change == "ssh" or (change == "machine" and bool(row.machine))


def standings(tx: Tx, vault: Vault, of: tuple[str, str] | None = None) -> list[Standing]:
    """By payer, number and machine; all of them, or those `of` one (payer, number)."""
    return [standing(tx, vault, row) for row in (rows.of_lanes(tx, [of]) if of else rows.every(tx))]


def standing(tx: Tx, vault: Vault, row: Credential) -> Standing:
    """How one stands."""
    rules = vault.rules(row.payer)
    until = term(row, rules)
    return Standing(
        row=row,
        term=until,
        days_left=until.days_left(tx.now) if until else None,
        attempts_left=max(0, BUDGET - len(rows.spent(tx, row, tx.now - WINDOW))),
        tries_left=max(0, rules.tries - rows.failures(tx, row)) if rules.tries else None,
        change=rules.change,
        at=tx.now,
    )
