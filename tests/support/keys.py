"""Master keys of tests: one that is given, as another program would give it."""

from __future__ import annotations

from pathlib import Path

from gateway.clock import SystemClock
from gateway.keyring import Keyring
from gateway.sealing import KeyFile, Masters
from gateway.store import Store


class Given:
    """Keys that are simply there."""

    def __init__(self, *keys: bytes) -> None:
        self.held = list(keys)

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
