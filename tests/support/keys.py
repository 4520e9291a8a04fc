"""Master keys of tests: one that is given, as another program would give it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from gateway.clock import SystemClock
from gateway.errors import SealingError
from gateway.keyring import Keyring
from gateway.sealing import KeyFile, Masters
from gateway.store import Store


class Given:
    """Keys that are simply there: first the one that counts or is to count."""

    makes = False

    def __init__(self, *keys: bytes) -> None:
        self.held = list(keys)

    def successor(self) -> bytes:
        return self.held[0]

    def following(self) -> bytes | None:
        return None

    def settle(self) -> None:
        pass

    def alone(self, _seconds: float, /) -> AbstractContextManager[bool]:
        return nullcontext(True)

    def read(self) -> list[bytes]:
        return self.held

    def where(self) -> str:
        return "given"


def keyring(store: Store, *held: bytes) -> Keyring:
    """A keyring under keys that are simply there."""
    return Keyring.open(store, Masters(Given(*(held or (b"1" * 32,)))))


def keyring_of(state: Path) -> Keyring:
    """The keys of an installation, by its state folder."""
    return Keyring.open(
        Store.open(state / "gateway.db", SystemClock()), Masters(KeyFile(state / "keys" / "master.key"))
    )


class Loose:
    """Data keys in memory, for what needs an archive and no database."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def has(self, scope: str) -> bool:
        return scope in self.kept

    def make(self, scope: str) -> bytes:
        return self.kept.setdefault(scope, os.urandom(32))

    def get(self, scope: str) -> bytes:
        if scope not in self.kept:
            raise SealingError(f"no key for {scope}")
        return self.kept[scope]

    def destroy(self, scope: str) -> bool:
        return self.kept.pop(scope, None) is not None
