"""What the mailbox tests stand on: places seen from the other side, a Secret that remembers, small helpers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters import opener
from adapters.memory import box
from adapters.sftp import open_mailbox
from gateway.errors import Denied, Gone, TransportError
from gateway.ports import Receipt, WaitingFile
from gateway.sandbox.sftp_server import Account, SftpServer


class Place(Protocol):
    """One mailbox as the other side sees it."""

    def open(self, **settings: Any) -> Any:
        """Our side of it: a Pickup and a Delivery."""

    def put(self, name: str, data: bytes) -> None:
        """The other side lays a file there, over another one if need be."""

    def files(self) -> dict[str, bytes]:
        """Everything that lies there, hidden or not."""

    def taken(self) -> dict[str, bytes]:
        """What lies in recus/."""


class InFolder:
    """A place backed by a real folder, whichever way we reach it."""

    def __init__(self, folder: Path, kind: str, settings: Mapping[str, Any], secret: Any = None) -> None:
        self.folder, self._kind, self._settings, self._secret = folder, kind, settings, secret

    def open(self, **settings: Any) -> Any:
        return opener(self._kind)({**self._settings, **settings}, self._secret)

    def put(self, name: str, data: bytes) -> None:
        unfinished = self.folder.parent / f"{name}.unfinished"
        unfinished.write_bytes(data)
        unfinished.replace(self.folder / name)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}

    def taken(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "recus").iterdir()}


class InMemory:
    """A place backed by a box of the memory adapter."""

    def __init__(self, name: str) -> None:
        self.box = box(name)
        self._settings = {"box": name}

    def open(self, **settings: Any) -> Any:
        return opener("memory")({**self._settings, **settings}, None)

    def put(self, name: str, data: bytes) -> None:
        self.box.put(name, data)

    def files(self) -> dict[str, bytes]:
        return {name: kept.data for name, kept in self.box.files.items()}

    def taken(self) -> dict[str, bytes]:
        return self.box.taken


class Notebook:
    """A Secret that writes down what is asked of it. `budget` is the number of passwords it gives."""

    def __init__(self, password: str, new: str = "Nouveau-9x!kqz", budget: int = 9) -> None:
        self.password, self.new, self.budget = password, new, budget
        self.calls: list[str] = []

    def get(self) -> str:
        self.calls.append("get")
        if self.calls.count("get") > self.budget:
            raise Denied("no attempt left this hour")
        return self.password

    def propose(self) -> str:
        self.calls.append("propose")
        return self.new

    def confirm(self) -> None:
        self.calls.append("confirm")

    def refuse(self) -> None:
        self.calls.append("refuse")

    def journal(self, raw: bytes) -> None:
        self.calls.append("journal")

    def keep(self, password: str) -> None:
        self.calls.append("keep")
        self.new = password


class OneUser:
    """The users of a server that has one: 18001."""

    def __init__(self, root: Path, password: str = "le-bon-1", *, must_change: bool = False) -> None:
        self.root, self.password, self.must_change, self.locked = root, password, must_change, False
        self.tried: list[str] = []
        self.takes = True  # whether a new password is good enough

    def login(self, user: str, password: str) -> Account | None:
        self.tried.append(password)
        if user == "18001" and password == self.password:
            return Account(self.root, must_change=self.must_change, locked=self.locked)
        return None

    def key(self, user: str, line: str) -> Account | None:
        return None

    def change(self, user: str, new: str) -> bool:
        if self.takes:
            self.password, self.must_change = new, False
        return self.takes


@contextmanager
def serving(users: Any, on_file: Callable[[str, Path], None] | None = None) -> Iterator[dict[str, Any]]:
    """A running in-process server; gives the settings that reach it."""
    server = SftpServer(users, on_file=on_file)
    port = server.start()
    try:
        yield {"host": "127.0.0.1", "port": port, "user": "18001", "host_key": server.host_key_line, "path": "."}
    finally:
        server.stop()


def host_key() -> paramiko.PKey:
    """A new ed25519 key."""
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return paramiko.Ed25519Key(file_obj=io.StringIO(private.decode()))


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send(mailbox: Any, name: str, data: bytes, before_commit: Callable[[], None] = lambda: None) -> Receipt:
    receipt: Receipt = mailbox.send(name, io.BytesIO(data), len(data), sha256_of(data), before_commit)
    return receipt


def look(mailbox: Any, name: str, data: bytes) -> Receipt | None:
    receipt: Receipt | None = mailbox.look(name, len(data), sha256_of(data))
    return receipt


def read(mailbox: Any, file: WaitingFile) -> bytes:
    sink = io.BytesIO()
    mailbox.read(file, sink)
    return sink.getvalue()


def assert_told(mailbox: Any, expected: Mapping[str, str | None]) -> None:
    """What is listed, and why some of it is refused; what is refused can be neither read nor removed."""
    files = mailbox.waiting()
    assert {file.name: file.refused for file in files} == expected
    for file in files:
        if file.refused is not None:
            for verb in (mailbox.remove, lambda file: read(mailbox, file)):
                with pytest.raises(Gone):
                    verb(file)


def refusal(settings: dict[str, Any], secret: Notebook) -> TransportError:
    """How a first look at a mailbox fails."""
    with closing(open_mailbox(settings, secret)) as mailbox, pytest.raises(TransportError) as caught:
        mailbox.waiting()
    return caught.value
