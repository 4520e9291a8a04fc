"""A password changed over SSH although the server did not ask: the request of RFC 4252 section 8, sent first.

A server says yes, no (as OpenSSH always does), or that it does not like the new one. Neither is believed: a server may
read such a request as a login and forget the new password. Whoever asked proves by a login which password counts.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_SERVICE_ACCEPT, MSG_USERAUTH_INFO_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.ssh_exception import SSHException

from adapters.ssh import Server, connect
from adapters.ssh_auth import LOCKED, Transport, said_no
from gateway.errors import Denied, PasswordLocked, Unreachable
from gateway.ports import NewPassword


class SshDoor:
    """One server; a connection for each change."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def change(self, secret: NewPassword) -> None:
        """See `ports.Door`. The line stands before the password is asked for: no attempt is spent on a dead one."""
        with closing(connect(self._server)) as transport:
            transport.auth_timeout = self._server.auth_timeout
            old, new = secret.get(), secret.propose()
            transport.auth_handler = request = _Request(transport, old, new)
            done = threading.Event()
            try:
                request.auth_password(self._server.user, old, done)
                request.wait_for_response(done)
            except (SSHException, EOFError, OSError) as error:
                raise _verdict(transport, request, secret) from error
            if not transport.is_authenticated():
                raise Unreachable(f"{self._server} wants more than a password; whether it changed is not known")
            secret.confirm()

    def read(self, raw: bytes) -> str:  # noqa: ARG002 - nothing is ever journalled here
        """Raises Denied: over SSH the new password is ours."""
        raise Denied("a password is not made by the server here")


def _verdict(transport: Transport, request: _Request, secret: NewPassword) -> Denied | Unreachable:
    if LOCKED.search(transport.farewell):
        return PasswordLocked("the account is locked at the server; whether the password changed is not known")
    if request.disliked or said_no(transport):
        secret.refuse()
        return Denied("the server did not change the password")
    return Unreachable("the line was cut during the change; a login tells which password counts")


class _Request(AuthHandler):
    """Asks for the change instead of a login."""

    def __init__(self, transport: paramiko.Transport, old: str, new: str) -> None:
        super().__init__(transport)
        self._old, self._new = old, new
        self.disliked = False

    @property
    def _client_handler_table(self) -> dict[int, Any]:
        library: Any = super()
        own = {MSG_SERVICE_ACCEPT: self._ask, MSG_USERAUTH_INFO_REQUEST: self._dislike}
        return {**library._client_handler_table, **own}

    def _ask(self, _accepted: paramiko.Message) -> None:
        request = paramiko.Message()
        request.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (self.username or "", "ssh-connection", "password"):
            request.add_string(text)
        request.add_boolean(True)
        request.add_string(self._old)
        request.add_string(self._new)
        wire: Any = self.transport
        wire._send_message(request)

    def _dislike(self, _asked: paramiko.Message) -> None:
        """SSH_MSG_USERAUTH_PASSWD_CHANGEREQ: nothing was changed, since the new one is not good enough."""
        self.disliked = True
        raise EOFError  # the one exception that ends the library's thread without a word


def open_door(settings: Mapping[str, Any]) -> SshDoor:
    """From an endpoint's settings."""
    return SshDoor(Server.of(settings))
