"""The words and shapes a registry may use, in its file and in its tables."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.identifiers import ACCOUNT, PRACTICE_NUMBER, TRANSMISSION_NUMBER

# What may be forgiven a software, by name: those of validation/encoding.py (tests/test_encodings.py says so).
TOLERANCES = ("utf16_declared", "iso_8859_1", "windows_1252")
AgencyKind = Literal["commercial", "in_practice", "solo"]
AgencyStands = Literal["migrated", "unrecognised", "suspended"]
AccountKind = Literal["personal", "admin_individual", "admin_collective"]
Channel = Literal["facturacte"]
# Letters 000 to 004 name these; whoever else bills fee-for-service is `other`.
Profession = Literal[
    "general_practitioner",
    "specialist",
    "dentist",
    "oral_surgeon",
    "optometrist",
    "denturist",
    "dental_hygienist",
    "other",
]
Stands = Literal["participating", "non_participating", "disengaged", "moved", "retired"]
Route = Literal["paper", "agency"]


def _number(text: str) -> str:
    if TRANSMISSION_NUMBER.fullmatch(text) is None:
        raise PydanticCustomError("registry.number_shape", "five digits")
    return text


def _practice(text: str) -> str:
    if PRACTICE_NUMBER.fullmatch(text) is None:
        raise PydanticCustomError("registry.practice_shape", "six or seven digits")
    return text


def _account(text: str) -> str:
    if ACCOUNT.fullmatch(text) is None:
        raise PydanticCustomError("registry.account_shape", "personal:<practice number> or admin:<5 digits>")
    return text


def _tolerance(text: str) -> str:
    if text not in TOLERANCES:
        raise PydanticCustomError("registry.tolerance_unknown", "none", {"known": ", ".join(TOLERANCES)})
    return text


Number = Annotated[str, AfterValidator(_number)]
Practice = Annotated[str, AfterValidator(_practice)]
AccountName = Annotated[str, AfterValidator(_account)]
Tolerance = Annotated[str, AfterValidator(_tolerance)]
Name = Annotated[str, Field(min_length=1)]
Day = Annotated[date, Field(strict=True)]
