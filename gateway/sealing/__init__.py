"""Secrets at rest: AES-256-GCM, each value bound to the place it was sealed for; where the master key comes from."""

from __future__ import annotations

from typing import Protocol

from gateway.sealing.box import KEY_SIZE, Sealing, fingerprint_of, sealed_with
from gateway.sealing.source import KeyFile, KeySource, Masters, source_of, write_key

__all__ = [
    "KEY_SIZE",
    "KeyFile",
    "KeySource",
    "Masters",
    "Sealing",
    "Seals",
    "fingerprint_of",
    "sealed_with",
    "source_of",
    "write_key",
]


class Seals(Protocol):
    """What keeps small secrets. `context` is `<kind>:<id>:<what>`: the place a value belongs to."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """The sealed value; only `unseal` with the same context opens it. Raises SealingError."""
        ...

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed for `context`. Raises SealingError."""
        ...
