"""Who is told what, when and by which way: [mail], [alerts] and one [[alert]] for each recipient."""

from __future__ import annotations

import re
from datetime import time
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table

Severity = Literal["notice", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("notice", "warning", "critical")  # the least first
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", re.ASCII)
_SYSLOG = re.compile(r"(udp|tcp)://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?|/[^\0]+", re.ASCII)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _mailbox(text: str) -> str:
    if text and not _MAILBOX.fullmatch(text):
        raise PydanticCustomError("config.no_mailbox", "no mail address")
    return text


def _hours(text: str) -> str:
    if not (found := _HOURS.fullmatch(text)) or found[1] + found[2] == found[3] + found[4]:
        raise PydanticCustomError("config.no_hours", "no hours")
    return text


def _url(text: str) -> str:
    """https, or http to this machine; no login in it."""
    try:
        parts = urlsplit(text)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        usable = bool(parts.hostname) and parts.port != 0 and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        usable = plain = False
    if text and not (usable and (parts.scheme == "https" or plain) and "@" not in parts.netloc and not parts.fragment):
        raise PydanticCustomError("config.no_webhook", "no url")
    return text


def _syslog(text: str) -> str:
    if text and not _SYSLOG.fullmatch(text):
        raise PydanticCustomError("config.no_syslog", "no syslog")
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]
Url = Annotated[str, AfterValidator(_url)]
Hours = Annotated[str, AfterValidator(_hours)]
Syslog = Annotated[str, AfterValidator(_syslog)]


class MailConfig(Table):
    """[mail]: the server our mail leaves by. A password is only ever in a file, and said only over TLS."""

    host: str = ""
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    sender: Mailbox = ""

    @model_validator(mode="after")
    def _whole(self) -> MailConfig:
        if self.tls == "none" and self.host and not is_loopback(self.host):
            raise PydanticCustomError("config.mail_in_clear", "no TLS")
        if bool(self.user) != bool(self.password_file):
            raise PydanticCustomError("config.mail_login", "user or password_file is missing")
        if self.host and not self.sender:
            raise PydanticCustomError("config.mail_sender", "sender is missing")
        return self


class AlertsConfig(Table):
    """[alerts]: when something is worth an alert."""

    failing_after: Seconds = 900
    calm: Seconds = 300
    remind: Seconds = 86400


class RecipientConfig(Table):
    """[[alert]]: one person or one system that is told."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    kind: Literal["mail", "webhook"]
    to: Mailbox = ""
    url: Url = ""
    secret_file: str = ""
    ca_file: str = ""
    language: Literal["fr", "en"] = "fr"
    agencies: tuple[str, ...] = ()
    least: Severity = "notice"
    quiet: dict[Literal["notice", "warning"], Hours] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> RecipientConfig:
        needed = ("to",) if self.kind == "mail" else ("url", "secret_file")
        if missing := [key for key in needed if not getattr(self, key)]:
            raise PydanticCustomError("config.alert_incomplete", "incomplete", {"missing": ", ".join(missing)})
        return self

    def wants(self, severity: str) -> bool:
        """Whether it is told of what is that bad."""
        return severity in SEVERITIES[SEVERITIES.index(self.least) :]

    def rests(self, severity: str, at: time) -> bool:
        """Whether `at`, by the clock in Toronto, is in its quiet hours for that severity. Critical has none."""
        hours = next((said for named, said in self.quiet.items() if named == severity), None)
        if hours is None:
            return False
        begin, end = (time.fromisoformat(part) for part in hours.split("-"))
        return begin <= at < end if begin < end else at >= begin or at < end
