"""A mailbox in memory, with faults to switch on: the twin that tests and rehearsals use instead of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, BinaryIO

from adapters import names
from gateway.errors import Conflict, Denied, Gone, InDoubt, NoAnswer, TransportError, Unreachable
from gateway.ports import Receipt, Secret, WaitingFile


@dataclass(frozen=True, slots=True)
class Kept:
    """One file in a box; `serial` tells it from a later file of the same name."""

    data: bytes
    serial: int


@dataclass
class Box:
    """What lies in one mailbox, and which faults are on. Faults stay on until they are switched off."""

    files: dict[str, Kept] = field(default_factory=dict)
    taken: dict[str, bytes] = field(default_factory=dict)  # what was moved into recus/
    unreachable: bool = False
    silent: bool = False  # no server answers at all
    deny: bool = False  # the password is refused
    cut_after_commit: bool = False  # the file is there, the answer is lost
    cut_before_commit: bool = False  # the file is not there, the answer is lost
    answer: Callable[[str, bytes], tuple[str, bytes]] | None = None  # (name, data) → (reply's name, reply's bytes)

    def put(self, name: str, data: bytes) -> None:
        """Lay a file there, over another one if need be: what the other side does."""
        self.files[name] = Kept(data, next(_serials))


_serials = count(1)
_boxes: dict[str, Box] = {}


def box(name: str) -> Box:
    """The box of this name; made empty when first asked for, shared by everyone in this process."""
    return _boxes.setdefault(name, Box())


def open_mailbox(settings: Mapping[str, Any], secret: Secret | None) -> Memory:
    """The mailbox over the box that settings `box` names; `after` as for every kind."""
    return Memory(box(settings["box"]), settings.get("after", "remove"), secret)


class Memory:
    """Pickup and Delivery over a `Box`."""

    def __init__(self, contents: Box, after: str = "remove", secret: Secret | None = None) -> None:
        self._box = contents
        self._keeps = after == "move"
        self._secret = secret
        self._open = False

    def waiting(self) -> list[WaitingFile]:
        """See `ports.Pickup`. Time in a box is the order of arrival."""
        files = self._reach().files
        return [
            WaitingFile(name, len(kept.data), kept.serial, str(kept.serial), name + names.MARKER in files)
            for name, kept in sorted(files.items())
            if names.is_listed(name)
        ]

    def read(self, file: WaitingFile, sink: BinaryIO) -> None:
        """See `ports.Pickup`."""
        kept = self._reach().files.get(names.checked(file.name))
        if kept is None or str(kept.serial) != file.identity:
            raise Gone(f"{file.name} left, or is another file now")
        sink.write(kept.data)

    def remove(self, file: WaitingFile) -> None:
        """See `ports.Pickup`."""
        files = self._reach().files
        kept = files.get(names.checked(file.name))
        if kept is None:
            return
        if str(kept.serial) != file.identity:
            raise Gone(f"another file took the name {file.name}")
        if self._keeps:
            free = (names.numbered(file.name, number) for number in count(1))
            self._box.taken[next(name for name in free if name not in self._box.taken)] = kept.data
        del files[file.name]
        files.pop(file.name + names.MARKER, None)

    def look(self, name: str, size: int, sha256: str) -> Receipt | None:
        """See `ports.Delivery`."""
        kept = self._reach().files.get(names.checked(name))
        if kept is None:
            return None
        if hashlib.sha256(kept.data).hexdigest() != sha256:
            raise Conflict(f"{name} holds other bytes")
        return Receipt(name, size, sha256, already=True, verified="hash")

    def send(self, name: str, source: BinaryIO, size: int, sha256: str, before_commit: Callable[[], None]) -> Receipt:
        """See `ports.Delivery`. A box with an `answer` replies at once, to a repeat as well."""
        found = self.look(name, size, sha256)
        data = source.read()
        if (len(data), hashlib.sha256(data).hexdigest()) != (size, sha256):
            raise TransportError(f"the bytes for {name} are not the promised ones; nothing was delivered")
        if found is None:
            before_commit()
            found = self.look(name, size, sha256)  # somebody may have been faster
        if found is None:
            self._commit(name, data)
        reply_name, reply = self._box.answer(name, data) if self._box.answer else (None, None)
        return Receipt(name, size, sha256, found is not None, "hash", reply, reply_name)

    def _commit(self, name: str, data: bytes) -> None:
        if self._box.cut_before_commit:
            raise InDoubt(f"the line was cut while {name} got its name")
        self._box.put(name, data)
        if self._box.cut_after_commit:
            raise InDoubt(f"the line was cut after {name} got its name")

    def _reach(self) -> Box:
        if self._box.unreachable:
            self._open = False
            raise Unreachable("the box is switched off")
        if self._box.silent:
            self._open = False
            raise NoAnswer("no server answers")
        if not self._open and self._secret is not None:
            self._log_in(self._secret)
        if self._box.deny:
            raise Denied("the box lets nobody in")
        self._open = True
        return self._box

    def _log_in(self, secret: Secret) -> None:
        secret.get()
        if self._box.deny:
            secret.refuse()
        else:
            secret.confirm()

    def close(self) -> None:
        """The box stays; the next use logs in again."""
        self._open = False
