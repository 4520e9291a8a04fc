"""The two slots of a password, sealed, and the one decision about them: which may be tried now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from gateway.clock import Clock
from gateway.config import PasswordConfig
from gateway.credentials import past
from gateway.credentials.generation import Generations
from gateway.credentials.policy import new_password
from gateway.errors import Denied
from gateway.messages import side_by_side
from gateway.models import Credential
from gateway.sealing import Seals
from gateway.states import CredentialState as S
from gateway.store import Store, Tx
from gateway.store import credentials as rows

BUDGET = 2  # failed or unproven attempts …
WINDOW = timedelta(hours=1)  # … in this long
OTHERS = "other"  # the origin of a machine identifier that another software uses
WHY_NOT = MappingProxyType(
    {
        S.EXPECTED: "password_missing",
        S.LOCKED: "password_locked",
        S.EXPIRED: "password_expired",
        S.REVOKED: "password_revoked",
    }
)
_BEST_FIRST = (S.ACTIVE, S.CHANGING, S.TEMPORARY)


@dataclass(frozen=True)
class Vault:
    """What keeping passwords takes. `login_seconds`: how long one login may keep the next one waiting."""

    store: Store
    sealing: Seals
    clock: Clock
    rules: Callable[[str], PasswordConfig]  # of a payer
    generations: Generations
    login_seconds: float

    def changed(self, tx: Tx, row: Credential, **passwords: str | None) -> dict[str, Any]:
        """The columns that put these passwords into the slots of `row`; the generation rises, here and outside."""
        generation = self.generations.next(row)
        self.generations.begun(row.id, generation)
        tx.after.append(partial(self.generations.kept, row.id, generation))
        return {slot: self.seal(row, slot, text) for slot, text in passwords.items()} | {"generation": generation}

    def seal(self, row: Credential, slot: str, password: str | None) -> bytes | None:
        """Sealed for this row and slot: moved to another one it cannot be opened."""
        return None if password is None else self.sealing.seal(password.encode(), _context(row, slot))

    def unseal(self, row: Credential, slot: str) -> str:
        """The password in `current` or `pending`. Raises SealingError."""
        sealed = row.current if slot == "current" else row.pending
        return self.sealing.unseal(sealed or b"", _context(row, slot)).decode()

    def seal_answer(self, row: Credential, raw: bytes) -> bytes:
        """A payer's raw answer, sealed for this row."""
        return self.sealing.seal(raw, _context(row, "journal"))

    def unseal_answer(self, row: Credential) -> bytes:
        """The raw answer as it came. Raises SealingError."""
        return self.sealing.unseal(row.journal or b"", _context(row, "journal"))

    def new_password(self, tx: Tx, row: Credential) -> str:
        """One to the payer's rules that was not used lately; its hash is kept from here on."""
        rules = self.rules(row.payer)
        new = new_password(rules)
        while past.is_known(tx, row, new, last=rules.no_reuse):
            new = new_password(rules)
        past.remember(tx, row, new, "ours")
        return new

    def find(self, tx: Tx, payer: str, number: str, machine: str | None) -> Credential | None:
        """The credential of a login. `machine` None: where the payer makes machine identifiers, the best of the
        number's own: the one changed last, and one that is being changed only where there is no other."""
        if machine is not None or self.rules(payer).change != "machine":
            return rows.find(tx, payer, number, machine or "")
        ours = [row for row in rows.of_numbers(tx, payer, [number]) if row.machine and row.origin != OTHERS]
        ours.sort(key=lambda row: row.changed_at or row.created_at, reverse=True)
        best = [row for state in _BEST_FIRST for row in ours if row.state == state]
        return next(iter([*best, *ours]), None)


def _context(row: Credential, slot: str) -> str:
    return f"credential:{row.id}:{slot}"


def choose(tx: Tx, row: Credential) -> tuple[str, str | None]:
    """The slot to try now, and the code of why not to (None: try it)."""
    state = S(row.state)
    if row.origin == OTHERS:
        return "", "password_of_others"
    if state in WHY_NOT:
        return "", WHY_NOT[state]
    slot = "current"
    if state is S.CHANGING:
        slot, why = _of_two(tx, row)
        if why is not None:
            return "", why
    return slot, "attempts_spent" if len(rows.spent(tx, row, tx.now - WINDOW)) >= BUDGET else None


def _of_two(tx: Tx, row: Credential) -> tuple[str, str | None]:
    """A crash left open which one the payer has: two tries, the likelier one first, and that is the new one; the old
    one where the payer said that it changed nothing. The second try is the other one; but where the payer had said
    which one counts, and a cut line kept us from seeing it, the same one again."""
    if row.pending is None and row.journal is not None:
        return "", rows.UNREADABLE if row.reason == rows.UNREADABLE else "answer_unread"
    tries = rows.tries(tx, row)
    said = dict(tries).get("change") or (row.journal and "proved")  # an answer that was read said so as well
    order = ("current", "pending") if said == "refused" else ("pending", "current")
    there = [slot for slot in order if slot == "current" or row.pending is not None]
    tried = [(slot, outcome) for slot, outcome in tries if slot != "change"]
    if said is not None and tried == [(there[0], None)]:
        return there[0], None
    left = [slot for slot in there if slot not in dict(tried)]
    return (left[0], None) if left and len(tried) < 2 else ("", "change_unresolved")


def spent_lately(tx: Tx, row: Credential) -> bool:
    """Whether an attempt of the last hour failed or stayed unproven."""
    return bool(rows.spent(tx, row, tx.now - WINDOW))


def text(key: str, payer: str, number: str, **more: object) -> str:
    """A sentence of this room, in both languages."""
    return side_by_side(f"credentials.{key}", payer=payer, number=number, **more)


def denied(why: str, payer: str, number: str) -> Denied:
    """Denied with the code of why no password may be given; nothing was sent."""
    error = Denied(text(why, payer, number))
    error.code = why
    return error
