"""One SSH connection to a server whose host key is pinned, made at first use and renewed when it died."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import SFTPClient
from paramiko.sftp import SFTPError
from paramiko.ssh_exception import IncompatiblePeer, SSHException

from adapters.file_secret import FileSecret
from adapters.ssh_auth import Questions, Transport, log_in, log_in_by_key, questions
from gateway.errors import Denied, HostKeyChanged, NoAnswer, PasswordMustChange, Unreachable
from gateway.ports import Secret

# GCM first: half the time of the library's own first choice. Nothing with SHA-1, CBC or 64-bit blocks.
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
_RSA = ("rsa-sha2-512", "rsa-sha2-256")  # signatures of a host key that is pinned as ssh-rsa
_LOST = (SSHException, SFTPError, EOFError, OSError)

# The library logs every cut line as an error with its stack; whether anybody listens is the application's choice.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and whom to expect there. Times in seconds."""

    host: str
    port: int
    user: str
    host_keys: tuple[str, ...]
    connect_timeout: float
    banner_timeout: float
    auth_timeout: float
    answer_timeout: float
    keepalive: int
    key_file: Path | None
    known: Questions

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Server:
        """From an endpoint's settings."""
        keys = settings.get("host_key") or []
        wait = float(settings.get("connect_timeout", 15))
        return cls(
            host=settings["host"],
            port=int(settings.get("port", 22)),
            user=settings["user"],
            host_keys=(keys,) if isinstance(keys, str) else tuple(keys),
            connect_timeout=wait,
            banner_timeout=float(settings.get("banner_timeout", wait)),
            auth_timeout=float(settings.get("auth_timeout", 30)),
            answer_timeout=float(settings.get("answer_timeout", 60)),
            keepalive=int(settings.get("keepalive", 30)),
            key_file=Path(settings["key_file"]) if settings.get("key_file") else None,
            known=questions(settings.get("prompts")),
        )

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


Pins = frozenset[tuple[str, bytes]]


def _pins(server: Server) -> Pins:
    """The keys we accept. No pin, no connection."""
    pins = set()
    for line in server.host_keys:
        try:
            kind, data = line.split()[:2]
            pins.add((kind, base64.b64decode(data, validate=True)))
        except ValueError as error:
            raise HostKeyChanged(f"{server}: host_key cannot be read; expected 'ssh-ed25519 AAAA…'") from error
    if not pins:
        raise HostKeyChanged(f"{server}: no host key is pinned; set host_key to the key its owner published")
    return frozenset(pins)


class Connection:
    """At most one live connection. Never used by two threads at once."""

    def __init__(self, server: Server, secret: Secret | None) -> None:
        self.server = server
        self._secret = secret
        self._transport: Transport | None = None
        self._client: SFTPClient | None = None

    def client(self) -> SFTPClient:
        """The SFTP session, connecting and logging in when there is none. Raises Unreachable, Denied and its kinds."""
        if self._client is None or not self.alive():
            self.close()
            self._transport = connect(self.server)
            try:
                self._client = self._enter(self._transport)
            except BaseException:
                self.close()
                raise
        return self._client

    def alive(self) -> bool:
        """Is the line still up, as far as can be known without asking?"""
        channel = self._client.get_channel() if self._client else None
        return bool(
            self._transport
            and self._transport.is_active()
            and channel
            and not channel.closed
            and not channel.eof_received
        )

    def close(self) -> None:
        """Hang up. Never raises."""
        transport, self._transport, self._client = self._transport, None, None
        if transport is not None:
            with suppress(Exception):  # it is gone either way
                transport.close()

    def _enter(self, transport: Transport) -> SFTPClient:
        server = self.server
        transport.auth_timeout = server.auth_timeout
        if server.key_file is not None:
            log_in_by_key(transport, server.user, server.key_file)
            return _open_sftp(transport, server)
        if self._secret is None:
            raise Denied(f"{server}: neither a password nor a key is configured")
        proved = log_in(transport, server.user, self._secret, server.known)
        try:
            client = _open_sftp(transport, server)
        except Unreachable as error:
            if not proved and transport.is_active():
                # OpenSSH lets an expired password in, then ends the session since nobody can be asked for a new one.
                raise PasswordMustChange(f"{server} ended the session at once; the password is expired") from error
            raise
        if not proved:
            self._secret.confirm()
        return client


def connect(server: Server) -> Transport:
    """A line to the right server; we have not said who we are yet."""
    pins = _pins(server)
    try:
        line = socket.create_connection((server.host, server.port), timeout=server.connect_timeout)
    except OSError as error:
        raise NoAnswer(f"{server}: {error.strerror or error}") from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small requests would wait 40 ms for each other
    transport = Transport(line)
    try:
        _agree(transport, server, pins)
        _recognise(transport, server, pins)
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(server.keepalive)
    return transport


def _agree(transport: Transport, server: Server, pins: Pins) -> None:
    """Key exchange, in our order of preference; compression stays off, the library's default."""
    transport.banner_timeout = server.banner_timeout
    transport.handshake_timeout = server.banner_timeout
    options = transport.get_security_options()
    kinds = {kind for kind, _key in pins}
    try:
        options.key_types = tuple(name for kind in sorted(kinds) for name in (_RSA if kind == "ssh-rsa" else (kind,)))
        options.ciphers = _CIPHERS
        options.digests = tuple(name for name in options.digests if "sha2" in name)
        options.kex = tuple(name for name in options.kex if not name.endswith("sha1"))
    except ValueError as error:
        raise HostKeyChanged(f"{server}: the pinned key is of a kind we cannot check") from error
    try:
        transport.start_client(timeout=server.connect_timeout + server.banner_timeout)
    except IncompatiblePeer as error:
        kind = HostKeyChanged if "host key" in str(error) else Denied
        raise kind(f"{server} and we share no acceptable algorithm: {error}") from error
    except _LOST as error:
        raise NoAnswer(f"{server}: no SSH server answered as it should") from error


def _recognise(transport: Transport, server: Server, pins: Pins) -> None:
    try:
        key = transport.get_remote_server_key()
    except SSHException as error:
        raise NoAnswer(f"{server}: the key exchange took too long") from error
    if (key.get_name(), key.asbytes()) not in pins:
        raise HostKeyChanged(f"{server} shows another host key than the pinned one; nothing was sent")


def _open_sftp(transport: Transport, server: Server) -> SFTPClient:
    try:
        channel = transport.open_session(timeout=server.auth_timeout)
        channel.settimeout(server.answer_timeout)
        channel.invoke_subsystem("sftp")
        return SFTPClient(channel)
    except _LOST as error:
        raise Unreachable(f"{server} let us in but opened no SFTP session") from error


def secret_of(settings: Mapping[str, Any], secret: Secret | None) -> Secret | None:
    """The password's owner: `credentials` for a payer, a file for an agency's own server."""
    if secret is None and settings.get("password_file"):
        return FileSecret(Path(settings["password_file"]))
    return secret
