"""What every dated fact of the registry is made of: two lines of time, neither ever rewritten.

`valid_from` to `valid_to` is when it holds in the world, both days included; `recorded_at` to `superseded_at` is when
this registry said so. A fact is corrected or ended by a new row; the old one only gets its `superseded_at`. The
database itself refuses any other change (store/guards.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from gateway.models.columns import utc

ALWAYS = date.min  # the first day of what has no known beginning
STAGED = datetime(9999, 12, 31, tzinfo=UTC)  # recorded_at of rows written ahead: nobody reads them yet


class Fact(SQLModel):
    """A dated fact. `SUBJECT` names what it is about, `VALUE` what it says of it; the two and the first day are its
    natural key. `MORE` may be corrected. Where `ONE` is true, a subject has one value on any day."""

    PREFIX: ClassVar[str]
    SUBJECT: ClassVar[tuple[str, ...]]
    VALUE: ClassVar[tuple[str, ...]] = ()
    MORE: ClassVar[tuple[str, ...]] = ()
    ONE: ClassVar[bool] = True

    id: str = Field(primary_key=True)
    valid_from: date
    valid_to: date | None = None  # last day it holds; None: still
    recorded_at: datetime = utc()
    recorded_by: str = ""
    superseded_at: datetime | None = utc(default=None)
    superseded_by: str | None = None

    @classmethod
    def natural_columns(cls) -> tuple[str, ...]:
        """The columns that make two rows the same fact."""
        return (*cls.SUBJECT, *cls.VALUE, "valid_from")

    @classmethod
    def word(cls) -> str:
        """What the family is called in events, sentences and tables."""
        return str(cls.__tablename__)
