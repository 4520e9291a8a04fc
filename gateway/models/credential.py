"""A password and its life (DESIGN section 7): two slots, both sealed, and every attempt at the payer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.models.columns import Leased, utc


class Credential(Leased, table=True):
    """CRE-: keyed (payer, number, machine). `current` and `pending` are sealed with this id as context.

    `machine`: the identifier that a payer made for one machine of the number; empty: the number's own. Where a payer
    makes such, the number's own row is what they are asked with, and no mailbox is opened with it.
    """

    __table_args__ = (UniqueConstraint("payer", "number", "machine", name="uq_credential"),)
    id: str = Field(primary_key=True)
    payer: str
    number: str
    machine: str = ""
    state: str
    reason: str | None = None
    current: bytes | None = None
    pending: bytes | None = None
    journal: bytes | None = None  # a server-made password's raw answer, sealed before it is parsed
    generation: int = 0  # raised by every change of a slot; counted outside the database as well
    origin: str | None = None  # of `current`: temporary | current (typed) | ours | server; other: another software's
    alone: bool = False  # the agency said that no other software uses the number: it may be changed unasked
    changed_at: datetime | None = utc(default=None)
    proved_at: datetime | None = utc(default=None)
    reminded_at: datetime | None = utc(default=None)  # when a person was last told that its term ends
    created_at: datetime = utc()


class CredentialAttempt(SQLModel, table=True):
    """One password given to the payer; written before it is given. `outcome` None: not known (cut, killed)."""

    __tablename__ = "credential_attempt"
    __table_args__ = (Index("ix_credential_attempt_at", "credential_id", "at"),)
    id: str = Field(primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", index=True)
    slot: str  # current | pending | change (asking for another one with the current)
    generation: int
    at: datetime = utc()
    outcome: str | None = None  # proved | refused | None


class CredentialPast(SQLModel, table=True):
    """A password that was in use, as a salted hash: it never comes back."""

    __tablename__ = "credential_past"
    id: str = Field(primary_key=True)
    credential_id: str = Field(foreign_key="credential.id", index=True)
    kind: str  # temporary | current | ours | server
    salt: bytes
    digest: bytes
    at: datetime = utc()
