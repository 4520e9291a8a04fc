"""Passwords that were: kept as salted hashes only, so that none comes back."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from gateway.models import Credential
from gateway.store import Tx
from gateway.store import credentials as rows

# Enough that a stolen database is no list to try words against; a check against a dozen takes a tenth of a second.
_COST = {"n": 2**12, "r": 8, "p": 1}


def remember(tx: Tx, row: Credential, password: str, kind: str) -> None:
    """Keep the hash of a password that was in use. `kind`: temporary | current | ours | server. Once is enough."""
    if not is_known(tx, row, password, kind=kind):
        salt = secrets.token_bytes(16)
        rows.add_past(tx, row, kind=kind, salt=salt, digest=_digest(password, salt))


def is_known(tx: Tx, row: Credential, password: str, *, kind: str | None = None, last: int | None = None) -> bool:
    """Whether the password is one of the past ones: of that kind, or of the `last` so many."""
    known = rows.past(tx, row, kind=kind)
    known = known if last is None else known[:last]
    return any(hmac.compare_digest(one.digest, _digest(password, one.salt)) for one in known)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST)
