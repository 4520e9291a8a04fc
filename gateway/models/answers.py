"""What comes back: parcels, replies, statements and their entries, and what of them was handed to whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.models.columns import Leased, utc


class Parcel(SQLModel, table=True):
    """COL-: what was fetched from the payer at once, under one number."""

    __table_args__ = (
        UniqueConstraint("payer", "number", "name", "sha256"),
        Index("ix_parcel_there", "payer", "number", "removed_at"),
    )
    id: str = Field(primary_key=True)
    payer: str
    number: str
    name: str
    size: int = Field(sa_type=BigInteger)  # bytes
    sha256: str
    archive_ref: str
    replies: int = 0
    received_at: datetime = utc()
    removed_at: datetime | None = utc(default=None)


class Reply(Leased, table=True):
    """RET-: anything owed to an agency: receipt, report, receivability, statement."""

    id: str = Field(primary_key=True)
    kind: str  # receipt | report | receivability | statement | unknown
    state: str = Field(index=True)
    reason: str | None = None
    parcel_id: str | None = Field(default=None, foreign_key="parcel.id", index=True)
    batch_id: str | None = Field(default=None, index=True)
    request_id: str | None = Field(default=None, index=True)
    payer: str | None = None
    number: str | None = None  # under which it was fetched, or under which the agency is known
    agency_id: str | None = Field(default=None, index=True)
    source_id: str | None = None
    key: str | None = None  # LOT id, DEM id, no_dem_ext or no_etat_compte: part of every artefact's name
    name: str  # file name as it came (a ZIP's member: its own)
    format: str | None = None
    document: str | None = None
    format_version: str | None = None  # of the family it was read by
    size: int = Field(default=0, sa_type=BigInteger)  # bytes
    sha256: str | None = None
    archive_ref: str | None = None  # the payer's document; ours have facts only
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # what its summary shows; no patient data
    attempts: int = 0
    next_try_at: datetime | None = utc(default=None)
    created_at: datetime = utc()


class Statement(SQLModel, table=True):
    """A matched statement of account: the only place that says paid."""

    __table_args__ = (UniqueConstraint("payer", "no_etat_compte"),)
    reply_id: str = Field(primary_key=True)
    payer: str
    no_etat_compte: str
    dated: date
    period: str
    mode: str
    system: str  # RFP | ANC
    account: str
    agency_id: str
    paid_cents: int = Field(sa_type=BigInteger)  # mnt_verse
    withheld_cents: int = Field(sa_type=BigInteger)
    carried_in_cents: int = Field(sa_type=BigInteger)
    carried_out_cents: int = Field(sa_type=BigInteger)
    total_cents: int = Field(sa_type=BigInteger)
    entries: int = 0


class PaperStatement(SQLModel, table=True):
    """PAP-: a statement of account that came on paper, as a person wrote it down; nothing of single invoices."""

    __tablename__ = "paper_statement"
    __table_args__ = (UniqueConstraint("account", "dated", "number"),)
    id: str = Field(primary_key=True)
    account: str = Field(index=True)
    agency_id: str  # who is owed it
    dated: date
    number: str  # no_etat_compte, as printed
    cents: int = Field(sa_type=BigInteger)  # what was paid; may be negative
    entries: int | None = None  # how many lines it lists, where somebody counted
    received_on: date
    scan_ref: str | None = None  # sealed, in the archive
    recorded_at: datetime = utc()
    recorded_by: str


class StatementEntry(SQLModel, table=True):
    """One entry of a statement; `paid_cents` is a delta and may be negative."""

    __tablename__ = "statement_entry"
    reply_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    invoice_id: str | None = Field(default=None, index=True)
    kind: str  # PAIE MODIF REFUS COUR CORR ANNU REVIS AJUST
    no_fact_ramq: str | None = None
    no_fact_ext: str | None = None
    line: int | None = None
    preliminary_cents: int | None = Field(default=None, sa_type=BigInteger)
    paid_cents: int = Field(sa_type=BigInteger)
    messages: list[str] = Field(default_factory=list, sa_type=JSON)


class Distribution(SQLModel, table=True):
    """One reply, one recipient, one artefact; rendered and archived before the first delivery."""

    __table_args__ = (UniqueConstraint("source_id", "name"),)
    id: str = Field(primary_key=True)
    reply_id: str = Field(foreign_key="reply.id", index=True)
    agency_id: str
    source_id: str
    kind: str  # document | html | json | pdf
    name: str
    size: int = Field(sa_type=BigInteger)  # bytes
    sha256: str
    archive_ref: str
    delivered_at: datetime | None = utc(default=None)
