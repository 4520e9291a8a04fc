"""A pattern of a schema as one of Python's that takes some of the same values, and no others.

It may take fewer, and where the schema's language says what is not followed here there is none. Characters that mean
more than themselves in XML, and line breaks, are never taken: what is taken stands in a document as it is.

Python's `re` tries one way after the other. Where a value could make it try many (something that varies, repeated; two
repetitions without end) there is no pattern either: what a document holds must not decide how long judging takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MARKUP = "<>&"
_CONTROLS = "\\x00-\\x1f\\x7f-\\x9f\\ufffe\\uffff"
_QUANTIFIER = re.compile(r"[?*+]|\{(?P<least>\d+)(?:(?P<more>,)(?P<most>\d*))?\}")
_ENDLESS = 100  # times: more than these count as without end
_MOST_WAYS = 10_000
_MEANS_MORE = set(".\\?*+{}()|[]")  # outside brackets, unless a backslash stands before it
_ESCAPED = set("\\|.-^?*+{}()[]")  # what a backslash makes stand for itself


@dataclass(slots=True)
class _Step:
    """One atom of a pattern; how often it is there, as it is written and at least, and whether without end."""

    atom: str
    often: str
    least: int
    endless: bool


class _UnknownError(Exception):
    """The pattern says something that this reading of it does not follow."""


def never(quote: str) -> str:
    """What no value may hold, as the inside of brackets. `quote`: what an attribute's value stands in, if any."""
    return MARKUP + quote + _CONTROLS


@lru_cache(maxsize=1024)
def translated(pattern: str, quote: str) -> str | None:
    """The pattern, without groups that take anything; None where it says something that is not followed here."""
    reader = _Reader(pattern, quote)
    try:
        found = reader.alternatives()
        re.compile(found)
    except (_UnknownError, IndexError, OverflowError, ValueError, re.error):
        return None
    return f"(?:{found})" if reader.at == len(pattern) else None


class _Reader:
    def __init__(self, pattern: str, quote: str) -> None:
        self._pattern, self._never = pattern, never(quote)
        self._is_never = re.compile(f"[{self._never}]").match
        self.at = 0
        self._varying = 0  # choices there were so far: how often, which of several
        self._endless = False
        self._ways = 1  # of matching, at most, but for what has no end

    def alternatives(self) -> str:
        found = [self._sequence()]
        while self._here() == "|":
            self.at += 1
            self._varying += 1
            found.append(self._sequence())
        return "|".join(found)

    def _sequence(self) -> str:
        found: list[_Step] = []
        while self._here() not in ("", "|", ")"):
            before = self._varying
            atom = self._atom()
            found.append(self._step(atom, varies=self._varying > before))
        for step, following in zip(found, [*found[1:], None], strict=False):
            if step.endless and following is not None and following.least and _differ(step.atom, following.atom):
                step.often += "+"  # it ends where the next begins: nothing else is ever tried
            elif step.endless and self._endless:
                raise _UnknownError
            else:
                self._endless |= step.endless
        return "".join([step.atom + step.often for step in found])

    def _here(self) -> str:
        return self._pattern[self.at : self.at + 1]

    def _next(self) -> str:
        self.at += 1
        return self._pattern[self.at - 1]

    def _step(self, atom: str, *, varies: bool) -> _Step:
        """An atom and how often it is there; what `varies` itself may be there once, or not at all."""
        found = _QUANTIFIER.match(self._pattern, self.at)
        if found is None:
            return _Step(atom, "", 1, endless=False)
        self.at = found.end()
        most = _most(found)
        if varies and most != 1:
            raise _UnknownError
        self._varying += found[0] in ("?", "*", "+") or bool(found["more"])
        least = 1 if found[0] == "+" else int(found["least"] or 0)
        endless = most is None or most > _ENDLESS
        self._ways *= 1 if endless or most is None else most - least + 1
        if self._ways > _MOST_WAYS:
            raise _UnknownError
        return _Step(atom, found[0], least, endless=endless)

    def _atom(self) -> str:
        sign = self._next()
        if sign == "(":
            inside = self.alternatives()
            if self._next() != ")":
                raise _UnknownError
            return f"(?:{inside})"
        if sign == "[":
            return self._brackets()
        if sign == ".":
            return f"[^{self._never}]"
        if sign == "\\" and self._here() == "S":
            self.at += 1
            return f"[^ {self._never}]"
        if sign == "\\":
            return self._escape()
        if sign in _MEANS_MORE:
            raise _UnknownError
        return self._itself(sign)

    def _itself(self, sign: str) -> str:
        if self._is_never(sign):
            raise _UnknownError
        return re.escape(sign)

    def _escape(self) -> str:
        sign = self._next()
        if sign == "d":
            return "[0-9]"  # the schema's takes the digits of every script
        if sign not in _ESCAPED:
            raise _UnknownError
        return self._itself(sign)

    def _brackets(self) -> str:
        """One character of some, or of all others."""
        other = self._here() == "^"
        self.at += other
        items = ""
        while self._here() != "]" or not items:
            items += self._item(other=other)
        self.at += 1
        if other:
            return f"[^{items}{self._never}]"
        return f"(?:(?![{self._never}])[{items}])" if self._holds_markup(items) else f"[{items}]"

    def _item(self, *, other: bool) -> str:
        """One character or a range; a class taken away from another is not followed, nor digits that are not meant:
        those of the schema are of every script."""
        first = self._next()
        if first == "[" or (first == "-" and self._here() != "]"):
            raise _UnknownError
        if first == "\\":
            first = self._next()
            if first == "d" and not other:
                return "0-9"
            if first not in _ESCAPED:
                raise _UnknownError
        if self._here() != "-" or self._pattern[self.at + 1 : self.at + 2] == "]":
            return re.escape(first)
        self.at += 1
        last = self._next()
        if last in "[\\-":
            raise _UnknownError
        return f"{re.escape(first)}-{re.escape(last)}"

    def _holds_markup(self, items: str) -> bool:
        among = re.compile(f"[{items}]")
        return any(self._is_never(sign) and among.match(sign) for sign in map(chr, [*range(0xA0), 0xFFFE, 0xFFFF]))


def _most(quantifier: re.Match[str]) -> int | None:
    """How often at most; None for any number of times."""
    if quantifier["least"] is None:
        return 1 if quantifier[0] == "?" else None
    most = quantifier["most"] if quantifier["more"] else quantifier["least"]
    return int(most) if most else None


def _differ(one: str, other: str) -> bool:
    """Whether two atoms are one character each, and never the same; of most characters there are."""
    if one.startswith("(") or other.startswith("("):
        return False
    first, second = re.compile(one), re.compile(other)
    return not any(first.fullmatch(sign) and second.fullmatch(sign) for sign in map(chr, range(0x180)))
