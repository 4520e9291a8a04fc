"""Names inside an archive: labels, never paths. What no honest program writes is told in one sentence each."""

from __future__ import annotations

import re
import unicodedata

_DRIVE = re.compile(r"[A-Za-z]:")
_FORMAT = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, invisible and direction marks, lone surrogates, line breaks
# What systems add to an archive by themselves: neither documents nor defects.
_CLUTTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


def is_clutter(name: str) -> bool:
    """Whether a system put this member there by itself."""
    return _CLUTTER.search(name) is not None


def defect(name: str, name_bytes: int) -> str | None:
    """Which of our sentences (locales/validation.toml) says what is wrong with the name; None when nothing is.

    It is also judged as it would look after Unicode's compatibility forms: full-width dots are dots somewhere.
    """
    for form in (name, unicodedata.normalize("NFKC", name)):
        if found := _defect(form, name_bytes):
            return found
    return None


def same(name: str) -> str:
    """Two names for which this is the same are one name on some system."""
    return unicodedata.normalize("NFKC", name).casefold()


def _defect(name: str, name_bytes: int) -> str | None:
    if "\0" in name:
        return "name_nul"
    if "\\" in name:
        return "name_backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "name_absolute"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "name_upwards"
    if "." in parts or "" in parts:
        return "name_empty"
    if any(unicodedata.category(character) in _FORMAT for character in name):
        return "name_invisible"
    return "name_long" if len(name.encode("utf-8", "replace")) > name_bytes else None
