"""Whose is it, on that date: agencies, their numbers and sources, accounts, accreditations and mandates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc
from gateway.models.facts import Fact


class Agency(SQLModel, table=True):
    """AGE-: who deposits."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    kind: str  # commercial | in_practice | solo
    language: str = "fr"
    group_id: str | None = Field(default=None, foreign_key="practice_group.id")  # whose own agency it is
    rules: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # code → the severity this agency wants of it
    on_invalid: str = "all_or_nothing"  # all_or_nothing | salvage: what becomes of a request with invalid invoices
    set_aside: str = "refused"  # refused | invalid: which invoices a salvage takes out (docs/salvage.md)
    transmit: str = "live"  # live | shadow: nothing goes to the payer, everything else is done (docs/shadow.md)
    active: bool = True
    recorded_at: datetime = utc()


class AgencyPayer(SQLModel, table=True):
    """The payers an agency sends to, in its order; which one follows from a document's family."""

    __tablename__ = "agency_payer"
    agency_id: str = Field(primary_key=True, foreign_key="agency.id")
    position: int = Field(primary_key=True)
    payer: str


class AgencyStanding(Fact, table=True):
    """AST-: migrated (into the new system), unrecognised (by the payer: no commercial agency then), suspended."""

    __tablename__ = "agency_standing"
    PREFIX: ClassVar[str] = "AST"
    SUBJECT: ClassVar[tuple[str, ...]] = ("agency_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("standing",)
    ONE: ClassVar[bool] = False
    agency_id: str = Field(foreign_key="agency.id", index=True)
    standing: str  # migrated | unrecognised | suspended


class TransmissionNumber(Fact, table=True):
    """NUM-: a payer's number, held by an agency between dates."""

    __tablename__ = "transmission_number"
    __table_args__ = (Index("ix_transmission_number", "payer", "number"),)
    PREFIX: ClassVar[str] = "NUM"
    SUBJECT: ClassVar[tuple[str, ...]] = ("payer", "number")
    VALUE: ClassVar[tuple[str, ...]] = ("agency_id",)
    payer: str
    number: str
    agency_id: str = Field(foreign_key="agency.id", index=True)


class NumberSuspension(Fact, table=True):
    """NSU-: the payer takes nothing under the number between dates, whoever holds it."""

    __tablename__ = "number_suspension"
    __table_args__ = (Index("ix_number_suspension", "payer", "number"),)
    PREFIX: ClassVar[str] = "NSU"
    SUBJECT: ClassVar[tuple[str, ...]] = ("payer", "number")
    MORE: ClassVar[tuple[str, ...]] = ("reason",)
    payer: str
    number: str
    reason: str | None = None


class Source(SQLModel, table=True):
    """SRC-: one billing system of an agency."""

    id: str = Field(primary_key=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    position: int
    name: str
    pickup: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # kind, path, finished …; never a password
    returns: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    strict: bool = False
    tolerances: list[str] = Field(default_factory=list, sa_type=JSON)
    salvage_agreed: date | None = None  # since when its software agrees that a part of its document goes in its name
    active: bool = True


class Account(SQLModel, table=True):
    """`personal:<practice number>` or `admin:<5 digits>`."""

    id: str = Field(primary_key=True)
    kind: str  # personal | admin_individual | admin_collective
    recorded_at: datetime = utc()


class AccountPractitioner(Fact, table=True):
    """APR-: a practitioner who bills through an account."""

    __tablename__ = "account_practitioner"
    PREFIX: ClassVar[str] = "APR"
    SUBJECT: ClassVar[tuple[str, ...]] = ("account_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("practice",)
    ONE: ClassVar[bool] = False
    account_id: str = Field(foreign_key="account.id", index=True)
    practice: str = Field(index=True)


class AccountChannel(Fact, table=True):
    """ACH-: a way of billing through the account that is not ours: `facturacte` (letter 001)."""

    __tablename__ = "account_channel"
    PREFIX: ClassVar[str] = "ACH"
    SUBJECT: ClassVar[tuple[str, ...]] = ("account_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("channel",)
    ONE: ClassVar[bool] = False
    account_id: str = Field(foreign_key="account.id", index=True)
    channel: str


class Accreditation(Fact, table=True):
    """ACC-: account → agency, from, to; the basis of every routing."""

    PREFIX: ClassVar[str] = "ACC"
    SUBJECT: ClassVar[tuple[str, ...]] = ("account_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("agency_id",)
    MORE: ClassVar[tuple[str, ...]] = ("covers_services_from",)
    account_id: str = Field(foreign_key="account.id", index=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    covers_services_from: date | None = None  # None: services of any date may be sent while it holds


class Mandate(Fact, table=True):
    """MAN-: signed authority of an account's users to a commercial agency (form 2788, letter 003)."""

    PREFIX: ClassVar[str] = "MAN"
    SUBJECT: ClassVar[tuple[str, ...]] = ("account_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("agency_id", "form")
    MORE: ClassVar[tuple[str, ...]] = ("signatories",)
    ONE: ClassVar[bool] = False
    account_id: str = Field(foreign_key="account.id", index=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    form: str = "2788"
    signatories: list[str] = Field(default_factory=list, sa_type=JSON)  # practice numbers


class StatementCoordinates(Fact, table=True):
    """SCO-: where the payer sends the account's statements: on paper, or to an agency (letters 001 and 003)."""

    __tablename__ = "statement_coordinates"
    PREFIX: ClassVar[str] = "SCO"
    SUBJECT: ClassVar[tuple[str, ...]] = ("account_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("route", "agency_id")
    MORE: ClassVar[tuple[str, ...]] = ("address",)
    account_id: str = Field(foreign_key="account.id", index=True)
    route: str  # paper | agency
    agency_id: str | None = Field(default=None, foreign_key="agency.id", index=True)
    address: str | None = None
