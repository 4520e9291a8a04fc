"""Every sentence a person sees, in French and English. One file per room in `locales/`, both languages side by side.

    # locales/collect.toml
    [received]
    fr = "Lot reçu : {name}"
    en = "Lot received: {name}"

is `say("collect.received", "fr", name=…)`.
"""

from __future__ import annotations

import errno
import locale
import os
import tomllib
from collections.abc import Mapping
from functools import cache

from gateway.platform import WINDOWS
from gateway.resources import locales_dir

LANGUAGES = ("fr", "en")
Both = dict[str, str]  # {"fr": …, "en": …}
_REFUSALS = {
    errno.ENOENT: "not_there",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EISDIR: "folder",
    errno.ENOTDIR: "no_folder",
    errno.EEXIST: "exists",
    errno.ENOSPC: "full",
    errno.EROFS: "read_only",
    errno.EADDRINUSE: "busy",
}


@cache
def room(name: str) -> Mapping[str, Both]:
    """The sentences of one room: key → both languages. KeyError-free: an unknown room is a FileNotFoundError."""
    with (locales_dir() / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def say(key: str, lang: str, /, **values: object) -> str:
    """The sentence `room.key` in `lang`, with its {values} filled in."""
    where, _, what = key.partition(".")
    return room(where)[what][lang].format(**values)


def both(key: str, /, **values: object) -> Both:
    """The sentence in both languages."""
    return {lang: say(key, lang, **values) for lang in LANGUAGES}


def side_by_side(key: str, /, **values: object) -> str:
    """The sentence in both languages, for an exception that cannot know its reader's."""
    return " / ".join(both(key, **values).values())


def why_not(error: OSError) -> Both:
    """What the operating system had against it; what is rare stays in the system's own words."""
    key = _REFUSALS.get(error.errno or 0)
    return both(f"system.{key}") if key else dict.fromkeys(LANGUAGES, error.strerror or type(error).__name__)


def resolve_language(option: str | None, configured: str | None = None) -> str:
    """--lang, else GATEWAY_LANG, else the locale when it is English or French, else the configuration's, else fr."""
    for wish in (option, os.environ.get("GATEWAY_LANG"), _locale(), configured):
        short = (wish or "")[:2].lower()
        if short in LANGUAGES:
            return short
    return "fr"


def _locale() -> str | None:
    """The locale's name. Not asked of Python elsewhere than on Windows: it calls the neutral C.UTF-8 English."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, named), None) or (locale.getlocale()[0] if WINDOWS else None)
