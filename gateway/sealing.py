"""Secrets at rest: AES-256-GCM under a key file, each value bound to the place it was sealed for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import SealingError
from gateway.messages import side_by_side
from gateway.platform import WINDOWS, private_dir, write_private

_FORMAT = b"\x01"  # the first byte of a sealed value; then key id, nonce, ciphertext with its tag
_KEY_ID, _NONCE = 8, 12  # bytes
_HEADING = b"gateway-master-key-1 "  # the first words of a key file; then the key in base64


class Sealing:
    """Seals and unseals with one master key. Its repr shows nothing."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._header = _FORMAT + hashlib.sha256(b"key id" + key).digest()[:_KEY_ID]

    @classmethod
    def open(cls, key_file: Path, create: bool) -> Sealing:
        """Take the key from its file; with `create`, make a missing one (0600) first.

        Raises SealingError when it is missing, is not a key file, or others than its owner can read or write it.
        """
        if create and not key_file.exists():
            _make(key_file)
        return cls(_key(key_file))

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed value; only `unseal` with the same context opens it."""
        nonce = os.urandom(_NONCE)
        return self._header + nonce + self._cipher.encrypt(nonce, plain, self._header + context.encode())

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed for `context`. Raises SealingError for another key, another place or altered bytes."""
        header, rest = sealed[: len(self._header)], sealed[len(self._header) :]
        if header != self._header and header[:1] == _FORMAT and len(header) == len(self._header):
            raise SealingError(_sentence("other_key", context=context, fingerprint=header[1:].hex()))
        if header != self._header or len(rest) < _NONCE:
            raise SealingError(_sentence("altered", context=context))
        try:
            return self._cipher.decrypt(rest[:_NONCE], rest[_NONCE:], header + context.encode())
        except InvalidTag:
            raise SealingError(_sentence("altered", context=context)) from None


def _make(path: Path) -> None:
    private_dir(path.parent)
    with suppress(FileExistsError):  # another process made it at the same moment: that one counts
        write_private(path, _HEADING + base64.b64encode(os.urandom(32)) + b"\n")


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(200)
    except OSError as error:
        raise SealingError(_sentence("missing", where=path)) from error
    if not WINDOWS and (found.st_mode & 0o077 or found.st_uid != os.geteuid()):
        raise SealingError(_sentence("exposed", where=path))
    try:
        key = base64.b64decode(text.removeprefix(_HEADING).strip(), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(_HEADING) or len(key) != 32 or not stat.S_ISREG(found.st_mode):
        raise SealingError(_sentence("not_a_key", where=path))
    return key


def _sentence(key: str, **values: object) -> str:
    return side_by_side(f"sealing.{key}", **values)
