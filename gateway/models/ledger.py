"""What was tried, what happened, and when a stage looks again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Attempt(SQLModel, table=True):
    """One try at a transmission or a distribution; committed before the first byte leaves."""

    id: str = Field(primary_key=True)
    record_id: str = Field(index=True)  # DEM- or the distribution's id
    number: int  # from 1
    name: str
    sha256: str
    size: int = Field(sa_type=BigInteger)  # bytes
    owner: str
    fence: int
    started_at: datetime = utc()
    ended_at: datetime | None = utc(default=None)
    outcome: str | None = None  # delivered | already_there | an error's code | abandoned; None: not known yet
    receipt: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    bytes_sent: int | None = Field(default=None, sa_type=BigInteger)  # handed to the channel; None: nobody knows
    looks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)  # what was seen at the payer, and when


class DeliveryProof(SQLModel, table=True):
    """PRV-: a paper on which a person decided that a request is at the payer. Its bytes are archived; its name, which
    may name anybody, is not kept."""

    __tablename__ = "delivery_proof"
    id: str = Field(primary_key=True)
    record_id: str = Field(index=True)  # DEM-
    size: int = Field(sa_type=BigInteger)  # bytes
    sha256: str  # of the bytes as they were given
    archive_ref: str
    added_at: datetime = utc()
    added_by: str


class Event(SQLModel, table=True):
    """One transition: from, to, when, who, why; chained by hash. No personal data, ever."""

    seq: int | None = Field(default=None, primary_key=True)
    record_kind: str
    record_id: str = Field(index=True)
    from_state: str | None = None
    to_state: str
    at: datetime = utc()
    actor: str
    reason: str
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    chain_version: int = 1
    previous_hash: str
    hash: str = Field(unique=True)


class ChainHead(SQLModel, table=True):
    """The newest link of the event chain: one row, locked by whoever adds a link."""

    __tablename__ = "chain_head"
    id: int = Field(default=1, primary_key=True)
    hash: str
    events: int = 0


class RegistryToken(SQLModel, table=True):
    """One row; the database gives it a new random text whenever a row of the registry changes (store/guards.py), so
    that what was read under a token stays what that token means, undone transactions included."""

    __tablename__ = "registry_token"
    id: int = Field(default=1, primary_key=True)
    token: str


class Breaker(SQLModel, table=True):
    """A payer's server that did not answer: how often in a row, since when, and when it is tried again. An answer takes
    the row away."""

    payer: str = Field(primary_key=True)
    failures: int  # in a row, whoever tried
    since: datetime = utc()  # the first of them
    shut_until: datetime | None = utc(default=None)  # nobody tries before; None: open


class Due(SQLModel, table=True):
    """When a stage next looks at an endpoint. Claimed by a guarded update; APScheduler only ticks."""

    stage: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    next_run: datetime = utc(index=True)
    interval_seconds: float
    owner: str | None = None
    lease_until: datetime | None = utc(default=None)
    last_run: datetime | None = utc(default=None)
    last_error: str | None = None
    last_success: datetime | None = utc(default=None)
