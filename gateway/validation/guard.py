"""Before every parser: is it XML, in an encoding we take, without a DOCTYPE, of a size we take? Streaming."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from xml.parsers import expat

from gateway import xmlsafe
from gateway.validation.encoding import ONE_BYTE, Encoding, detect, shown
from gateway.validation.findings import Draft, LineColumn, built_in
from gateway.validation.limits import MIB, Limits
from gateway.validation.syntax import not_well_formed, unless_out_of_memory

BLOCK = 1 << 18
_STRANGERS = {  # what people deposit by mistake, by its first bytes
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"%PDF": "PDF",
    b"{": "JSON",
    b"[": "JSON",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"\xd0\xcf\x11\xe0": "Office",
    b"<!doctype html": "HTML",
    b"<html": "HTML",
}


@dataclass(slots=True)
class Guarded:
    """What the guard saw. With a `defect` nothing else may read the document."""

    sha256: str
    size: int  # bytes
    encoding: Encoding = field(default_factory=Encoding)
    root: str | None = None  # Clark notation
    defect: Draft | None = None
    warning: Draft | None = None


def inspect(source: BinaryIO, limits: Limits, tolerances: Collection[str]) -> Guarded:
    """Read the whole document once for its hash and its characters, then its beginning for what it says it is."""
    source.seek(0)
    head = source.read(4096)
    encoding = detect(head)
    tolerated = encoding.tolerance in tolerances
    refused = _stranger(head) or (None if tolerated else _encoding_refused(encoding))
    seen = _read(source, encoding, check=refused is None)
    seen.defect = _emptiness(source, seen.size) or refused or seen.defect or _size_refused(seen.size, limits)
    if tolerated and encoding.override:  # it lies; one that is only another encoding says what it is
        seen.warning = _encoding_refused(encoding, severity="warning")
    elif encoding.override:
        seen.encoding = replace(encoding, override=None)
    if seen.defect is None:
        _prolog(source, seen, limits)
    return seen


def _stranger(head: bytes) -> Draft | None:
    if head.startswith(b"<?xml"):
        return None  # as nearly all do
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:16].lower()
    for sign, kind in _STRANGERS.items():
        if start.startswith(sign.lower()):
            return built_in("NOT_XML", "not_xml", authority="official", kind=kind)
    return None


def _encoding_refused(encoding: Encoding, severity: str = "error") -> Draft | None:
    if encoding.problem is None:
        return None
    code = "UTF16_DECLARED" if encoding.problem == "utf16_declared" else "HOSTILE_ENCODING"
    authority = "official" if code == "UTF16_DECLARED" else "ours"
    draft = built_in(code, encoding.problem, authority=authority, severity=severity, declared=shown(encoding.declared))
    draft.at = (1, 1)
    return draft


def _doubtful(encoding: Encoding) -> Draft:
    """Whatever the bytes are, they are some text in an encoding of one byte a character: only that text of another
    encoding is not UTF-8 by chance says that the declaration is wrong."""
    draft = built_in("ENCODING_DOUBTFUL", "encoding_doubtful", severity="warning", declared=shown(encoding.declared))
    draft.at = (1, 1)
    return draft


def _size_refused(size: int, limits: Limits) -> Draft | None:
    if size <= limits.document_bytes:
        return None
    return built_in("HOSTILE_SIZE", "too_large", limit=limits.document_bytes // MIB)


def _emptiness(source: BinaryIO, size: int) -> Draft | None:
    source.seek(0)
    if size > MIB or source.read(16).removeprefix(codecs.BOM_UTF8).strip() or source.read().strip():
        return None
    return built_in("EMPTY_DOCUMENT", "empty", authority="official")


def _read(source: BinaryIO, encoding: Encoding, *, check: bool) -> Guarded:
    """Hash every byte; decode every character while they can be decoded."""
    source.seek(0)
    digest, size, characters = hashlib.sha256(), 0, _Characters(encoding.name)
    other = _Characters("utf-8") if encoding.name in ONE_BYTE else None
    while block := source.read(BLOCK):
        digest.update(block)
        size += len(block)
        if check and characters.broken is None:
            characters.read(block)
        if other is not None and other.broken is None:
            other.read(block)
    seen = Guarded(digest.hexdigest(), size, encoding)
    if other is not None and other.broken is None and other.beyond_ascii:
        seen.warning = _doubtful(encoding)
    if characters.broken is not None:
        seen.defect = built_in("HOSTILE_ENCODING", "encoding_broken", encoding=encoding.name.upper())
        seen.defect.at = characters.broken
    return seen


class _Characters:
    """Decodes a document to see where, if anywhere, its bytes are not what its encoding allows."""

    def __init__(self, name: str) -> None:
        self._decoder = codecs.getincrementaldecoder(name)()
        self._line, self._column = 1, 1
        self.broken: LineColumn | None = None
        self.beyond_ascii = False

    def read(self, block: bytes) -> None:
        before = self._decoder.getstate()
        try:
            self._count(self._decoder.decode(block))
        except UnicodeDecodeError as error:
            self._decoder.setstate(before)
            self._count(self._decoder.decode(error.object[len(before[0]) : error.start]))
            self.broken = self._line, self._column

    def _count(self, text: str) -> None:
        self.beyond_ascii = self.beyond_ascii or not text.isascii()
        lines = text.count("\n")
        self._line += lines
        self._column = len(text) - text.rfind("\n") if lines else self._column + len(text)


class _RootFoundError(Exception):
    """The root's start tag was read."""


def _prolog(source: BinaryIO, seen: Guarded, limits: Limits) -> None:
    """Up to the root's start tag: a DOCTYPE is refused before anything in it is read."""
    parser = xmlsafe.positions(seen.encoding.override)

    def doctype(_name: str, *_rest: object) -> None:
        seen.defect = built_in("HOSTILE_DOCTYPE", "doctype")
        seen.defect.at = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        raise _RootFoundError

    def start(name: str, attributes: dict[str, str]) -> None:
        seen.root = _clark(name, attributes)
        raise _RootFoundError

    parser.StartDoctypeDeclHandler, parser.StartElementHandler = doctype, start
    source.seek(0)
    try:
        for _ in range(0, limits.prolog_bytes, 4096):
            block = source.read(4096)
            parser.Parse(block, not block)
        seen.defect = built_in("HOSTILE_SIZE", "prolog_too_large", limit=limits.prolog_bytes // 1024)
    except _RootFoundError:
        pass
    except expat.ExpatError as error:
        unless_out_of_memory(error.code)
        seen.defect = not_well_formed((error.lineno, error.offset + 1), error.code)


def _clark(name: str, attributes: dict[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    namespace = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
    return f"{{{namespace}}}{local}" if namespace else local
