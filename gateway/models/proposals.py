"""Changes of the registry that something speaks for: proposed, and nothing of them counts until a person accepts."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Proposal(SQLModel, table=True):
    """PRO-: the payer acts as if the registry said otherwise. Whether it still does not is asked anew, never stored."""

    __tablename__ = "registry_proposal"
    id: str = Field(primary_key=True)
    what: str  # accreditation | coordinates | migration
    subject: str = Field(index=True)  # an account; of a migration the agency's id
    agency_id: str = Field(foreign_key="agency.id")  # under whose number the evidence came
    payer: str
    number: str
    since: date  # the first day the evidence is of; from then on the registry would say so
    opened_at: datetime = utc()
    decided_at: datetime | None = utc(default=None)
    decided_by: str | None = None
    decision: str | None = None  # accepted | rejected
    said: str | None = None  # why a person rejected it


class Evidence(SQLModel, table=True):
    """One thing that speaks for a proposal: a statement that came, or a request that the payer found receivable."""

    __tablename__ = "registry_evidence"
    proposal_id: str = Field(primary_key=True, foreign_key="registry_proposal.id")
    record_id: str = Field(primary_key=True, index=True)  # RET- or DEM-
    day: date  # the statement's date, or the day of sending
