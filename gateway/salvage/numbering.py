"""What the document of the invoices set aside is called: the request's number, and -R1, -R2 …"""

from __future__ import annotations

import re
from collections.abc import Callable

_LONGEST = 40  # characters of a request number (FORMATS section 1)
_TURN = re.compile(r"(.+)-R([1-9][0-9]*)")


def next_number(base: str, *, given: Callable[[str], bool], used: Callable[[str], bool]) -> str:
    """`<base>-R<n>`, with the first n that nobody has used. Where `base` was itself given so, counting goes on from it:
    X, X-R1, X-R2. A base too long for a number of its own loses its last characters."""
    turn = 0
    if (found := _TURN.fullmatch(base)) is not None and given(base):
        base, turn = found[1], int(found[2])
    while True:
        turn += 1
        suffix = f"-R{turn}"
        number = f"{base[: _LONGEST - len(suffix)]}{suffix}"
        if not used(number):
            return number
