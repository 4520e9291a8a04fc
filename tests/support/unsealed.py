"""Reads an installation's sealed bytes with its own eyes: the format of docs/sealing.md, no code of ours."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAME = 65536


class Unsealed:
    """The archive of a state folder, in plain."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "archive"
        self._state = state
        found = (
            state / "keys" / name for name in ("master.key", "master.key.next")
        )  # both while one follows the other
        self._masters = [AESGCM(base64.b64decode(file.read_bytes().split()[1])) for file in found if file.exists()]
        self._keys: dict[str, bytes] = {}

    def read(self, ref: str) -> bytes:
        """What was put under a ref. Raises InvalidTag, KeyError or OSError."""
        owner, name = ref.split("/")
        data = (self.folder / hashlib.sha256(owner.encode()).hexdigest()[:2] / owner / name).read_bytes()
        assert data[:1] == b"\x02"
        cipher = AESGCM(HKDF(SHA256(), 32, data[1:17], f"archive:{ref}".encode()).derive(self._key(owner)))
        frames = [data[at : at + FRAME + 16] for at in range(17, len(data), FRAME + 16)]
        return b"".join(
            cipher.decrypt(number.to_bytes(11, "big") + bytes([number == len(frames) - 1]), frame, None)
            for number, frame in enumerate(frames)
        )

    def keys(self) -> dict[str, bytes]:
        """Every data key, by its scope. Raises InvalidTag for one that no master key here opens."""
        with closing(sqlite3.connect(f"file:{self._state / 'gateway.db'}?mode=ro", uri=True)) as db:
            kept = db.execute("select scope, wrapped from data_key where destroyed_at is null").fetchall()
        return {scope: self._unwrapped(scope, wrapped) for scope, wrapped in kept}

    def _unwrapped(self, scope: str, wrapped: bytes) -> bytes:
        for master in self._masters:
            with suppress(InvalidTag):
                return master.decrypt(wrapped[9:21], wrapped[21:], wrapped[:9] + f"data-key:{scope}".encode())
        raise InvalidTag

    def _key(self, scope: str) -> bytes:
        if scope not in self._keys:
            self._keys = self.keys()
        return self._keys[scope]
