"""The registry file as people write it: agencies with their numbers and sources, people, accounts, accreditations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Table
from gateway.models.facts import ALWAYS
from gateway.registry.mailboxes import Mailbox, Pickup
from gateway.registry.words import (
    AccountKind,
    AccountName,
    AgencyKind,
    AgencyStands,
    Channel,
    Day,
    Name,
    Number,
    Practice,
    Profession,
    Route,
    Stands,
    Tolerance,
)


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


class Since(Dated):
    """A fact that may have no known beginning."""

    start: Day = Field(ALWAYS, alias="from")


class Suspension(Dated):
    """[[agency.number.suspension]]: the payer takes nothing under the number."""

    reason: str | None = None


class NumberEntry(Dated):
    """[[agency.number]]: a transmission number at a payer."""

    payer: Name
    number: Number
    suspensions: tuple[Suspension, ...] = Field((), alias="suspension")


class SoftwareEntry(Since):
    """The billing software a source declared to the payer, and from when."""

    developer: Number | None = None
    name: Name
    version: str | None = None
    salvage_agreed: Day | None = None  # since when its developer lets a part of its document go in its name


class SourceEntry(Table):
    """[[agency.source]]: one billing system."""

    name: Name
    software: SoftwareEntry | None = None
    pickup: Pickup | None = None  # of a source that is known already: left as they are
    returns: Mailbox | None = None
    strict: bool = False
    tolerances: tuple[Tolerance, ...] = ()
    active: bool = True


class AgencyStandingEntry(Since):
    """[[agency.standing]]: what the agency is to the payer."""

    standing: AgencyStands


class AgencyEntry(Table):
    """[[agency]]: known by its name."""

    name: Name
    kind: AgencyKind
    group: Name | None = None
    payers: tuple[Name, ...] = ()
    migrated_on: Day | None = None
    language: Literal["fr", "en"] = "fr"
    rules: dict[str, Literal["error", "warning", "info"]] = Field(default_factory=dict)
    on_invalid: Literal["all_or_nothing", "salvage"] = "all_or_nothing"
    set_aside: Literal["refused", "invalid"] = "refused"
    transmit: Literal["live", "shadow"] = "live"
    active: bool = True
    numbers: tuple[NumberEntry, ...] = Field((), alias="number")
    standings: tuple[AgencyStandingEntry, ...] = Field((), alias="standing")
    sources: tuple[SourceEntry, ...] = Field((), alias="source")


class PractitionerOfAccount(Since):
    """[[account.practitioner]]: somebody who bills through the account, dated."""

    number: Practice


class ChannelEntry(Since):
    """[[account.channel]]: a way of billing through the account that is not ours."""

    channel: Channel


class AccountEntry(Table):
    """[[account]]: a billing account and who bills through it."""

    id: AccountName
    kind: AccountKind
    practitioners: tuple[Practice, ...] = ()
    dated: tuple[PractitionerOfAccount, ...] = Field((), alias="practitioner")
    channels: tuple[ChannelEntry, ...] = Field((), alias="channel")

    @model_validator(mode="after")
    def _agrees(self) -> AccountEntry:
        if self.id.startswith("personal:") != (self.kind == "personal"):
            raise PydanticCustomError("registry.account_kind", "kind", {"id": self.id, "kind": self.kind})
        return self


class AccreditationEntry(Dated):
    """[[accreditation]]: `agency` is one of its transmission numbers, or its name."""

    account: AccountName
    agency: Name
    covers_services_from: Day | None = None


class MandateEntry(Dated):
    """[[mandate]]: form 2788, and who signed it."""

    account: AccountName
    agency: Name
    form: Name = "2788"
    signatories: tuple[Practice, ...] = ()


class CoordinatesEntry(Since):
    """[[statement_coordinates]]: where the payer sends the account's statements."""

    account: AccountName
    route: Route
    agency: Name | None = None
    address: Name | None = None

    @model_validator(mode="after")
    def _agrees(self) -> CoordinatesEntry:
        if (self.route == "agency") != (self.agency is not None):
            raise PydanticCustomError("registry.route_agency", "agency")
        return self


class StandingEntry(Since):
    """[[practitioner.standing]]: what a practitioner is to the payer."""

    standing: Stands


class OtherNumber(Since):
    """[[practitioner.other_number]]: another form of the same person's number."""

    number: Practice


class PractitionerEntry(Table):
    """[[practitioner]]: known by one of its practice numbers."""

    number: Practice
    name: Name | None = None
    profession: Profession
    class_digit: str | None = Field(None, alias="class", pattern="^[0-9]$")
    other_numbers: tuple[OtherNumber, ...] = Field((), alias="other_number")
    standings: tuple[StandingEntry, ...] = Field((), alias="standing")


class MemberEntry(Since):
    """[[group.member]]: a practitioner of the group."""

    practitioner: Practice


class GroupEntry(Table):
    """[[group]]: practitioners who practise together."""

    name: Name
    members: tuple[MemberEntry, ...] = Field((), alias="member")


class VersionEntry(Since):
    """[[developer.software]]: a version the payer recognises."""

    name: Name
    version: Name


class DeveloperEntry(Table):
    """[[developer]]: by the number the payer gave it."""

    number: Number
    name: Name
    software: tuple[VersionEntry, ...] = ()


class RegistryFile(Table):
    """The whole file. What it does not mention stays as it is, unless it says that it is `complete`."""

    complete: bool = False
    developers: tuple[DeveloperEntry, ...] = Field((), alias="developer")
    practitioners: tuple[PractitionerEntry, ...] = Field((), alias="practitioner")
    groups: tuple[GroupEntry, ...] = Field((), alias="group")
    agencies: tuple[AgencyEntry, ...] = Field((), alias="agency")
    accounts: tuple[AccountEntry, ...] = Field((), alias="account")
    accreditations: tuple[AccreditationEntry, ...] = Field((), alias="accreditation")
    mandates: tuple[MandateEntry, ...] = Field((), alias="mandate")
    statement_coordinates: tuple[CoordinatesEntry, ...] = ()
