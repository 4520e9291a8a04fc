"""Writes tables of TOML that the gateway proposes to people: the same text reads back as the same values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date


def table(heading: str, /, **values: object) -> str:
    """One table; `start` is the key `from`, what is None is left out. Days, texts, lists, booleans, and tables of
    texts."""
    lines = [f"[[{heading}]]"]
    for key, value in values.items():
        if value is not None:
            lines.append(f"{'from' if key == 'start' else key} = {_written(value)}")
    return "\n".join(lines) + "\n"


def _written(value: object) -> str:
    """JSON's texts, lists and booleans are TOML's, but for the one character JSON leaves as it is."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_written(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
