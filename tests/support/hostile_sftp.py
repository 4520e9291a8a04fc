"""An SFTP server that lies: it lists what a test tells it to, and serves other bytes than it announced."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED, cMSG_USERAUTH_INFO_REQUEST
from support.mailboxes import Notebook, host_key

from adapters.sftp import open_mailbox

Reach = Callable[..., Any]


def entry(name: str, size: int | None = 6, mode: int | None = stat.S_IFREG | 0o600, mtime: int = 1) -> Any:
    """One entry of a listing."""
    attributes = paramiko.SFTPAttributes()
    attributes.filename = name
    attributes.st_size, attributes.st_mode, attributes.st_mtime, attributes.st_atime = size, mode, mtime, mtime
    return attributes


class Lies:
    """What the server says. `passwords` counts how often somebody gave it one."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.content = b"<lot/>"  # what a read gives, whatever was announced
        self.endless = False
        self.reading: Callable[[int, int], bytes | int] | None = None  # (offset, length) → bytes, or an error's number
        self.fails_to_close = False
        self.passwords: list[str] = []
        self.hangs_up = False  # on a plain password, without a word
        self.refuses = False  # with a word, then hangs up
        self.only_keys = False
        self.wants_new = 0  # how often it asks for a new password before it is content; RFC 4252 section 8
        self.cuts_change = False  # hangs up on the new password
        self.new_passwords: list[str] = []


class _Session(paramiko.ServerInterface):
    def __init__(self, lies: Lies, transport: paramiko.Transport) -> None:
        self.lies, self._transport = lies, transport

    def get_allowed_auths(self, username: str) -> str:
        return "publickey" if self.lies.only_keys else "password"

    def check_auth_password(self, username: str, password: str) -> int:
        self.lies.passwords.append(password)
        if self.lies.hangs_up:
            self._transport.close()
            return AUTH_FAILED
        return AUTH_FAILED if self.lies.refuses else AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _Changing(AuthHandler):
    """The server's half of SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, which the library lacks on both sides."""

    def _parse_userauth_request(self, m: paramiko.Message) -> None:
        lies: Lies = self.transport.server_object.lies
        _user, _service, method = m.get_text(), m.get_text(), m.get_text()
        if method != "password" or not (lies.wants_new or lies.new_passwords):
            m.rewind()
            super()._parse_userauth_request(m)
            return
        changes, _old = m.get_boolean(), m.get_text()
        if changes:
            lies.new_passwords.append(m.get_text())
        if changes and lies.cuts_change:
            self.transport.close()
        elif len(lies.new_passwords) < lies.wants_new:
            ask = paramiko.Message()
            ask.add_byte(cMSG_USERAUTH_INFO_REQUEST)
            ask.add_string("Your password has expired")
            ask.add_string("")
            self.transport._send_message(ask)
        else:
            self._send_auth_result("18001", "password", AUTH_SUCCESSFUL)


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: _Session) -> None:
        super().__init__(server)
        self._lies = server.lies

    def list_folder(self, path: str) -> list[Any]:
        return self._lies.entries

    def lstat(self, path: str) -> Any:
        name = path.rpartition("/")[2]
        found = [each for each in self._lies.entries if each.filename == name]
        return found[0] if found else paramiko.sftp.SFTP_NO_SUCH_FILE

    def open(self, path: str, flags: int, attr: Any) -> Any:
        return _Handle(self._lies)


class _Handle(paramiko.SFTPHandle):
    def __init__(self, lies: Lies) -> None:
        super().__init__()
        self._lies = lies

    def read(self, offset: int, length: int) -> bytes | int:
        if self._lies.reading is not None:
            return self._lies.reading(offset, length)
        if self._lies.endless:
            return b"x" * length
        return self._lies.content[offset : offset + length]

    def close(self) -> None:
        if self._lies.fails_to_close:
            raise EOFError  # the session ends


class Endless(list[Any]):
    """A listing that never ends. The library takes sixteen entries at a time off its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def __getitem__(self, part: Any) -> Any:
        if part.stop is None:
            return self
        self.given += part.stop
        return [entry(f"{self.given - n}.xml") for n in range(part.stop)]


@contextmanager
def lying(lies: Lies) -> Iterator[dict[str, Any]]:
    """A running server; gives the settings that reach it."""
    key = host_key()
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(0.05)
    stop, open_lines = threading.Event(), list[paramiko.Transport]()

    def accept() -> None:
        while not stop.is_set():
            try:
                line, _ = door.accept()
            except TimeoutError:
                continue
            transport = paramiko.Transport(line)
            transport.add_server_key(key)
            transport.auth_handler = _Changing(transport)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            transport.start_server(threading.Event(), _Session(lies, transport))
            open_lines.append(transport)

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    line = f"{key.get_name()} {key.get_base64()}"
    try:
        yield {"host": "127.0.0.1", "port": door.getsockname()[1], "user": "18001", "host_key": line, "path": "retour"}
    finally:
        stop.set()
        acceptor.join()
        door.close()
        for transport in open_lines:
            transport.close()
            transport.join(5)


@contextmanager
def reaching(lies: Lies) -> Iterator[Reach]:
    """A function that opens mailboxes on a lying server; all are closed in the end."""
    with lying(lies) as settings:
        opened: list[Any] = []

        def open_one(secret: Notebook | None = None, **more: Any) -> Any:
            opened.append(open_mailbox({**settings, **more}, secret or Notebook("le-bon-1")))
            return opened[-1]

        yield open_one
        for mailbox in opened:
            mailbox.close()
