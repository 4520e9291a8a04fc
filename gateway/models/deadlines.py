"""What was told of a limit that comes near: each threshold once, and what a person said to it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class DeadlineAlert(SQLModel, table=True):
    """ALR-: the invoices of one request with one oldest service, at one threshold. Facts are those of the day it was
    raised; whether it still holds is asked anew."""

    __tablename__ = "deadline_alert"
    __table_args__ = (UniqueConstraint("request_id", "service", "threshold"),)
    id: str = Field(primary_key=True)
    agency_id: str
    request_id: str = Field(foreign_key="request.id")
    service: date
    threshold: int  # days left at which it is told; -1: the last day has passed
    last: date  # the last day, as it was counted then
    invoices: int
    cents: int | None = Field(default=None, sa_type=BigInteger)  # None: no amount is known
    raised_at: datetime = utc()
    dismissed_at: datetime | None = utc(default=None)
    dismissed_by: str | None = None
    said: str | None = None  # why a person dismissed it
