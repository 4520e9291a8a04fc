"""Which encoding a document is in, judged from its first bytes: UTF-8, or UTF-16 that says so. ISO-8859-1 and
Windows-1252 where they are tolerated; all else is refused."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from encodings import normalize_encoding
from encodings.aliases import aliases

_DECLARATION = re.compile(r"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'>]*)["']""")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_ASCII = {  # how "<" or "<?" looks in an encoding we do not take, when no byte order mark says it
    b"\x00\x00\x00<": "UTF-32",
    b"<\x00\x00\x00": "UTF-32",
    b"\x00<": "UTF-16",
    b"<\x00": "UTF-16",
    b"\x4c\x6f\xa7\x94": "EBCDIC",
    b"+ADw": "UTF-7",
}


# What a software may be forgiven, by name (FORMATS section 2), and the encoding that is.
TOLERANCES = {"utf16_declared": "utf-8", "iso_8859_1": "iso-8859-1", "windows_1252": "windows-1252"}
ONE_BYTE = frozenset({"iso-8859-1", "windows-1252"})  # characters of one byte: any bytes, or nearly, are some text
_BY_DECLARATION = {name: tolerance for tolerance, name in TOLERANCES.items() if name != "utf-8"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a document is written in. `problem` is a sentence of locales/validation.toml, None when all is well."""

    name: str = "utf-8"  # utf-8 | utf-16 | iso-8859-1 | windows-1252
    marked: bool = False  # it begins with a byte order mark
    override: str | None = None  # what to tell a parser, when the declaration is wrong and tolerated
    declared: str | None = None
    problem: str | None = None
    tolerance: str | None = None  # the one under which the problem is none


def detect(head: bytes) -> Encoding:
    """Judge the first bytes (a few hundred are enough)."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return Encoding(declared="UTF-32", problem="encoding_other")
    if head.startswith(_UTF16):
        return _marked_utf16(head)
    for sign, name in _NOT_ASCII.items():
        if head.startswith(sign):
            return Encoding(declared=name, problem="encoding_other" if name != "UTF-16" else "encoding_unmarked")
    return _ascii_compatible(head)


def _marked_utf16(head: bytes) -> Encoding:
    declared = _declared(head[: len(head) & ~1].decode("utf-16", "replace"))
    if declared and declared.lower() == "utf-16":
        return Encoding("utf-16", marked=True, declared=declared)
    return Encoding("utf-16", marked=True, declared=declared or "-", problem="encoding_disagrees")


def _ascii_compatible(head: bytes) -> Encoding:
    marked = head.startswith(codecs.BOM_UTF8)
    declared = _declared(head.decode("latin-1"))
    if declared is None or declared.lower() == "utf-8":
        return Encoding(marked=marked, declared=declared)
    if declared.lower() == "utf-16":
        return Encoding(
            marked=marked, declared=declared, override="utf-8", problem="utf16_declared", tolerance="utf16_declared"
        )
    tolerance = None if marked else _BY_DECLARATION.get(declared.lower())  # a mark says that it is UTF-8
    name = TOLERANCES[tolerance] if tolerance else "utf-8"
    return Encoding(name, marked, declared=declared, problem="encoding_other", tolerance=tolerance)


def _declared(text: str) -> str | None:
    found = _DECLARATION.match(text.lstrip("\ufeff").removeprefix("\u00ef\u00bb\u00bf"))
    return found[1] if found else None


def shown(declared: str | None) -> str:
    """The name of an encoding as a report may carry it: one that exists, or that there is none. A broken declaration
    could hold anything, a patient's name too."""
    if declared is None or declared in ("-", "EBCDIC"):  # our own words
        return declared or "-"
    name = normalize_encoding(declared[:40]).lower()
    known = name in aliases or name in aliases.values()
    return declared[:40] if known and declared.isascii() and declared.isprintable() else "?"
