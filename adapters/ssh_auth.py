"""Proving who we are to an SSH server: the password dialogue with its forced change, a plain password, or a key.

Three rules decide everything here. A prompt we do not understand is never answered. Only a refusal that the server
spoke is evidence against a password: silence, a cut line or a locked account never is. And after one refusal we stop:
how many attempts may be made is decided by `credentials`, not by a dialogue.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_USERAUTH_INFO_REQUEST, cMSG_USERAUTH_REQUEST
from paramiko.ssh_exception import BadAuthenticationType, SSHException

from gateway.errors import Denied, PasswordLocked, PasswordMustChange, TransportError, Unreachable
from gateway.ports import Secret

# In this order: "Retype new password" is also about a new one, "Current password" also about a password. A question
# ("Choose a new password now?") wants yes or no, never a new password.
_QUESTIONS = {
    "retype": r"^[^?]*(\bre-?(type|enter)|again|confirm|verify|repeat|retape|ressaisi|répét|de nouveau)[^?]*$",
    "new": r"^[^?]*(\bnew\b.*password|nouveau mot de passe)[^?]*$",
    "current": r"current|\bold\b|actuel|ancien",
    "password": r"^(?!.*(one[- ]?time|otp|token|code|usage unique|\bnew\b|nouveau)).*(password|mot de passe)",
}
LOCKED = re.compile(r"\blocked\b|too many|verrouillé|bloqué|trop de tentatives|trop d['’]essais", re.IGNORECASE)
_LONGEST_DIALOGUE = 12  # rounds; a real one has at most four
_LOST = (SSHException, EOFError, OSError)

Questions = Sequence[tuple[str, re.Pattern[str]]]


def questions(extra: Mapping[str, Sequence[str]] | None = None) -> Questions:
    """The kinds of prompt we answer. `extra` adds patterns of one server: kind → regular expressions."""
    extra = extra or {}
    texts = [(kind, text) for kind in _QUESTIONS for text in extra.get(kind, ())] + list(_QUESTIONS.items())
    return [(kind, re.compile(text, re.IGNORECASE | re.DOTALL)) for kind, text in texts]


class Transport(paramiko.Transport):
    """Keeps the sentence with which a server hangs up: the library only logs it."""

    farewell = ""

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self.farewell = message.get_binary().decode("utf-8", "replace")

    def auth_plainly(self, user: str, password: str, new_password: Callable[[], str]) -> None:
        """Like the library's `auth_password`, but able to give a new one. Raises as that does."""
        done = threading.Event()
        self.auth_handler = handler = _PlainPassword(self, new_password)
        handler.auth_password(user, password, done)
        handler.wait_for_response(done)


class _PlainPassword(AuthHandler):
    """Understands SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252 section 8), which the library does not. The message
    has the number of a keyboard-interactive prompt; only the method under way tells them apart."""

    def __init__(self, transport: paramiko.Transport, new_password: Callable[[], str]) -> None:
        super().__init__(transport)
        self._new_password = new_password

    @property
    def _client_handler_table(self) -> dict[int, Callable[[paramiko.Message], None]]:
        library: Any = super()
        return {**library._client_handler_table, MSG_USERAUTH_INFO_REQUEST: self._change}

    def _change(self, _request: paramiko.Message) -> None:
        answer = paramiko.Message()
        answer.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (self.username, "ssh-connection", "password"):
            answer.add_string(text or "")
        answer.add_boolean(True)
        answer.add_string(self.password or "")
        answer.add_string(self._new_password())
        wire: Any = self.transport
        wire._send_message(answer)


