"""A password and its life (DESIGN section 7): two slots, both sealed, and every attempt at the payer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.models.columns import Leased, utc


class Credential(Leased, table=True):
    """CRE-: keyed (payer, number). `current` and `pending` are sealed with this id as context."""

    __table_args__ = (UniqueConstraint("payer", "number"),)
    id: str = Field(primary_key=True)
    payer: str
    number: str
    state: str
    reason: str | None = None
    current: bytes | None = None
    pending: bytes | None = None
    journal: bytes | None = None  # a server-made password's raw answer, sealed before it is parsed
    generation: int = 0  # raised by every change of a slot
    changed_at: datetime | None = utc(default=None)
    proved_at: datetime | None = utc(default=None)
    created_at: datetime = utc()


class CredentialAttempt(SQLModel, table=True):
    """One password given to the payer; written before it is given. `outcome` None: not known (cut, killed)."""

    __tablename__ = "credential_attempt"
    id: str = Field(primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", index=True)
    slot: str  # current | pending
    generation: int
    at: datetime = utc()
    outcome: str | None = None  # proved | refused | None
