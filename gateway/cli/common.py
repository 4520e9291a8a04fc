"""What every command shares: where it looks, in which language it speaks, who acts."""

from __future__ import annotations

import getpass
import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.messages import say


@dataclass(frozen=True)
class Call:
    """One call of the command line."""

    config_file: Path | None
    state_dir: Path | None
    lang: str
    actor: str | None

    def say(self, key: str, /, **values: object) -> str:
        """A sentence in the language of this call."""
        return say(key, self.lang, **values)

    def tell(self, key: str, /, **values: object) -> None:
        """Print a sentence."""
        sys.stdout.write(self.say(key, **values) + "\n")
        sys.stdout.flush()  # a service's first sentence is wanted before its last

    def complain(self, text: str) -> None:
        """One sentence on the error stream."""
        sys.stderr.write(f"gateway: {text}\n")

    @property
    def who(self) -> str:
        """Who acts: --actor, else GATEWAY_ACTOR, else the system's user."""
        if named := self.actor or os.environ.get("GATEWAY_ACTOR", "").strip():
            return named
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a container user without a name
            return f"uid:{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def show_json(value: Any) -> None:
    """Print a value for machines: UTF-8 JSON, keys in their own order."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> str:
    """Moments and days as ISO 8601 writes them."""
    return str(value.isoformat()) if isinstance(value, date) else str(value)


def configured_language(config: str | None) -> str | None:
    """The configuration's language, read without judging the rest of the file (that is `config.load`'s business)."""
    try:
        return str(raw_config(config)["gateway"]["language"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def raw_config(config: str | None) -> dict[str, Any]:
    """The configuration file as it stands; raises OSError or ValueError."""
    file = Path(config or os.environ.get("GATEWAY_CONFIG") or "gateway.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def set_up_logs(level: int, form: str = "auto") -> None:
    """Begin to log. Only the commands that do load what it takes."""
    import_module("gateway.cli.logs").set_up_logs(level, form)


@contextmanager
def quietly(condition: bool, manager: Any) -> Iterator[Any]:
    """`manager` unless `condition`: a progress bar only where somebody looks."""
    with nullcontext() if condition else manager as value:
        yield value