class Dialogue:
    """Answers one keyboard-interactive login from a Secret. Runs in the library's thread, so it keeps what it met."""

    def __init__(self, secret: Secret, known: Questions) -> None:
        self._secret = secret
        self._known = known
        self._rounds = 0
        self._asked: list[str] = []  # kinds of prompt, as they came
        self._password: str | None = None
        self.heard = ""
        self.failure: Exception | None = None

    @property
    def gave_password(self) -> bool:
        """Has the server our password?"""
        return self._password is not None

    @property
    def proposed(self) -> bool:
        """Did the server ask for a new password, that is, accept the one we have?"""
        return "new" in self._asked

    def answer(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        """The answers to one round of prompts. Ends the connection rather than answer what it does not know."""
        self.heard += f"\n{title}\n{instructions}\n" + "\n".join(prompt for prompt, _echo in prompts)
        try:
            self._rounds += 1
            if self._rounds > _LONGEST_DIALOGUE or len(prompts) > _LONGEST_DIALOGUE:
                raise Denied("the server's login dialogue does not end")
            return [self._reply(prompt) for prompt, _echo in prompts]
        except Exception as failure:
            self.failure = failure
            raise EOFError from failure  # the one exception that ends the library's thread without a word

    def _reply(self, prompt: str) -> str:
        kind = next((kind for kind, pattern in self._known if pattern.search(prompt.strip())), None)
        before, self._asked = self._asked, [*self._asked, kind or "?"]
        if (kind == "new" and "new" not in before) or (kind == "retype" and "new" in before):
            return self._secret.propose()
        if kind == "new":
            raise Denied("the server did not take the new password; its rules differ from our policy")
        if kind == "password" and "password" in before:
            self._secret.refuse()  # asked again for the same thing: that was a no
            raise Denied("the server refused the password")
        if kind in ("password", "current"):
            return self.password()
        raise Denied("the server asks something that is not a password; it got no answer")

    def new_password(self) -> str:
        """The answer to a request for a new password outside the keyboard-interactive dialogue."""
        return self.answer("", "", [("New password", False)])[0]

    def password(self) -> str:
        """The password of this login: taken from the Secret once, since each taking spends an attempt."""
        if self._password is None:
            self._password = self._secret.get()
        return self._password


def log_in(transport: Transport, user: str, secret: Secret, known: Questions) -> bool:
    """Log in by keyboard-interactive, else by plain password. False when only an unchanged plain password spoke for
    us: a server may still hang up on an expired one, so the caller confirms it. Raises Denied, Unreachable."""
    dialogue = Dialogue(secret, known)
    offered: list[str] = ["password"]
    try:
        transport.auth_interactive(user, dialogue.answer)
    except _LOST as error:
        if dialogue.failure is not None:
            raise dialogue.failure from None
        if dialogue.gave_password or dialogue.proposed or not said_no(transport):
            raise _verdict(transport, dialogue, secret) from error
        offered = error.allowed_types if isinstance(error, BadAuthenticationType) else offered
    else:
        return _entered(transport, secret)
    if "password" not in offered:
        raise Denied("the server lets nobody in by password")
    _plain(transport, user, dialogue, secret)
    return _entered(transport, secret) if dialogue.proposed else False


def _entered(transport: Transport, secret: Secret) -> bool:
    _require_whole(transport)
    secret.confirm()
    return True


def _plain(transport: Transport, user: str, dialogue: Dialogue, secret: Secret) -> None:
    try:
        transport.auth_plainly(user, dialogue.password(), dialogue.new_password)
    except BadAuthenticationType as error:
        raise Denied("the server lets nobody in by password") from error
    except _LOST as error:
        if dialogue.failure is not None:
            raise dialogue.failure from None
        hung_up = not (isinstance(error, OSError) or transport.is_active() or said_no(transport))
        if hung_up and not dialogue.proposed and not LOCKED.search(transport.farewell):
            # Servers that cannot ask for a new password here just leave.
            raise PasswordMustChange("the server hung up on the password; it is probably expired") from error
        raise _verdict(transport, dialogue, secret) from error
    _require_whole(transport)


def log_in_by_key(transport: Transport, user: str, key_file: Path) -> None:
    """Log in with a private key. Raises Denied or Unreachable."""
    try:
        key = paramiko.PKey.from_path(key_file)
    except (OSError, SSHException, ValueError, TypeError) as error:
        raise Denied(f"the key file {key_file} cannot be used: {error}") from error
    try:
        transport.auth_publickey(user, key)
    except _LOST as error:
        if said_no(transport):
            raise Denied(f"the server refused the key of {key_file}") from error
        raise Unreachable("the line was cut during the login") from error
    _require_whole(transport)


def said_no(transport: Transport) -> bool:
    """Did a refusal arrive, rather than silence? The library forgets the user's name exactly then."""
    handler = transport.auth_handler
    return handler is not None and handler.username is None


def _require_whole(transport: Transport) -> None:
    if not transport.is_authenticated():
        raise Denied("the server wants a second proof of who we are; we have one")


def _verdict(transport: Transport, dialogue: Dialogue, secret: Secret) -> TransportError:
    """What a failed login means; tells the Secret only when the password itself was refused."""
    if LOCKED.search(dialogue.heard + "\n" + transport.farewell):
        return PasswordLocked("the account is locked at the server; nothing more was tried")
    if not said_no(transport):
        return Unreachable("the line was cut during the login; this says nothing about the password")
    if dialogue.proposed:
        return Denied("the server did not take the new password")
    secret.refuse()
    return Denied("the server refused the password")
