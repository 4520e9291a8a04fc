"""The three small interfaces between us and any mailbox: Pickup, Delivery, Secret (DESIGN section 8).

Adapters implement these and know no agencies, batches, retries or logging policy. They state facts and raise the
errors of `errors.TransportError`; what to do about it is decided by the stage, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """One file that lies in a mailbox. `identity` tells it from another file of the same name.

    `refused`: what lies there is never taken, and only told about: `not_a_file` (a link, FIFO, device, socket, folder),
    `linked_twice` (the same file has another name somewhere) or `name` (it cannot be a label). Its `name` is then text
    for people, escaped where need be, and never a path.
    """

    name: str
    size: int  # bytes
    mtime_ns: int
    identity: str  # inode and device locally; what the server can tell remotely
    marker: bool = False  # a companion `<name>.done` lies beside it
    refused: str | None = None  # why it is never taken


@dataclass(frozen=True, slots=True)
class Receipt:
    """Transport proof that a whole file is there. `reply` is the answer of a channel that answers at once."""

    name: str
    size: int  # bytes
    sha256: str
    already: bool = False  # it was there before this call
    verified: str = "size"  # how presence was proved: size | hash | statement of the server
    reply: bytes | None = None
    reply_name: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


class Pickup(Protocol):
    """A mailbox we take files from: an agency's deposit, or the payer's return box."""

    def waiting(self) -> list[WaitingFile]:
        """List the files lying there. The *stage* decides what is finished. Links, FIFOs, devices, folders and other
        entries that are never taken may be listed as `refused`: they are there to be told about, nothing opens or
        follows them, and `read` and `remove` raise Gone for them. Raises Unreachable or Denied."""

    def read(self, file: WaitingFile, sink: BinaryIO) -> None:
        """Write the file's bytes to `sink`. Raises Gone if it left or is another file now."""

    def remove(self, file: WaitingFile) -> None:
        """Put the file out of the way: deleted, or renamed into `recus/` where the endpoint says after = "move".
        Raises Gone if another file stands there now; doing it twice is doing it once."""

    def close(self) -> None:
        """Let go of the connection. Never raises."""


class Delivery(Protocol):
    """A mailbox we put files into: the payer's deposit, or an agency's return box."""

    def look(self, name: str, size: int, sha256: str) -> Receipt | None:
        """Is it already there, whole? None when nothing stands under that name; raises Conflict when other bytes do."""

    def send(self, name: str, source: BinaryIO, size: int, sha256: str, before_commit: Callable[[], None]) -> Receipt:
        """Put the file there whole or not at all: temporary name, size check, `before_commit()`, then a rename that
        never overwrites. What `before_commit` raises goes through after the temporary file is removed. Raises
        Unreachable (nothing visible happened), Conflict, Denied, or InDoubt (cut at or after the rename)."""

    def close(self) -> None:
        """Let go of the connection. Never raises."""


class Secret(Protocol):
    """A password whose slot is chosen by `credentials`, never by the adapter. Its repr shows nothing."""

    def get(self) -> str:
        """The password to try now. Spends one attempt of the budget; raises Denied when none may be made."""

    def propose(self) -> str:
        """A new password made by policy, durable as pending before this returns. Asked again in the same login,
        it gives the same one."""

    def confirm(self) -> None:
        """A login (or an accepted change) proved the password in use."""

    def refuse(self) -> None:
        """The server said no to the password given by `get` (not: the network failed). Raises Unreachable when
        another password is worth one try at the next login; let that go through in place of Denied."""

    def journal(self, raw: bytes) -> None:
        """Keep a server-made password's raw answer, sealed and durable, before anything parses it."""


class NewPassword(Secret, Protocol):
    """The Secret of a change that we begin. `get` gives the password in use, and has the intent durable before it
    returns; `confirm` says that the payer changed it, `refuse` that it changed nothing: which one counts is only proved
    by a login afterwards."""

    def keep(self, password: str) -> None:
        """A password the payer made, as read from what `journal` kept: durable as pending before this returns."""


class Door(Protocol):
    """Where a payer changes a password although nobody logs in: a connection of its own, for this alone."""

    def change(self, secret: NewPassword) -> None:
        """Have the password replaced. Raises Denied when the payer said no, Unreachable when nobody knows what it did,
        and what `secret` raises."""

    def read(self, raw: bytes) -> str:
        """The new password in an answer that was journalled. Raises Denied when there is none in it."""


class Maker(Protocol):
    """Where a payer makes a machine identifier with its password, for whoever gives the agency's own password."""

    def make(self, secret: Secret) -> tuple[str, str]:
        """The identifier and its password; the answer is journalled before it is read. Raises like `Door.change`."""

    def made(self, raw: bytes) -> tuple[str, str]:
        """The same, from an answer that was journalled. Raises Denied when there is none in it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel (gateway/channels) brings to whoever looks after the gateway. Said again it has the same id, the
    same moment and the same words. `thread`: what later ones about the same thing have in common."""

    id: str
    at: datetime  # aware UTC
    subject: str
    text: str
    data: Mapping[str, Any]
    thread: str | None = None
