"""Small values under one key: AES-256-GCM, the key's fingerprint in front, the place as associated data."""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import SealingError
from gateway.messages import side_by_side

KEY_SIZE = 32  # bytes: AES-256
_FORMAT = b"\x01"  # the first byte of a sealed value; then key id, nonce, ciphertext with its tag
_KEY_ID, _NONCE = 8, 12  # bytes


class Sealing:
    """Seals and unseals with one key. Its repr shows nothing."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a key has {KEY_SIZE} bytes")
        self._cipher = AESGCM(key)
        self.fingerprint = fingerprint_of(key)
        self._header = _FORMAT + bytes.fromhex(self.fingerprint)

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed value; only `unseal` with the same context opens it."""
        nonce = os.urandom(_NONCE)
        return self._header + nonce + self._cipher.encrypt(nonce, plain, self._header + context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed for `context`. Raises SealingError for another key, another place or altered bytes."""
        header, rest = sealed[: len(self._header)], sealed[len(self._header) :]
        if header != self._header and (found := sealed_with(sealed)):
            raise SealingError(side_by_side("sealing.other_key", context=context, fingerprint=found))
        if header != self._header or len(rest) < _NONCE:
            raise SealingError(side_by_side("sealing.altered", context=context))
        try:
            return self._cipher.decrypt(rest[:_NONCE], rest[_NONCE:], header + context.encode())
        except InvalidTag:
            raise SealingError(side_by_side("sealing.altered", context=context)) from None


def fingerprint_of(key: bytes) -> str:
    """16 hex digits that name a key and tell nothing of it."""
    return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID].hex()


def sealed_with(sealed: bytes) -> str | None:
    """The fingerprint of the key that a value says it was sealed with; None when it is no sealed value."""
    whole = sealed[:1] == _FORMAT and len(sealed) > _KEY_ID
    return sealed[1 : 1 + _KEY_ID].hex() if whole else None
