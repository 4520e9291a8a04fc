"""Who bills and with what: practitioners and their numbers, groups, developers and software."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from gateway.models.columns import utc
from gateway.models.facts import Fact


class Practitioner(SQLModel, table=True):
    """Known by one of its practice numbers; the others are `PracticeNumber`s."""

    id: str = Field(primary_key=True)
    name: str | None = None
    profession: str  # a word of registry/words.py
    class_digit: str | None = None  # the payer's class, the first digit of most numbers (DOMAIN section 4)
    recorded_at: datetime = utc()


class PracticeNumber(Fact, table=True):
    """PNU-: another form (6 or 7 digits) of a practitioner's number. Written down, never computed: the last digit of
    the long form follows no published rule (DOMAIN section 4)."""

    __tablename__ = "practice_number"
    PREFIX: ClassVar[str] = "PNU"
    SUBJECT: ClassVar[tuple[str, ...]] = ("number",)
    VALUE: ClassVar[tuple[str, ...]] = ("practitioner_id",)
    number: str = Field(index=True)
    practitioner_id: str = Field(foreign_key="practitioner.id", index=True)


class PractitionerStanding(Fact, table=True):
    """PST-: what a practitioner is to the payer. Nothing said: participating."""

    __tablename__ = "practitioner_standing"
    PREFIX: ClassVar[str] = "PST"
    SUBJECT: ClassVar[tuple[str, ...]] = ("practitioner_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("standing",)
    practitioner_id: str = Field(foreign_key="practitioner.id", index=True)
    standing: str  # participating | non_participating | disengaged | moved | retired


class PracticeGroup(SQLModel, table=True):
    """GRP-: practitioners who practise together (regroupement); it may have an agency of its own."""

    __tablename__ = "practice_group"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    recorded_at: datetime = utc()


class GroupMember(Fact, table=True):
    """GME-: a practitioner of a group."""

    __tablename__ = "group_member"
    PREFIX: ClassVar[str] = "GME"
    SUBJECT: ClassVar[tuple[str, ...]] = ("group_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("practitioner_id",)
    ONE: ClassVar[bool] = False
    group_id: str = Field(foreign_key="practice_group.id", index=True)
    practitioner_id: str = Field(foreign_key="practitioner.id", index=True)


class Developer(SQLModel, table=True):
    """A software developer, by the number the payer gave it."""

    id: str = Field(primary_key=True)
    name: str
    recorded_at: datetime = utc()


class Software(Fact, table=True):
    """SOF-: a developer's software, in a version the payer recognises between dates."""

    PREFIX: ClassVar[str] = "SOF"
    SUBJECT: ClassVar[tuple[str, ...]] = ("developer_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("name", "version")
    ONE: ClassVar[bool] = False
    developer_id: str = Field(foreign_key="developer.id", index=True)
    name: str
    version: str


class DeclaredSoftware(Fact, table=True):
    """DSO-: what a source declared to the payer that it bills with (form 3988). None: it did not say."""

    __tablename__ = "declared_software"
    PREFIX: ClassVar[str] = "DSO"
    SUBJECT: ClassVar[tuple[str, ...]] = ("source_id",)
    VALUE: ClassVar[tuple[str, ...]] = ("developer", "name", "version")
    source_id: str = Field(foreign_key="source.id", index=True)
    developer: str | None = None  # a number; its developer need not be in the registry
    name: str
    version: str | None = None
