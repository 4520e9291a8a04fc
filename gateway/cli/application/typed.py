"""What people type about an application, as values: days, practice numbers, facts for the forms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from gateway.applications.procedures import Fact
from gateway.errors import ConfigError
from gateway.identifiers import PRACTICE_NUMBER, TRANSMISSION_NUMBER
from gateway.messages import both

_DERIVED = frozenset({"practice", "account", "mandate_ends", "modification_new_software", "authoriser"})
_FACTS = [name for name in (*get_args(Fact), "agency_kind") if name not in _DERIVED]
_ABOUT_PEOPLE = frozenset({"user_identity", "user_signature", "other_authorisers"})  # written by hand, never kept
_TYPED = [name for name in _FACTS if name not in _ABOUT_PEOPLE]


def practice_of(text: str) -> str:
    """A practice number. Raises ConfigError."""
    if not text or text.startswith("admin:"):
        raise ConfigError(both("applications.practice_needed"))
    if PRACTICE_NUMBER.fullmatch(text) is None:
        raise ConfigError(both("applications.not_a_practice", text=text))
    return text


def facts_of(written: Iterable[str]) -> dict[str, str]:
    """`developer_name=…` as it was typed. Raises ConfigError."""
    facts = {}
    for text in written:
        name, _, value = text.partition("=")
        if name not in _TYPED or not value.strip():
            raise ConfigError(both("applications.fact_unknown", text=text, known=", ".join(_TYPED)))
        if name.endswith("_number") and TRANSMISSION_NUMBER.fullmatch(value) is None:
            raise ConfigError(both("applications.agency_number_shape", number=value))
        facts[name] = value.strip()
    return facts
