"""The numbers of this field: transmission, practice and health insurance numbers, accounts, and our own ids.

Numbers that identify are strings, compared exactly. Sources: DOMAIN section 4, FORMATS sections 1 and 2.
"""

from __future__ import annotations

import re
from datetime import date
from operator import mul

import uuid_utils

TRANSMISSION_NUMBER = re.compile(r"[0-9]{5}", re.ASCII)
REQUEST_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
PRACTICE_NUMBER = re.compile(r"[0-9]{6,7}", re.ASCII)
ACCOUNT = re.compile(r"personal:[0-9]{6,7}|admin:[0-9]{5}", re.ASCII)
NAM = re.compile(r"[A-Z]{4}[0-9]{6}[A-Z0-9][0-9]", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)
_NAM_WEIGHTS = (1, 3, 7, 9, 1, 7, 1, 3, 4, 5, 7, 6, 9, 1)


def new_id(prefix: str) -> str:
    """An id of ours: `LOT-`, `DEM-`, `FAC-`, `RET-` … and a UUIDv7, so that ids sort by time."""
    return f"{prefix}-{uuid_utils.uuid7()}"


def lane(payer: str, number: str) -> str:
    """The endpoint that one transmission number at one payer is: `payer:number`. No payer's name has a colon."""
    return f"{payer}:{number}"


def of_lane(endpoint: str) -> tuple[str, str]:
    """The payer and the transmission number of such an endpoint."""
    payer, _, number = endpoint.partition(":")
    return payer, number


def is_test_number(number: str) -> bool:
    """18000 to 18999 is the developers' test range (FORMATS section 4)."""
    return TRANSMISSION_NUMBER.fullmatch(number) is not None and "18000" <= number <= "18999"


def is_device_name(name: str) -> bool:
    """Whether Windows reserves the name (CON, NUL, COM1 …): it cannot be a file there."""
    return _RESERVED.fullmatch(name) is not None


def nam_check_digit(first_eleven: str, birth_year: int) -> str:
    """The check digit of a health insurance number, for the four-digit `birth_year` it does not encode.

    Published in one open validator, not by the payer: a mismatch is a warning, never a refusal (DOMAIN section 4).
    """
    month = first_eleven[6:8]
    sex, month = ("F", f"{int(month) - 50:02d}") if month > "50" else ("M", month)
    expanded = f"{first_eleven[:4]}{birth_year}{sex}{month}{first_eleven[8:]}"
    return str(sum(map(mul, _NAM_WEIGHTS, expanded.encode("cp037"))) % 10)


def make_nam(surname: str, given: str, born: date, female: bool, sequence: str = "1") -> str:
    """A structurally right number for an invented person. ASCII capital letters in, 12 characters out."""
    letters = (surname + "XXX")[:3] + given[0]
    eleven = f"{letters}{born:%y}{born.month + (50 if female else 0):02d}{born:%d}{sequence}"
    return eleven + nam_check_digit(eleven, born.year)
