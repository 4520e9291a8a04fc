"""What the document of the invoices set aside is called (the request's number, and -R1, -R2 …), and other numbers for
invoices that are sent again, written over the old ones."""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.catalog import Locator

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


def next_last(base: str, *, used: Callable[[str], bool]) -> str:
    """A number joined of several with another last part: the next count of as many digits that nobody has used, after
    9999 from 0000 on. Raises ValueError where the last part is no count, or each one is used."""
    head, hyphen, last = base.rpartition("-")
    if not hyphen or not (last.isascii() and last.isdigit()):
        raise ValueError("the last part is no count")
    every = 10 ** len(last)
    turns = ((int(last) + more) % every for more in range(1, every))
    for turn in turns:
        if not used(number := f"{head}-{turn:0{len(last)}}"):
            return number
    raise ValueError("every count is used")


def written_over(invoice: str, locator: Locator, old: str, new: str) -> str:
    """The text of an invoice with `new` where its number `old` stood, and nothing else changed. Of a number joined of
    several attributes only the last one changes. Raises ValueError where it is not written plainly, once."""
    if len(locator) == 1:
        pattern, before, after = _element(locator[0]), old, new
    else:
        pattern, (head, _, before), (same, _, after) = _attribute(locator[-1]), old.rpartition("-"), new.rpartition("-")
        if head != same:
            raise ValueError("more than the last part is another")
    begin, begun, rest = _start(invoice) if len(locator) > 1 else ("", invoice, "")
    found = [match for match in re.finditer(pattern, begun) if match["value"] == before]
    if len(found) != 1:
        raise ValueError("the number is not written plainly, once")
    at = found[0].span("value")
    return f"{begin}{begun[: at[0]]}{after}{begun[at[1] :]}{rest}"


def _start(invoice: str) -> tuple[str, str, str]:
    """What stands before the invoice's own start tag, the tag with what follows it up to the next one, and the rest."""
    first = invoice.index("<")
    end = invoice.find("<", first + 1)
    return invoice[:first], invoice[first:end], invoice[end:]


def _element(step: str) -> str:
    if not re.fullmatch(r"[\w.-]+", step):
        raise ValueError("the number is no element of its own")
    return rf"<(?:[\w.-]+:)?{re.escape(step)}(?:\s[^<>]*)?>\s*(?P<value>[^<>]*?)\s*</"


def _attribute(step: str) -> str:
    if not re.fullmatch(r"@[\w.-]+", step):
        raise ValueError("the last part is no attribute of the invoice")
    return rf"""\s{re.escape(step[1:])}\s*=\s*(?P<quote>["'])(?P<value>[^"'<]*)(?P=quote)"""
