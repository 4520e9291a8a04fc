"""A name at the other side is a label, never a path: which names we take, and those we make beside them."""

from __future__ import annotations

import hashlib
import unicodedata

from gateway.errors import Denied
from gateway.platform import WINDOWS

SETTLED = "recus"  # the folder beside the deposit that keeps what was taken
MARKER = ".done"  # `lot.xml.done` says that lot.xml is whole
_TEMPORARY = ".part"
_LONGEST = 255  # bytes, on every file system we know
_LONGEST_END = 40  # characters of `-2.xml`; what is longer is no extension
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
_FORBIDDEN = {"/", "\\"} | ({":"} if WINDOWS else set())  # on Windows `a:b` is another stream or another drive


def is_label(name: str) -> bool:
    """Is this one plain file name: no separator, no control character, not `..`, encodable, of a usable length?"""
    if name in ("", ".", "..") or any(sign in name for sign in _FORBIDDEN):
        return False
    if any(unicodedata.category(sign) in _UNPRINTABLE for sign in name):
        return False
    return len(name.encode("utf-8")) <= _LONGEST


def is_listed(name: str) -> bool:
    """May a file of this name wait for us? Markers speak about another file, and our own unfinished files are ours."""
    return is_label(name) and not name.endswith(MARKER) and not (name.startswith(".") and name.endswith(_TEMPORARY))


def is_told(name: str) -> bool:
    """Is an entry that cannot be taken worth a word? Not what is hidden, ours, or about another file."""
    if is_label(name):
        return is_listed(name) and not name.startswith(".") and name != SETTLED
    return name not in ("", ".", "..")


def shown(name: str) -> str:
    """The name as text for people: itself where it is a label; else escaped where it must be, and cut to a length."""
    return name if is_label(name) else _fitted("".join(map(_escaped, name)), 0)


def _escaped(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # how a byte that is not UTF-8 is decoded
        return f"\\x{ord(sign) - 0xDC00:02x}"
    if sign == "\\" or unicodedata.category(sign) in _UNPRINTABLE:
        return sign.encode("unicode_escape").decode()
    return sign


def checked(name: str) -> str:
    """The name itself. Raises Denied when it is not a label."""
    if not is_label(name):
        raise Denied(f"{name!r} is not a plain file name; nothing was touched")
    return name


def temporary(name: str, token: str = "") -> str:
    """The name under which `name` lies until it is whole."""
    rest = f".{token}{_TEMPORARY}" if token else _TEMPORARY
    return f".{_fitted(name, len(rest) + 1)}{rest}"


def numbered(name: str, count: int) -> str:
    """`lot.xml`, `lot-2.xml`, `lot-3.xml` …"""
    if count < 2:
        return name
    stem, _, extension = name.rpartition(".")
    rest = f"-{count}.{extension}"
    if not stem or len(rest) > _LONGEST_END:
        stem, rest = name, f"-{count}"
    return f"{_fitted(stem, len(rest.encode()))}{rest}"


def _fitted(name: str, more: int) -> str:
    """The name where `more` bytes can follow it; else cut, with a few digits that tell it from others cut alike."""
    data = name.encode()
    if len(data) + more <= _LONGEST:
        return name
    mark = f"~{hashlib.sha256(data).hexdigest()[:8]}"
    return data[: _LONGEST - more - len(mark)].decode(errors="ignore") + mark
