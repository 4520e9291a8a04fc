"""A real SFTP server on loopback: one folder per user, no shell, no forwarding, no way out of the folder."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.clock import Clock, SystemClock
from gateway.platform import write_private
from gateway.sandbox.changes import PasswordChanges
from gateway.sandbox.files import Files, OnFile, is_temporary
from gateway.sandbox.logins import Account, Authenticator, HangUp, Session, StaticUsers

__all__ = ["Account", "Authenticator", "HangUp", "SftpServer", "StaticUsers", "host_key_in", "is_temporary"]

_LOG = "gateway.sandbox.ssh"
_TICK = 0.1  # seconds between two looks at the stop flag
_LOGIN_WITHIN = 30.0  # seconds a connection may stay without having logged in
_CONNECTIONS = 200  # at once; more are turned away so that those inside keep working
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes128-ctr")
_DIGESTS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_KEX = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512")


def host_key_in(file: Path) -> paramiko.PKey:
    """The server's ed25519 key kept in `file`, made on first use. The client pins it, so it outlives restarts."""
    if not file.exists():
        with suppress(FileExistsError):  # another process was quicker: its key stands
            write_private(file, _new_key())
    return paramiko.Ed25519Key(filename=str(file))


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


class SftpServer:
    """Serves `users` until stopped. `on_file(user, path)` is called, before the client gets its answer, whenever a
    file got its final name: by a rename, or by closing what was written under it."""

    def __init__(
        self,
        users: Authenticator,
        host_key: paramiko.PKey | None = None,
        host: str = "127.0.0.1",
        on_file: OnFile | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._users, self._host, self._on_file = users, host, on_file
        self._key = host_key or paramiko.Ed25519Key(file_obj=io.StringIO(_new_key().decode()))
        self._clock = clock or SystemClock()
        self._stopping = threading.Event()
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._open: list[tuple[paramiko.Transport, Session, float]] = []
        self._working: set[threading.Thread] = set()  # one thread per open sftp subsystem
        # paramiko calls every client that hangs up an error, with a traceback; for a server that is an ordinary day
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)

    @property
    def host_key_line(self) -> str:
        """The public host key as a configuration pins it: `ssh-ed25519 AAAA…`."""
        return f"{self._key.get_name()} {self._key.get_base64()}"

    def start(self, port: int = 0) -> int:
        """Listen; 0 takes a free port. Returns the port. Raises OSError when it is taken."""
        self._stopping.clear()
        self._listener = socket.create_server((self._host, port))
        self._listener.settimeout(_TICK)
        self._acceptor = threading.Thread(target=self._accept, name="sftp-accept", daemon=True)
        self._acceptor.start()
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """Close every door and wait until the last thread is gone. Twice is once."""
        self._stopping.set()
        if self._acceptor is not None and self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # where the system can, whoever waits there is woken
            self._acceptor.join()
            self._listener.close()
        for transport, _, _ in self._open:
            transport.close()
        for transport, _, _ in self._open:
            transport.join()
        self._open.clear()
        for thread in tuple(self._working):
            thread.join()

    def _accept(self) -> None:
        assert self._listener is not None  # start made it
        while not self._stopping.is_set():
            self._sweep()
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if self._stopping.is_set() or isinstance(error, TimeoutError):
                    continue
                raise
            self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        if len(self._open) >= _CONNECTIONS:
            client.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a small answer must not wait for a larger one
        transport = paramiko.Transport(client)
        transport.set_log_channel(_LOG)
        _strong_only(transport.get_security_options())
        transport.add_server_key(self._key)
        session = Session(self._users, transport)
        transport.auth_handler = PasswordChanges(transport)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files, self._on_file, self._note)
        transport.start_server(threading.Event(), session)  # an event: do not wait for this client's handshake
        self._open.append((transport, session, self._clock.monotonic()))

    def _sweep(self) -> None:
        """Forget connections that ended; end those that came and never logged in."""
        limit = self._clock.monotonic() - _LOGIN_WITHIN
        for transport, session, since in self._open:
            if session.account is None and since < limit:
                transport.close()
        self._open = [one for one in self._open if one[0].is_alive()]

    def _note(self, started: bool) -> None:
        """Called in a subsystem's own thread when it starts and ends."""
        (self._working.add if started else self._working.discard)(threading.current_thread())


def _strong_only(options: paramiko.transport.SecurityOptions) -> None:
    options.ciphers = _known(_CIPHERS, options.ciphers)
    options.digests = _known(_DIGESTS, options.digests)
    options.kex = _known(_KEX, options.kex)


def _known(wanted: Sequence[str], offered: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in offered)
