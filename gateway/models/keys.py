"""Which master key counts, and the data keys wrapped under it. No key is in the database unwrapped."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class MasterKey(SQLModel, table=True):
    """A master key that is or was in use, by its fingerprint. The one that was never retired is the current one."""

    __tablename__ = "master_key"
    fingerprint: str = Field(primary_key=True)
    since: datetime = utc()
    retired_at: datetime | None = utc(default=None)  # another one took its place: nothing new is wrapped under it
    refused_at: datetime | None = utc(default=None)  # nothing is wrapped under it any more
    kit_at: datetime | None = utc(default=None)  # when its recovery kit was last made


class DataKey(SQLModel, table=True):
    """The key of one scope (the id of a lot, a reply, a credential …). Destroyed: zeros, and the day it was."""

    __tablename__ = "data_key"
    scope: str = Field(primary_key=True)
    wrapped: bytes
    master: str = Field(foreign_key="master_key.fingerprint", index=True)
    made_at: datetime = utc()
    destroyed_at: datetime | None = utc(default=None)
