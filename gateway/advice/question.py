"""What is asked: whose service, of which day, and what became of it so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Profession = Literal[
    "dentist", "oral_surgeon", "optometrist", "general_practitioner", "specialist", "denturist", "dental_hygienist"
]
Kind = Literal["act", "travel", "hourly", "salary", "reimbursement"]
Billed = Literal["none", "old", "new", "paper"]
YesNo = Literal["yes", "no"]
Asker = Literal["professional", "staff", "commercial_agency"]
Way = Literal["facturacte", "paper", "software"]
Tie = Literal["free", "migrated", "not_migrated"]
PROFESSIONS: tuple[Profession, ...] = (
    "dentist",
    "oral_surgeon",
    "optometrist",
    "general_practitioner",
    "specialist",
    "denturist",
    "dental_hygienist",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One service and what is known about billing it. Days are Toronto's."""

    profession: Profession
    service: date
    today: date
    kind: Kind = "act"
    first_billed: Billed = "none"  # where it was billed already; none: not yet
    old_software: YesNo | None = None  # access to the old system through software; None: nobody said
    statement: date | None = None  # the newest statement that shows it, or its refusal
    refused: str | None = None  # the number of the refused request
    adds: date | None = None  # date of a service that a modification would add
    by: Asker | None = None
    via: Way | None = None
    account: Tie | None = None  # to an agency
    practice: str | None = None  # an extension may be for one practice number
