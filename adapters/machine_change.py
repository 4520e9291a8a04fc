"""Passwords the payer makes: asked for over HTTP, journalled as they came, only then read.

What the answer looks like on the real wire is not public; names of fields are those that are known (DOMAIN section 3).
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlencode, urlsplit

from gateway import xmlsafe
from gateway.errors import Denied, PasswordLocked, Unreachable
from gateway.ports import NewPassword, Secret

_LONGEST = 65_536  # bytes of an answer
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOCKED = "2"


class MachineDoor:
    """One number's door. Redirections are not followed; beyond loopback the line is TLS with a checked certificate."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._url = urlsplit(str(settings["change_url"]))
        self._number, self._machine = str(settings["number"]), str(settings["machine"])
        self._user, self._ca = str(settings["change_user"]), str(settings["change_ca"]) or None
        self._timeout = float(settings.get("answer_timeout", 60))

    def make(self, secret: Secret) -> tuple[str, str]:
        """A new machine identifier and its password, made with the agency's own. Raises like `ports.Door.change`."""
        with closing(self._connect()) as line:
            form = {"NoIntervenant": self._number, "IdUtilisateur": self._user, "MotDePasse": secret.get()}
            raw = self._ask(line, "/generer", form)
        secret.journal(raw)
        made = self._taken(raw, secret)
        secret.confirm()
        return made

    def change(self, secret: NewPassword) -> None:
        """See `ports.Door`. The line stands before the password is asked for."""
        with closing(self._connect()) as line:
            form = {"NoIntervenant": self._number, "IdMachine": self._machine, "MotDePasse": secret.get()}
            raw = self._ask(line, "/changer", form)
        secret.journal(raw)
        secret.keep(self._taken(raw, secret)[1])

    def made(self, raw: bytes) -> tuple[str, str]:
        """See `ports.Maker`."""
        return made_in(raw)

    def read(self, raw: bytes) -> str:
        """See `ports.Door`."""
        return made_in(raw)[1]

    def _taken(self, raw: bytes, secret: Secret) -> tuple[str, str]:
        try:
            return made_in(raw)
        except PasswordLocked:
            raise
        except Denied:
            secret.refuse()
            raise

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca)
            line: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout, context=context
            )
        elif host in _LOOPBACK:
            line = http.client.HTTPConnection(host, port, timeout=self._timeout)
        else:
            raise Denied(f"{host} is not asked for a password without TLS; change_url must begin with https")
        try:
            line.connect()
        except OSError as error:
            raise Unreachable(f"{host}: {error.strerror or error}") from error
        return line

    def _ask(self, line: http.client.HTTPConnection, path: str, form: Mapping[str, str]) -> bytes:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        try:
            line.request("POST", self._url.path.rstrip("/") + path, urlencode(form), headers)
            answer = line.getresponse()
            raw = answer.read(_LONGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable("the line was cut; whether the password changed is not known") from error
        if answer.status != http.HTTPStatus.OK or len(raw) > _LONGEST:
            raise Unreachable(f"the answer is no answer (HTTP {answer.status}); whether it changed is not known")
        # Bytes that were promised and never came, or a line cut within the head: the library says nothing of either.
        if answer.length or not raw:
            raise Unreachable("the answer was cut; whether the password changed is not known")
        return raw


def made_in(raw: bytes) -> tuple[str, str]:
    """The machine identifier and its password in an answer. Raises Denied when the payer gave none, PasswordLocked."""
    try:
        root = xmlsafe.parse(raw)
    except (SyntaxError, ValueError) as error:
        raise Unreachable("the answer cannot be read; it is kept") from error
    said = {str(child.tag): child.text or "" for child in root}
    if said.get("CodeErreur") == _LOCKED:
        raise PasswordLocked("the payer says that the identifier is locked")
    if said.get("CodeErreur") != "0" or not said.get("MotDePasseMachine"):
        raise Denied("the payer made no password")
    return said.get("IdMachine", ""), said["MotDePasseMachine"]


def open_door(settings: Mapping[str, Any]) -> MachineDoor:
    """From an endpoint's settings."""
    return MachineDoor(settings)
