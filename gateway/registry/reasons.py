"""Why an answer is what it is: a code, the facts it rests on, and the sentence in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from gateway.messages import Both, both


@dataclass(frozen=True, slots=True)
class Reason:
    """A code (in lower case a key of locales/routing.toml) and its facts: agencies, numbers and days; no patient."""

    code: str
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def says(self) -> Both:
        """The sentence, in both languages."""
        return both(f"routing.{self.code.lower()}", **self.facts)

    def public(self) -> dict[str, Any]:
        """For events and JSON: code, facts and sentences."""
        return {"code": self.code, "facts": dict(self.facts), "says": self.says}


def reason(code: str, **facts: object) -> Reason:
    """A reason whose facts are written: days as ISO 8601, an unknown one as a dash."""
    return Reason(code, MappingProxyType({name: _written(value) for name, value in facts.items()}))


def codes(reasons: Iterable[Reason]) -> list[str]:
    """The codes, each once, in their order."""
    return list(dict.fromkeys(one.code for one in reasons))


def _written(value: object) -> str:
    if value is None:
        return "–"
    return value.isoformat() if isinstance(value, date) else str(value)
