"""What a payer wants of passwords, and who changes them: facts about the payer, in its table of the configuration."""

from __future__ import annotations

import string
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Table

DAY = 86400.0  # seconds
Kind = Literal["upper", "lower", "digit", "symbol"]
_LETTERS = MappingProxyType({"upper": string.ascii_uppercase, "lower": string.ascii_lowercase, "digit": string.digits})


class PasswordConfig(Table):
    """[payer.password]. Lengths in characters, times in days; 0: not known, or none.

    `change` is who changes a password before its term: the payer asks for it in a login ("asked", the default: nothing
    can be done earlier), we ask for it over SSH ("ssh", RFC 4252 section 8), the payer makes a new one itself when
    asked at `change_url` ("machine"), or a person does, and is reminded ("person").
    """

    change: Literal["asked", "ssh", "machine", "person"] = "asked"
    change_url: str = ""
    change_user: str = "{transmission_number}"
    change_ca: str = ""
    life_days: int = Field(0, ge=0, le=3650)
    safe_days: int = Field(10, ge=1, le=365)
    jitter_days: int = Field(3, ge=0, le=365)
    remind_days: int = Field(7, ge=0, le=365)
    apart_days: int = Field(3, ge=0, le=365)
    tries: int = Field(0, ge=0, le=100)
    shortest: int = Field(20, ge=6, le=128)
    longest: int = Field(64, ge=6, le=256)
    classes: tuple[Kind, ...] = ("upper", "lower", "digit", "symbol")
    symbols: str = Field("-_.+=", max_length=40)
    forbidden: str = Field("", max_length=100)
    no_reuse: int = Field(12, ge=0, le=100)
    prompts: dict[Literal["retype", "new", "current", "password"], tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_met(self) -> PasswordConfig:
        if self.longest < self.shortest or not self.classes or not all(self.letters(kind) for kind in self.classes):
            raise PydanticCustomError("config.password_policy", "no password can meet this")
        if self.life_days and self.safe_days + self.jitter_days >= self.life_days:
            raise PydanticCustomError("config.password_window", "the window is as long as the life")
        if self.change == "machine" and not self.change_url:
            raise PydanticCustomError("config.change_url_missing", "change_url is missing")
        return self

    @property
    def by_us(self) -> bool:
        """Whether we can change a password without being asked to."""
        return self.change in ("ssh", "machine")

    def letters(self, kind: str) -> str:
        """What a new password may draw from of one class."""
        return "".join(c for c in _LETTERS.get(kind, self.symbols) if c not in self.forbidden)
