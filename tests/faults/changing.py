"""A payer that asks for a new password by SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, which the library's server cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, cMSG_USERAUTH_INFO_REQUEST

from gateway.sandbox import sftp_server
from gateway.sandbox.logins import HangUp, Session


class Asking(AuthHandler):
    """RFC 4252 section 8, the server's half: the only way in is a plain password, and an expired one changes there."""

    def _parse_userauth_request(self, m: paramiko.Message) -> None:
        user, _service, method = m.get_text(), m.get_text(), m.get_text()
        if method != "password":
            self._send_auth_result(user, method, AUTH_FAILED)
            return
        changes, password = m.get_boolean(), m.get_text()
        try:
            self._answer(user, password, m.get_text() if changes else None)
        except HangUp:
            self.transport.close()

    def _answer(self, user: str, password: str, new: str | None) -> None:
        session: Any = self.transport.server_object
        account = session._users.login(user, password)
        wants = account is not None and not account.locked and account.must_change
        if wants and new is None:
            ask = paramiko.Message()
            ask.add_byte(cMSG_USERAUTH_INFO_REQUEST)  # the same number
            ask.add_string("Your password has expired")
            ask.add_string("")
            self.transport._send_message(ask)
            return
        good = account is not None and not account.locked and (new is None or session._users.change(user, new))
        if good:
            session.user, session.account = user, account
        self._send_auth_result(user, "password", AUTH_SUCCESSFUL if good else AUTH_FAILED)


class _Session(Session):
    def __init__(self, users: Any, transport: paramiko.Transport) -> None:
        super().__init__(users, transport)
        transport.auth_handler = Asking(transport)


@contextmanager
def asks_by_request() -> Iterator[None]:
    """Payers opened meanwhile ask so."""
    sftp_server.Session = _Session
    try:
        yield
    finally:
        sftp_server.Session = Session
