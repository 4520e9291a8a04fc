"""The two slots of a password, sealed, and the one decision about them: which may be tried now."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from gateway.clock import Clock
from gateway.errors import Denied
from gateway.messages import side_by_side
from gateway.models import Credential
from gateway.sealing import Seals
from gateway.states import CredentialState as S
from gateway.store import Store, Tx
from gateway.store import credentials as rows

BUDGET = 2  # failed or unproven attempts …
WINDOW = timedelta(hours=1)  # … in this long
_SYMBOLS = "-_.+="  # no server, shell or form minds these
WHY_NOT = MappingProxyType(
    {
        S.EXPECTED: "password_missing",
        S.LOCKED: "password_locked",
        S.EXPIRED: "password_expired",
        S.REVOKED: "password_revoked",
    }
)


@dataclass(frozen=True)
class Vault:
    """What keeping passwords takes. `login_seconds`: how long one login may keep the next one waiting."""

    store: Store
    sealing: Seals
    clock: Clock
    make_password: Callable[[], str]
    login_seconds: float

    def changed(self, row: Credential, **passwords: str | None) -> dict[str, Any]:
        """The columns that put these passwords into the slots of `row`; the generation rises."""
        return {slot: self.seal(row, slot, text) for slot, text in passwords.items()} | {
            "generation": row.generation + 1
        }

    def seal(self, row: Credential, slot: str, password: str | None) -> bytes | None:
        """Sealed for this row and slot: moved to another one it cannot be opened."""
        return None if password is None else self.sealing.seal(password.encode(), _context(row, slot))

    def unseal(self, row: Credential, slot: str) -> str:
        """The password in `current` or `pending`. Raises SealingError."""
        sealed = row.current if slot == "current" else row.pending
        return self.sealing.unseal(sealed or b"", _context(row, slot)).decode()


def _context(row: Credential, slot: str) -> str:
    return f"credential:{row.id}:{slot}"


def choose(tx: Tx, row: Credential) -> tuple[str, str | None]:
    """The slot to try now, and the code of why not to (None: try it)."""
    state = S(row.state)
    if state in WHY_NOT:
        return "", WHY_NOT[state]
    slot = "current"
    if state is S.CHANGING:  # a crash left open which one the payer has: each is tried once, the new one first
        tried = rows.tried_slots(tx, row)
        slot = next((s for s in ("pending", "current") if s not in tried), "")
        if not slot:
            return "", "change_unresolved"
    return slot, "attempts_spent" if len(rows.spent(tx, row, tx.now - WINDOW)) >= BUDGET else None


def new_password() -> str:
    """20 characters with a capital, a small letter, a digit and a symbol at least."""
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SYMBOLS)
    letters = [secrets.choice(kind) for kind in kinds] + [secrets.choice("".join(kinds)) for _ in range(16)]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def text(key: str, payer: str, number: str) -> str:
    """A sentence of this room, in both languages."""
    return side_by_side(f"credentials.{key}", payer=payer, number=number)


def denied(why: str, payer: str, number: str) -> Denied:
    """Denied with the code of why no password may be given; nothing was sent."""
    error = Denied(text(why, payer, number))
    error.code = why
    return error
