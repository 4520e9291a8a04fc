"""Who may come in: accounts, and the SSH dialogue in which a temporary password is changed on first use."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery

from gateway.sandbox.changes import ASK_FOR_ANOTHER

KEYBOARD = "keyboard-interactive"
PASSWORD_PROMPT = "Password: "  # noqa: S105 - a prompt
MUST_CHANGE = "You must change your password"
LOCKED = "The account is locked due to too many failed logins."
_NEW_PROMPTS = (("New password: ", False), ("Retype new password: ", False))


class HangUp(Exception):
    """Raised by an Authenticator or a file hook: cut the line now, without a word."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a user finds behind the door. `root` is all they ever see."""

    root: Path
    must_change: bool = False  # the password was temporary, or is too old: nothing may happen before it is changed
    locked: bool = False  # too many failures: no password helps
    deposit: str | None = None  # the only folder where files may be made; None: the whole tree is the user's own


class Authenticator(Protocol):
    """The users of a server. Counting failures and locking after three is the authenticator's own business."""

    def login(self, user: str, password: str) -> Account | None:
        """The user's account when the password is right (or the account is locked), else None."""

    def key(self, user: str, line: str) -> Account | None:
        """The user's account when this public key (`type base64`) is theirs. Possession is proved afterwards."""

    def change(self, user: str, new: str) -> bool:
        """Replace a password that `login` just accepted; False when the new one is not good enough."""


class StaticUsers:
    """A fixed set of users: an agency's own file server, in the demo and in tests."""

    def __init__(self, users: Mapping[str, tuple[str, Path]], keys: Mapping[str, Sequence[str]] | None = None) -> None:
        self._users = dict(users)
        self._keys = {user: frozenset(lines) for user, lines in (keys or {}).items()}
        self._failures: dict[str, int] = {}

    def login(self, user: str, password: str) -> Account | None:
        expected, root = self._users.get(user, ("", None))
        if root is None:
            return None
        if self._failures.get(user, 0) >= 3:
            return Account(root, locked=True)
        if not hmac.compare_digest(password.encode(), expected.encode()):
            self._failures[user] = self._failures.get(user, 0) + 1
            return None
        self._failures.pop(user, None)
        return Account(root)

    def key(self, user: str, line: str) -> Account | None:
        return Account(self._users[user][1]) if line in self._keys.get(user, ()) and user in self._users else None

    def change(self, user: str, new: str) -> bool:  # noqa: ARG002 - these passwords are never temporary
        return False


class Session(paramiko.ServerInterface):
    """One connection's dialogue: password, key or keyboard-interactive; then the sftp subsystem and nothing else."""

    def __init__(self, users: Authenticator, transport: paramiko.Transport) -> None:
        self._users = users
        self.transport = transport
        self.user = ""
        self.account: Account | None = None
        self._candidate: Account | None = None  # right temporary password, new one not given yet
        self._told = False  # the account is locked, and the client was told so

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the same for everyone, known or not
        return f"{KEYBOARD},password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        account = self._login(username, password)
        if account is not None and account.must_change and not account.locked:
            return ASK_FOR_ANOTHER
        return self._admit(username, account)

    def change_password(self, username: str, old: bytes, new: bytes) -> int:
        """A request to change the password, asked for by us or not; see `changes.PasswordChanges`."""
        account = self._login(username, old.decode("utf-8", "replace"))
        if account is None or account.locked:
            return AUTH_FAILED
        changed = self._changed(username, new.decode("utf-8", "replace"))
        return self._admit(username, account) if changed else ASK_FOR_ANOTHER

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        account = self._users.key(username, f"{key.get_name()} {key.get_base64()}")
        if account is not None and account.must_change:
            return AUTH_FAILED
        return self._admit(username, account)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:  # noqa: ARG002
        self.user, self._candidate, self._told = username, None, False
        return InteractiveQuery("", "", (PASSWORD_PROMPT, False))

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        if self._told:
            return AUTH_FAILED
        if self._candidate is not None:
            return self._new_password(responses)
        if len(responses) != 1:
            return AUTH_FAILED
        account = self._login(self.user, responses[0])
        if account is not None and account.locked:
            self._told = True
            return InteractiveQuery("", LOCKED)
        if account is not None and account.must_change:
            self._candidate = account
            return InteractiveQuery("", MUST_CHANGE, *_NEW_PROMPTS)
        return self._admit(self.user, account)

    def _new_password(self, responses: list[str]) -> int:
        account, self._candidate = self._candidate, None
        if len(responses) != 2 or responses[0] != responses[1]:
            return AUTH_FAILED
        return self._admit(self.user, account if self._changed(self.user, responses[0]) else None)

    def _changed(self, user: str, new: str) -> bool:
        try:
            return self._users.change(user, new)
        except HangUp:
            self.transport.close()
            return False

    def _login(self, user: str, password: str | bytes) -> Account | None:
        if not isinstance(password, str):  # paramiko hands over what is not UTF-8 as it came
            return None
        try:
            return self._users.login(user, password)
        except HangUp:
            self.transport.close()
            return None

    def _admit(self, user: str, account: Account | None) -> int:
        if account is None or account.locked:
            return AUTH_FAILED
        self.user, self.account = user, account
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        if kind == "session" and self.account is not None:
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
