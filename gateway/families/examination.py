"""Everything asked of a schema family before it may judge anything, the cheap and safe questions first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.families import engines, ruling, sources
from gateway.families.contents import FILE, catalog_problems, toml
from gateway.families.folder import NAME
from gateway.families.patterns import parsed, suspect
from gateway.families.problems import Problem, problem
from gateway.families.trial import Tried, tried

START = 20.0  # seconds for a process to begin; a slow machine needs some
PATTERN = 2.0  # seconds for one pattern and all its texts
WHOLE = 120.0  # seconds between two findings while schemas are compiled and samples judged
_HANGS = 5  # patterns that hang before the rest is left alone


def examined(folder: Path) -> list[Problem]:
    """What is wrong with the family in this folder, whose name is the family's. Nothing in it is trusted: what an
    engine reads, it reads in a process that can be killed."""
    if not NAME.fullmatch(folder.name):
        return [problem("name", place=folder.name[:80])]
    if not (folder / FILE).is_file():
        return [problem("no_catalog")]
    found = [*_texts(folder), *sources.schema_problems(folder)]
    if any(one.stops for one in found):
        return found
    found += _patterns(folder)
    if any(one.stops for one in found):
        return found
    return [*found, *_engines(folder)]


def _texts(folder: Path) -> Iterator[Problem]:
    files = {name: toml(folder, name) for name in (FILE, ruling.FILE, ruling.MESSAGES)}
    yield from (data for data in files.values() if isinstance(data, Problem))
    data, rules, messages = files.values()
    if isinstance(data, Problem):
        return
    yield from catalog_problems(folder, data)
    documents = [d for d in _list(data.get("document")) if isinstance(d, dict)]
    if not isinstance(rules, Problem):
        yield from ruling.rule_problems(rules.get("rule", []), documents)
        for place, pattern in ruling.patterns(rules.get("rule", [])):
            if found := sources.pattern_problem(ruling.FILE, place, pattern):
                yield found
    if not isinstance(messages, Problem):
        yield from ruling.message_problems(messages)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _patterns(folder: Path) -> Iterator[Problem]:
    """Try every pattern; one that hangs is told, and the next ones get a new process."""
    rules = toml(folder, ruling.FILE)
    listed = [(*pattern, True) for pattern in sources.patterns(folder)]
    if isinstance(rules, dict):
        listed += [(ruling.FILE, place, text, False) for place, text in ruling.patterns(rules.get("rule"))]  # type: ignore[misc]
    suspects = [one for one in listed if suspect(parsed(one[2]))]
    left = list({(text, of_schema): (file, place) for file, place, text, of_schema in suspects}.items())
    for _ in range(_HANGS):
        if not left:
            return
        outcome = tried(engines.try_patterns, [what for what, _ in left], seconds=PATTERN, first=START)
        if outcome.ended:
            return
        (text, _), (file, place) = left[len(outcome.results)]
        yield problem("pattern_explodes", file, place, pattern=text[:80])
        left = left[len(outcome.results) + 1 :]


def _engines(folder: Path) -> list[Problem]:
    outcome: Tried = tried(engines.examine, folder, seconds=WHOLE, first=START)
    found: list[Problem] = list(outcome.results)
    return found if outcome.ended else [*found, problem("costs_too_much")]
