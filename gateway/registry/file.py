"""The registry file: agencies with their numbers and sources, accounts, accreditations, as people write them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table
from gateway.identifiers import ACCOUNT, PRACTICE_NUMBER, TRANSMISSION_NUMBER

KINDS = ("folder", "memory", "sftp")  # the adapters' own; else "package.module:open"
TOLERANCES = ("utf16_declared",)  # what may be forgiven a software, by name (FORMATS section 2)


def _number(text: str) -> str:
    if TRANSMISSION_NUMBER.fullmatch(text) is None:
        raise PydanticCustomError("registry.number_shape", "five digits")
    return text


def _practice(text: str) -> str:
    if PRACTICE_NUMBER.fullmatch(text) is None:
        raise PydanticCustomError("registry.practice_shape", "six or seven digits")
    return text


def _account(text: str) -> str:
    if ACCOUNT.fullmatch(text) is None:
        raise PydanticCustomError("registry.account_shape", "personal:<practice number> or admin:<5 digits>")
    return text


def _tolerance(text: str) -> str:
    if text not in TOLERANCES:
        raise PydanticCustomError("registry.tolerance_unknown", "none", {"known": ", ".join(TOLERANCES)})
    return text


def _kind(text: str) -> str:
    if text not in KINDS and not re.fullmatch(r"[\w.]+:\w+", text):
        raise PydanticCustomError("registry.kind_unknown", "none", {"known": ", ".join(KINDS)})
    return text


Number = Annotated[str, AfterValidator(_number)]
Practice = Annotated[str, AfterValidator(_practice)]
Name = Annotated[str, Field(min_length=1)]
Day = Annotated[date, Field(strict=True)]


class Mailbox(Table):
    """A folder, or a folder of an SFTP server. A password is never here, only the file that holds it."""

    kind: Annotated[str, AfterValidator(_kind)]
    path: Name
    host: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    user: str | None = None
    host_key: str | None = None
    password_file: str | None = None
    key_file: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Mailbox:
        if self.kind == "sftp" and not (self.host and self.user and self.host_key):
            raise PydanticCustomError("registry.server_incomplete", "host, user, host_key")
        if self.kind == "sftp" and not (self.password_file or self.key_file):
            raise PydanticCustomError("registry.proof_missing", "password_file or key_file")
        return self

    def settings(self, folder: Path) -> dict[str, Any]:
        """What the adapter and the stages read; paths of this machine are made relative to `folder`."""
        values = self.model_dump(exclude_none=True, exclude={"options"}) | self.options
        local = ["password_file", "key_file"] + ["path"] * (self.kind == "folder")
        return values | {key: str(folder / values[key]) for key in local if key in values}


class Pickup(Mailbox):
    """Where a source deposits: also when a file there is finished, and what becomes of it once it is kept."""

    finished: Literal["settle", "marker", "rename"] = "settle"
    settle_seconds: Seconds = 5
    after: Literal["move", "remove"] = "move"
    poll: Seconds | None = None


class Software(Table):
    """The billing software of a source."""

    developer: Number | None = None
    name: Name
    version: str | None = None
    salvage_agreed: Day | None = None  # since when its developer lets a part of its document go in its name


class SourceEntry(Table):
    """[[agency.source]]: one billing system."""

    name: Name
    software: Software | None = None
    pickup: Pickup
    returns: Mailbox
    strict: bool = False
    tolerances: tuple[Annotated[str, AfterValidator(_tolerance)], ...] = ()
    active: bool = True


class Dated(Table):
    """A fact with its first day and, once it is closed, its last one. `retract`: it never was true."""

    start: Day = Field(alias="from")
    to: Day | None = None
    retract: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.to is not None and self.to < self.start:
            raise PydanticCustomError(
                "registry.end_before_start", "end", {"start": str(self.start), "to": str(self.to)}
            )
        return self


class NumberEntry(Dated):
    """[[agency.number]]: a transmission number at a payer."""

    payer: Name
    number: Number


class AgencyEntry(Table):
    """[[agency]]: known by its name."""

    name: Name
    kind: Literal["commercial", "in_practice", "solo"]
    payers: tuple[Name, ...] = ()
    migrated_on: Day | None = None
    language: Literal["fr", "en"] = "fr"
    rules: dict[str, Literal["error", "warning", "info"]] = Field(default_factory=dict)
    on_invalid: Literal["all_or_nothing", "salvage"] = "all_or_nothing"
    set_aside: Literal["refused", "invalid"] = "refused"
    active: bool = True
    numbers: tuple[NumberEntry, ...] = Field((), alias="number")
    sources: tuple[SourceEntry, ...] = Field((), alias="source")


class AccountEntry(Table):
    """[[account]]: a billing account and who bills through it."""

    id: Annotated[str, AfterValidator(_account)]
    kind: Literal["personal", "admin_individual", "admin_collective"]
    practitioners: tuple[Practice, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> AccountEntry:
        if self.id.startswith("personal:") != (self.kind == "personal"):
            raise PydanticCustomError("registry.account_kind", "kind", {"id": self.id, "kind": self.kind})
        return self


class AccreditationEntry(Dated):
    """[[accreditation]]: `agency` is one of its transmission numbers, or its name."""

    account: Annotated[str, AfterValidator(_account)]
    agency: Name


class RegistryFile(Table):
    """The whole file. What it does not mention stays as it is, unless it says that it is `complete`."""

    complete: bool = False
    agencies: tuple[AgencyEntry, ...] = Field((), alias="agency")
    accounts: tuple[AccountEntry, ...] = Field((), alias="account")
    accreditations: tuple[AccreditationEntry, ...] = Field((), alias="accreditation")
