"""What was asked of the payer for an account, who signed it, and what came of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Application(SQLModel, table=True):
    """APP-: one application for one account. Where it stands is derived from its days, never stored."""

    id: str = Field(primary_key=True)
    kind: str  # of config/ramq/procedures.toml: self_software, change_agency …
    route: str  # online | form | account_opening
    account_id: str = Field(index=True)  # canonical; the registry need not know it yet
    account_kind: str  # personal | admin_individual | admin_collective
    practice: str  # the applicant's practice number; no name of a person is kept
    outside_quebec: bool = False
    agency_id: str | None = None  # the new agency, where the registry knows it
    old_agency_id: str | None = None
    mandate_ends: date | None = None  # last day of the present agency's mandate
    facts: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # what goes on the forms, by its name there
    signatories: list[str] = Field(default_factory=list, sa_type=JSON)  # practice numbers beside the registry's
    forms_ready: list[str] = Field(default_factory=list, sa_type=JSON)  # numbers of the forms filled in
    opened_on: date
    sent_on: date | None = None
    sent_by: str | None = None  # online | fax | post
    reference: str | None = None  # of the proof of sending
    proof_ref: str | None = None  # the proof itself, sealed, in the archive
    received_on: date | None = None  # by the payer: delays run from here
    number: str | None = None  # the transmission number it gave
    password_on: date | None = None  # when the temporary password came; never the password
    go_ahead_on: date | None = None  # the developer's
    confirmed_on: date | None = None
    letter_ref: str | None = None  # the payer's letter, sealed, in the archive
    effective_from: date | None = None
    withdrawn_on: date | None = None
    withdrawn_why: str | None = None
    created_at: datetime = utc()


class ApplicationSignature(SQLModel, table=True):
    """Somebody signed the forms of an application: a practice number, or `user` (the person of form 4319)."""

    __tablename__ = "application_signature"
    application_id: str = Field(primary_key=True, foreign_key="application.id")
    who: str = Field(primary_key=True)
    signed_on: date
