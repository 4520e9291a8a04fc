"""Regular expressions read just far enough to see which may explode, and to write the texts that would make them.

XSD's and Python's dialects, as far as they share their shape: branches, groups, classes, escapes, quantifiers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from elementpath.regex import RegexError, translate_pattern

_MANY = 10  # repeats from which a bounded quantifier counts as unbounded
_QUANTIFIER = re.compile(r"([?*+]|\{(\d+)(,?)(\d*)\})[?+]?")
_GROUP = re.compile(r"\((?:\?(?:P?<\w+>|<?[=!]|[a-zA-Z]*:))?")
_CATEGORY = re.compile(r"\\[pP]\{[^}]*\}|\\.", re.DOTALL)
_SAMPLES = "aA0 -._,:/x1Zéb\n¦"
_BRANCHES = 4  # of one group, tried as the repeated text
_LENGTHS = (30, 2000)  # repeats that show exponential, and steep polynomial, cost


@dataclass(frozen=True, slots=True)
class Item:
    """One repeated thing: a character (as its source is written), or a group of branches."""

    atom: str | tuple[tuple[Item, ...], ...]
    low: int
    high: int | None  # None: without end

    @property
    def varies(self) -> bool:
        return self.high is None or self.high > max(self.low, 1)

    @property
    def loops(self) -> bool:
        return self.high is None or self.high >= _MANY

    @property
    def nullable(self) -> bool:
        return self.low == 0 or (isinstance(self.atom, tuple) and any(all(i.nullable for i in b) for b in self.atom))


Branch = tuple[Item, ...]


def parsed(pattern: str) -> tuple[Branch, ...]:
    """The branches of a pattern. Raises ValueError where it does not hold together."""
    reader = _Reader(pattern)
    branches = reader.branches()
    if reader.at < len(pattern):
        raise ValueError("a bracket closes that was not opened")
    return branches


def explodes(branches: tuple[Branch, ...]) -> bool:
    """Whether a repeat is directly in a repeat, with nothing between them that must be there: `(a+)+`, `(a*b?)*`."""
    for item in (item for branch in branches for item in branch):
        if isinstance(item.atom, tuple):
            if item.loops and any(map(_repeats_itself, item.atom)):
                return True
            if explodes(item.atom):
                return True
    return False


def suspect(branches: tuple[Branch, ...]) -> bool:
    """Whether the pattern repeats a group, or more than one thing: one repeated character alone cannot explode."""
    return _loops_of(branches) > 1


def _loops_of(branches: tuple[Branch, ...]) -> int:
    items = [item for branch in branches for item in branch]
    groups = sum(_loops_of(item.atom) + item.loops for item in items if isinstance(item.atom, tuple))
    return groups + sum(item.loops for item in items) if items else 0


def _repeats_itself(branch: Branch) -> bool:
    needed = [item for item in _inlined(branch) if not item.nullable]
    if not needed:
        return any(item.varies for item in branch)
    return len(needed) == 1 and needed[0].varies


def _inlined(branch: Branch) -> Iterator[Item]:
    """Groups that are there exactly once are no groups."""
    for item in branch:
        if isinstance(item.atom, tuple) and (item.low, item.high) == (1, 1) and len(item.atom) == 1:
            yield from _inlined(item.atom[0])
        else:
            yield item


def attacks(pattern: str) -> Iterator[str]:
    """Texts that cost most if the pattern explodes: what a repeat takes, many times, and then what it does not."""
    for prefix, body in _loops(parsed(pattern), ""):
        for length in _LENGTHS:
            yield from (f"{prefix}{body * length}{end}" for end in ("¦", "\t", ""))


def _loops(branches: tuple[Branch, ...], before: str) -> Iterator[tuple[str, str]]:
    for branch in branches:
        prefix = before
        for item in branch:
            if isinstance(item.atom, tuple):
                if item.loops:
                    yield from ((prefix, body) for body in _bodies(item.atom))
                yield from _loops(item.atom, prefix)
            elif item.loops:
                yield prefix, _text((Item(item.atom, 1, 1),))
            prefix += _text((item,))


def _bodies(branches: tuple[Branch, ...]) -> Iterator[str]:
    for branch in branches[:_BRANCHES]:
        yield from filter(None, {_text(branch), _text(branch, spare=True)})


def _text(branch: Branch, *, spare: bool = False) -> str:
    """A short text the branch takes; what may be absent is there once, or (`spare`) not at all."""
    text = ""
    for item in branch:
        times = item.low if item.low or spare else 1
        one = _character(item.atom) if isinstance(item.atom, str) else _text(item.atom[0], spare=spare)
        text += one * min(times, _MANY)
    return text


@lru_cache(maxsize=1024)
def _character(atom: str) -> str:
    try:
        known = re.compile(translate_pattern(atom))
    except (ValueError, re.error, RegexError):  # a rule's pattern is in Python's dialect
        return "a"
    return next((character for character in _SAMPLES if known.search(character)), "a")


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern, self.at, self._depth = pattern, 0, 0

    def branches(self) -> tuple[Branch, ...]:
        found: list[list[Item]] = [[]]
        while self.at < len(self._pattern) and self._pattern[self.at] != ")":
            if self._pattern[self.at] == "|":
                self.at += 1
                found.append([])
            else:
                found[-1].append(self._item())
        return tuple(map(tuple, found))

    def _item(self) -> Item:
        atom = self._atom()
        found = _QUANTIFIER.match(self._pattern, self.at)
        if found is None:
            return Item(atom, 1, 1)
        self.at = found.end()
        if found[2] is None:
            low, high = {"?": (0, 1), "*": (0, None), "+": (1, None)}[found[1]]
            return Item(atom, low, high)
        return Item(atom, int(found[2]), int(found[4]) if found[4] else None if found[3] else int(found[2]))

    def _atom(self) -> str | tuple[Branch, ...]:
        start = self.at
        if opening := _GROUP.match(self._pattern, start):
            return self._group(opening.end())
        if self._pattern[start] == "[":
            self._bracket()
        else:
            found = _CATEGORY.match(self._pattern, start)
            self.at = found.end() if found else start + 1
        return self._pattern[start : self.at]

    def _group(self, inside: int) -> tuple[Branch, ...]:
        self._depth += 1
        if self._depth > 50:
            raise ValueError("groups in groups without end")
        self.at = inside
        branches = self.branches()
        if self.at >= len(self._pattern):
            raise ValueError("a bracket is not closed")
        self.at, self._depth = self.at + 1, self._depth - 1
        return branches

    def _bracket(self) -> None:
        """Over a class, and the classes taken from it."""
        self.at += 1
        if self._pattern[self.at : self.at + 1] == "^":
            self.at += 1
        self.at += self._pattern[self.at : self.at + 1] == "]"
        while self.at < len(self._pattern) and self._pattern[self.at] != "]":
            if self._pattern[self.at] == "[":
                self._bracket()
            else:
                self.at += 2 if self._pattern[self.at] == "\\" else 1
        if self.at >= len(self._pattern):
            raise ValueError("a class is not closed")
        self.at += 1
