"""What was purged: the bytes of one owner are gone for good, and its key with them. The rows stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Tombstone(SQLModel, table=True):
    """One owner of archived bytes (LOT-, RET-, COL-, PRV-) that is purged; committed before its files go."""

    owner: str = Field(primary_key=True)
    kind: str  # documents | statements
    purged_at: datetime = utc()
    purged_by: str
    files: int  # that it had
    size: int = Field(sa_type=BigInteger)  # bytes on the disk
    erased_at: datetime | None = utc(default=None)  # every file is gone, from the backup folder too where it was there
