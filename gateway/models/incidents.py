"""What happened under facts that turned out wrong; confidentiality incidents, as Quebec's regulation has them kept."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Recall(SQLModel, table=True):
    """RCL-: a request that went, or a document that was handed over, and should not have, as is known now."""

    __table_args__ = (UniqueConstraint("record_id", "code"),)
    id: str = Field(primary_key=True)
    what: str  # sent | handed_over | extract | paper
    record_id: str  # DEM- or RET-
    agency_id: str  # who sent it, or was given it
    account: str
    payer: str | None = None
    number: str | None = None
    day: date  # of sending, or the statement's date
    happened_at: datetime = utc()
    code: str  # why not, by the registry as it was corrected: a key of locales/routing.toml
    found_at: datetime = utc()
    found_by: str
    incident_id: str | None = Field(default=None, index=True)
    withdrawn_at: datetime | None = utc(default=None)  # the registry was corrected again: it was right after all


class Incident(SQLModel, table=True):
    """INC-: one entry of the register of confidentiality incidents (regulation A-2.1, r. 3.1). What is not known yet is
    None. Texts are a person's own words, about documents and never about a patient by name."""

    id: str = Field(primary_key=True)
    opened_at: datetime = utc()
    opened_by: str
    origin: str  # person | recall
    information: str | None = None  # what information is concerned
    circumstances: str | None = None
    cause: str | None = None
    began_on: date | None = None  # the day, or the first day, it happened
    ended_on: date | None = None
    aware_on: date  # the day the body learned of it; the register keeps the entry five years from here at least
    persons: int | None = None  # how many are concerned
    residents: int | None = None  # how many of them live in Quebec
    serious: bool | None = None  # whether there is a risk of serious injury
    reasoning: str | None = None  # what that rests on: sensitivity, feared consequences, likelihood
    commission_on: date | None = None  # the day the Commission was notified
    persons_on: date | None = None  # the day the persons were notified
    measures: str | None = None  # taken after the incident
    planned: str | None = None  # measures to come, and when
    contact: str | None = None  # whom to ask about it: an office, a telephone
    records: list[str] = Field(default_factory=list, sa_type=JSON)  # DEM-, RET- …
    closed_at: datetime | None = utc(default=None)
    closed_by: str | None = None
