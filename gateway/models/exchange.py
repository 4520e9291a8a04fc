"""What goes out: batches and their deposits, requests, submissions, invoices, lines, findings.

No patient's value has a column here. Money is integer cents. Ids are text: LOT-, DEM-, FAC- and a UUIDv7.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from gateway.models.columns import Leased, utc

_GIVEN = text("no_fact_ramq IS NOT NULL")  # invoices are stored before the payer numbers them


class Batch(SQLModel, table=True):
    """LOT-: one file a source deposited. Its bytes never change."""

    id: str = Field(primary_key=True)
    agency_id: str = Field(foreign_key="agency.id", index=True)
    source_id: str = Field(foreign_key="source.id")
    name: str  # as deposited
    size: int = Field(sa_type=BigInteger)  # bytes
    sha256: str = Field(index=True)
    archive_ref: str
    state: str = Field(index=True)
    reason: str | None = None  # code, when HELD or REFUSED
    replaces: str | None = None  # the request whose invoices a person decided to send again, with new numbers
    shadow: bool = False  # deposited while its agency was in shadow: never sent, whatever the agency becomes
    received_at: datetime = utc()


class Deposit(SQLModel, table=True):
    """One arrival of a file; a repeat points at the batch that the same bytes made first."""

    __table_args__ = (UniqueConstraint("endpoint", "name", "identity", "mtime_ns"),)
    id: str = Field(primary_key=True)
    batch_id: str = Field(foreign_key="batch.id", index=True)
    endpoint: str
    name: str
    identity: str
    mtime_ns: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)  # bytes
    sha256: str
    repeat: bool = False
    received_at: datetime = utc()
    removed_at: datetime | None = utc(default=None)


class Request(Leased, table=True):
    """DEM-: one payer document inside a batch; the unit of transmission."""

    __table_args__ = (
        Index("ix_request_lane", "payer", "number", "state"),
        Index("ix_request_number", "agency_id", "no_dem_ext"),
        Index("ix_request_agency", "agency_id", "state"),
        Index("ix_request_answered", "payer", "number", "no_dem_ext"),
        Index("ix_request_wire", "payer", "number", "wire_name"),
        Index("ix_request_open", "closed_at", "state"),
    )
    id: str = Field(primary_key=True)
    batch_id: str = Field(foreign_key="batch.id", index=True)
    agency_id: str = Field(foreign_key="agency.id")
    source_id: str = Field(foreign_key="source.id")
    ordinal: int  # place in the batch, from 1
    member: str | None = None  # name inside the ZIP
    payer: str | None = None
    number: str | None = None  # transmission number it goes under
    format: str | None = None
    document: str | None = None
    format_version: str | None = None  # of the family it was judged by; its answers are read by the same
    action: str | None = None  # new | modify | cancel
    no_dem_ext: str | None = None
    requester: str | None = None  # practice number
    account: str | None = None
    software: str | None = None  # "developer name version" as the document says
    sha256: str
    size: int = Field(sa_type=BigInteger)  # bytes of the document
    archive_ref: str
    wire_name: str | None = None  # its name at the payer
    wire_ref: str | None = None
    wire_sha256: str | None = None
    wire_size: int | None = Field(default=None, sa_type=BigInteger)
    state: str = Field(index=True)
    reason: str | None = None  # code: why REFUSED or HELD; the first of `holds`
    holds: list[str] = Field(default_factory=list, sa_type=JSON)  # codes that keep it HELD
    despite: list[str] = Field(default_factory=list, sa_type=JSON)  # codes a person released it in spite of
    duplicate_of: str | None = None
    derived_from: str | None = Field(default=None, index=True)  # the request whose valid invoices these are (Salvage)
    replaces: str | None = Field(default=None, index=True)  # the request whose invoices are sent again, by decision
    invoices: int = 0
    invalid_invoices: int = 0
    findings: int = 0
    report_ref: str | None = None  # archived JSON report
    attempts: int = 0
    next_try_at: datetime | None = utc(default=None)
    transmitted_at: datetime | None = utc(default=None)
    answer_by: datetime | None = utc(default=None)
    repeats: int = 0  # repeats sent for want of an answer
    closed_at: datetime | None = utc(default=None)  # no limit can take anything of it any more (store/closing.py)
    created_at: datetime = utc()


class Salvage(SQLModel, table=True):
    """What became of a request of which only a part could go. Each invoice is in one of the three parts, and the
    database itself keeps no row in which they do not add up."""

    __table_args__ = (
        CheckConstraint("invoices = kept_invoices + aside_invoices + answered_invoices", "salvage_invoices"),
        CheckConstraint("cents = kept_cents + aside_cents + answered_cents", "salvage_cents"),
        UniqueConstraint("agency_id", "aside_name"),
    )
    request_id: str = Field(primary_key=True, foreign_key="request.id")  # the one that was deposited
    agency_id: str
    derived_id: str | None = Field(default=None, foreign_key="request.id", unique=True)  # what goes; None: nothing
    aside_name: str | None = None  # <no_dem_ext>-R<n>: the document that went back with the report
    aside_sha256: str | None = None
    invoices: int
    cents: int | None = Field(default=None, sa_type=BigInteger)  # claimed; None: the format states no amounts
    kept_invoices: int
    kept_cents: int | None = Field(default=None, sa_type=BigInteger)
    aside_invoices: int  # set aside, to be corrected
    aside_cents: int | None = Field(default=None, sa_type=BigInteger)
    answered_invoices: int  # deposited before, and receivable
    answered_cents: int | None = Field(default=None, sa_type=BigInteger)


class Submission(SQLModel, table=True):
    """One invoice as it stands in one request. Rows count once their request row exists (bulk rows come first)."""

    __table_args__ = (
        Index("ix_submission_no_fact_ramq", "no_fact_ramq", sqlite_where=_GIVEN, postgresql_where=_GIVEN),
    )
    request_id: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)  # from 1
    batch_id: str = Field(index=True)
    agency_id: str
    invoice_id: str | None = Field(default=None, index=True)
    action: str  # new | modify | cancel
    no_fact_ext: str | None = None
    no_fact_ramq: str | None = None
    jeton_comm: str | None = None
    practice: str | None = None
    account: str | None = None
    line: int = 0  # line in the document
    first_service: date | None = None
    last_service: date | None = None
    amount_cents: int | None = Field(default=None, sa_type=BigInteger)  # claimed
    lines: int = 0
    valid: bool = True
    verdict: str | None = None  # receivable | not_receivable
    messages: list[str] = Field(default_factory=list, sa_type=JSON)  # payer's codes


class Invoice(SQLModel, table=True):
    """FAC-: what submissions are about; born with its `new` submission. Its standing is derived, never stored."""

    __table_args__ = (
        Index("ix_invoice_number", "agency_id", "no_fact_ext"),
        Index("ix_invoice_payer_number", "payer", "no_fact_ramq", sqlite_where=_GIVEN, postgresql_where=_GIVEN),
    )
    id: str = Field(primary_key=True)
    agency_id: str
    payer: str | None = None
    request_id: str = Field(index=True)  # its `new` submission
    ordinal: int
    batch_id: str = Field(index=True)
    no_fact_ext: str | None = None
    account: str | None = None
    practice: str | None = None
    no_fact_ramq: str | None = None
    jeton_comm: str | None = None
    preliminary_cents: int | None = Field(default=None, sa_type=BigInteger)
    modified_by: str | None = None  # request whose receivable modification is the latest
    cancelled_by: str | None = None  # request whose cancellation was receivable


class Line(SQLModel, table=True):
    """One service of a submission, as the payer's receivability reply speaks of it."""

    request_id: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)  # the submission's
    number: int = Field(primary_key=True)  # no_ligne_fact
    verdict: str
    preliminary_cents: int | None = Field(default=None, sa_type=BigInteger)
    messages: list[str] = Field(default_factory=list, sa_type=JSON)


class FindingRow(SQLModel, table=True):
    """A listed finding, without sentences or values: what rules refuse can be counted."""

    __tablename__ = "finding"
    request_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    batch_id: str = Field(index=True)
    code: str = Field(index=True)
    severity: str
    authority: str
    line: int | None = None
    ordinal: int | None = None  # invoice
