"""The server's half of changing a password by SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252 section 8): the library
answers every such request with no."""

from __future__ import annotations

from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_USERAUTH_INFO_REQUEST

ASK_FOR_ANOTHER = 60  # what a login says beside the library's results: the number of that message


class PasswordChanges(AuthHandler):
    """The session of the transport has a `change_password(user, old, new)` that gives a result like its
    `check_auth_password`; both may give ASK_FOR_ANOTHER."""

    _asked: tuple[bytes, bytes] | None = None  # the old and the new one of the request being answered

    def _parse_userauth_request(self, m: paramiko.Message) -> None:
        self._asked = _change_in(m)
        m.rewind()
        library: Any = super()
        library._parse_userauth_request(m)

    def _send_auth_result(self, username: str, method: str, result: int) -> None:
        asked, self._asked = self._asked, None
        session: Any = self.transport.server_object
        library: Any = super()
        if asked is not None:
            result = session.change_password(username, *asked)
        if result == ASK_FOR_ANOTHER:
            self._ask()
        else:
            library._send_auth_result(username, method, result)

    def _ask(self) -> None:
        ask = paramiko.Message()
        ask.add_byte(cMSG_USERAUTH_INFO_REQUEST)
        ask.add_string("Your password must be changed")
        ask.add_string("")  # the prompt's language
        wire: Any = self.transport
        wire._send_message(ask)


def _change_in(m: paramiko.Message) -> tuple[bytes, bytes] | None:
    m.get_string()  # the user; the library looks at it
    _service, method = m.get_string(), m.get_string()
    if method != b"password" or not m.get_boolean():
        return None
    return m.get_string(), m.get_string()
