"""Whose is it, on that date: agencies, their numbers and sources, accounts, accreditations.

Every fact has its validity (`valid_from` to `valid_to`, both days included) and the moments we learned and withdrew it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Fact(SQLModel):
    """A dated fact; history is never overwritten."""

    valid_from: date
    valid_to: date | None = None  # last day it holds; None: still
    learned_at: datetime = utc()
    retracted_at: datetime | None = utc(default=None)


class Agency(SQLModel, table=True):
    """AGE-: who deposits."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    kind: str  # commercial | in_practice | solo
    language: str = "fr"
    migrated_on: date | None = None  # into the new system
    rules: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # code → the severity this agency wants of it
    on_invalid: str = "all_or_nothing"  # all_or_nothing | salvage: what becomes of a request with invalid invoices
    set_aside: str = "refused"  # refused | invalid: which invoices a salvage takes out (docs/salvage.md)
    active: bool = True
    learned_at: datetime = utc()


class AgencyPayer(SQLModel, table=True):
    """The payers an agency sends to, in its order; which one follows from a document's family."""

    __tablename__ = "agency_payer"
    agency_id: str = Field(primary_key=True, foreign_key="agency.id")
    position: int = Field(primary_key=True)
    payer: str


class TransmissionNumber(Fact, table=True):
    """NUM-: a payer's number, held by an agency between dates."""

    __tablename__ = "transmission_number"
    __table_args__ = (Index("ix_transmission_number", "payer", "number"),)
    id: str = Field(primary_key=True)
    payer: str
    number: str
    agency_id: str = Field(foreign_key="agency.id", index=True)


class Source(SQLModel, table=True):
    """SRC-: one billing system of an agency."""

    id: str = Field(primary_key=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    position: int
    name: str
    developer: str | None = None
    software: str | None = None
    version: str | None = None
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
    learned_at: datetime = utc()


class AccountPractitioner(SQLModel, table=True):
    """A practitioner who bills through an account."""

    __tablename__ = "account_practitioner"
    account_id: str = Field(primary_key=True, foreign_key="account.id")
    practice: str = Field(primary_key=True)


class Accreditation(Fact, table=True):
    """ACC-: account → agency, from, to; the basis of every routing."""

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
