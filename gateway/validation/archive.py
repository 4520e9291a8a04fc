"""A lot that is a ZIP: its members, or what is wrong with it. Members are streamed, never extracted."""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from gateway.report import Finding
from gateway.validation.findings import Draft
from gateway.validation.limits import MIB, ArchiveLimits
from gateway.validation.zipfiles import end_record, entries_refused, is_document, refused, shown

_SIGNS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_BLOCK = 1 << 18
# What zipfile raises for bytes that are not what they say; NotImplementedError is a RuntimeError.
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Member:
    """One document of an archive. Its name is a label for people, never a path."""

    name: str
    size: int  # bytes, as declared and found true
    number: int  # of its entry in the directory


@dataclass(frozen=True, slots=True)
class Archive:
    """The members of an archive; none when there are findings."""

    name: str
    members: tuple[Member, ...] = ()
    findings: tuple[Finding, ...] = ()


def is_archive(source: BinaryIO) -> bool:
    """Whether these bytes are a ZIP, by what they begin with and whatever they are called."""
    source.seek(0)
    return source.read(4) in _SIGNS


def members(source: BinaryIO, name: str, limits: ArchiveLimits | None = None) -> Archive:
    """The members of a ZIP. All findings are HOSTILE_ARCHIVE; with one of them nothing of the archive is used.

    First the directory is judged, then every member is read once and thrown away, so that `open_member` holds what
    this promised. Never raises for a bad archive; raises OSError when the stream cannot be read.
    """
    found = list(_refusals(source, limits or ArchiveLimits()))
    if found:
        return Archive(name, findings=tuple(draft.finish({}) for draft in found[:200]))
    with _opened(source) as archive:
        documents = [(number, entry) for number, entry in enumerate(archive.infolist()) if is_document(entry)]
        return Archive(name, tuple(Member(entry.filename, entry.file_size, number) for number, entry in documents))


def open_member(source: BinaryIO, member: Member, into: BinaryIO | None = None) -> BinaryIO:
    """The member's bytes as a seekable stream of its own, to be closed by the caller: in `into`, a new file, else in a
    temporary file of the system's, which suits whoever has the archive in the clear. Raises ValueError when they are
    not what `members` saw."""
    spool = into or cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=4 * MIB))  # noqa: SIM115 - the caller closes it
    try:
        with _opened(source) as archive:
            for block in _blocks(archive, archive.infolist()[member.number], member.size):
                spool.write(block)
    except _BROKEN as error:
        spool.close()
        raise ValueError(f"the member {shown(member.name)!r} changed while it was read") from error
    spool.seek(0)
    return spool


def _refusals(source: BinaryIO, limits: ArchiveLimits) -> Iterator[Draft]:
    if (draft := end_record(source, limits)) is not None:
        yield draft
        return
    try:
        with _opened(source) as archive:
            listed = list(entries_refused(archive, source, limits))
            yield from listed or _contents_refused(archive)
    except _BROKEN:
        yield refused("zip_cut")


def _contents_refused(archive: zipfile.ZipFile) -> Iterator[Draft]:
    documents = [entry for entry in archive.infolist() if is_document(entry)]
    if not documents:
        yield refused("zip_empty")
    for entry in archive.infolist():
        try:
            for _ in _blocks(archive, entry, entry.file_size):
                pass
        except _BROKEN:
            yield refused("member_lies", name=shown(entry.orig_filename))


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
    """The bytes of an entry: as many as declared, and no more. Raises one of _BROKEN otherwise."""
    with archive.open(entry) as stream:
        while block := stream.read(_BLOCK):
            size -= len(block)
            if size < 0:
                raise ValueError("more bytes than declared")
            yield block
    if size:
        raise ValueError("fewer bytes than declared")


@contextmanager
def _opened(source: BinaryIO) -> Iterator[zipfile.ZipFile]:
    source.seek(0)
    with zipfile.ZipFile(source) as archive:
        yield archive
