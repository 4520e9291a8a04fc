"""What somebody should know of now, who is told, and the messages that tell it: nothing of a patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from gateway.models.columns import utc


class Alert(SQLModel, table=True):
    """ALE-: one cause at one place (an agency, a mailbox), from when it was first seen until it is over. What happens
    again meanwhile adds to it."""

    id: str = Field(primary_key=True)
    kind: str  # the cause: a key of locales/alerts.toml
    subject: str  # where: a mailbox, an agency with a code …
    agency_id: str | None = Field(default=None, index=True)  # whose business it is; None: the installation's only
    open_key: str | None = Field(default=None, unique=True)  # kind and subject, until it is over: one alert at a time
    severity: str  # notice | warning | critical
    level: int  # how bad by the kind's own measure; told again when it rises
    things: int  # how many things it is about now
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # codes, our ids, numbers, days
    state: str = Field(index=True)
    reason: str | None = None
    opened_at: datetime = utc()
    last_seen_at: datetime = utc()
    told_at: datetime = utc()  # when it was last put on the way to anybody
    resolved_at: datetime | None = utc(default=None)
    seen_by: str | None = None  # the person who said that they are on it
    said: str | None = None


class AlertNotice(SQLModel, table=True):
    """NOT-: one recipient is to be told one thing of one alert; by which message, once it is written."""

    __tablename__ = "alert_notice"
    id: str = Field(primary_key=True)
    alert_id: str = Field(foreign_key="alert.id", index=True)
    recipient: str = Field(index=True)  # a name of gateway.toml
    what: str  # opened | worse | still | resolved
    severity: str
    created_at: datetime = utc()
    message_id: str | None = Field(default=None, index=True)


class Message(SQLModel, table=True):
    """MSG-: what is to be told to one recipient, written down before anything leaves. Sent again after a crash it has
    the same id and the same bytes, so that the receiver can tell."""

    id: str = Field(primary_key=True)
    recipient: str = Field(index=True)
    kind: str  # alerts | anchor
    body: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = utc()
    attempts: int = 0
    next_try_at: datetime | None = utc(default=None)
    sent_at: datetime | None = utc(default=None)
    given_up_at: datetime | None = utc(default=None)
    last_error: str | None = None  # a code
