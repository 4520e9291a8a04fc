"""[[payer]]: one payer's mailboxes, and the facts about it that decide what we may do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.password import PasswordConfig
from gateway.config.strict import Seconds, Table

OnRepeat = Literal["first_answer", "refuses", "processes_again", "unknown"]
_USER = "{transmission_number}"
_MACHINE = "{machine}"  # the identifier of a machine that the payer made for the number


class PayerConfig(Table):
    """[[payer]]: one payer's mailboxes, and the facts about it that decide what we may do. Durations in seconds."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")  # no colon: endpoints are called payer:number
    formats: tuple[str, ...] = Field(min_length=1)
    environment: Literal["test", "production"]
    kind: str = "sftp"
    host: str = ""
    port: int = Field(22, ge=1, le=65535)
    user: str = _USER
    host_key: str = ""
    deposit: str = "depot"
    returns: str = "retour"
    on_repeat: OnRepeat | dict[str, OnRepeat] = "unknown"
    deposits: Literal["keeps", "swallows", "unknown"] = "unknown"
    statements: str = "etat-compte"
    poll: Seconds = 60
    returns_finished: Literal["settle", "rename"] = "settle"
    settle_seconds: Seconds = 5
    reply_within: Seconds = 86400
    options: dict[str, Any] = Field(default_factory=dict)
    password: PasswordConfig = PasswordConfig()

    @model_validator(mode="after")
    def _whole(self) -> PayerConfig:
        if self.kind == "sftp" and not self.host:
            raise PydanticCustomError("config.host_missing", "host is missing")
        left = self.user.replace(_USER, "").replace(_MACHINE, "")
        if left == self.user or "{" in left or (_MACHINE in self.user and self.password.change != "machine"):
            raise PydanticCustomError("config.user_template", "user is no template")
        return self

    def repeat_fact(self, format: str) -> str:
        """What this payer does with the same document sent twice: an OnRepeat word."""
        return self.on_repeat if isinstance(self.on_repeat, str) else self.on_repeat.get(format, "unknown")

    def mailbox(self, box: str, number: str, machine: str = "") -> dict[str, Any]:
        """The settings an adapter gets for `box` ("deposit" or "returns") under a transmission number; `machine` is
        the identifier the payer made for the login, where it makes such."""
        path = self.deposit if box == "deposit" else self.returns
        settings = {"kind": self.kind, "path": _filled(path, number), "after": "remove", **self.options}
        settings |= {"prompts": self.password.prompts} if self.password.prompts else {}
        if self.host:
            settings |= {"host": self.host, "port": self.port, "host_key": self.host_key}
            settings["user"] = _filled(self.user, number).replace(_MACHINE, machine)
        return settings

    def door(self, number: str, machine: str = "") -> dict[str, Any]:
        """The settings of where a password under a transmission number is changed."""
        rules = self.password
        user = _filled(rules.change_user, number)
        more = {"change_url": rules.change_url, "change_ca": rules.change_ca, "change_user": user}
        return self.mailbox("returns", number, machine) | more | {"number": number, "machine": machine}


def _filled(template: str, number: str) -> str:
    return template.replace(_USER, number)
