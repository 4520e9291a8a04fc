"""The directory of a ZIP, judged before anything in it is read: what it promises must hold and cost little."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from gateway.messages import both
from gateway.validation.findings import Draft
from gateway.validation.limits import MIB, ArchiveLimits
from gateway.validation.names import defect, is_clutter, same

_END = struct.Struct("<4s4H2LH")  # end of central directory
_LOCAL = struct.Struct("<4s5H3L2H")  # local file header
_COMMENT_MAX = 0xFFFF
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DESCRIPTOR = 0x8  # sizes follow the data
_REPARSE_POINT = 0x400  # a link, as Windows writes it
_FIELD = struct.Struct("<2H")  # kind and size of an extra field
_UNICODE_NAME, _BEFORE_NAME = 0x7075, 5  # that kind; a version and a sum precede the name
_DESCRIPTORS = (12, 16, 20, 24)  # bytes of a descriptor, with or without its sign, of 32 or 64 bits
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def refused(key: str, **values: object) -> Draft:
    """A finding about the archive; `key` names its sentence."""
    return Draft("HOSTILE_ARCHIVE", both(f"validation.{key}", **values), both("validation.archive_next"))


def end_record(source: BinaryIO, limits: ArchiveLimits) -> Draft | None:
    """Judge the end record alone: counts and sizes are known from it before the directory is read."""
    size = source.seek(0, 2)
    source.seek(max(0, size - _END.size - _COMMENT_MAX))
    tail = source.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return refused("zip_cut")
    _, disk, start_disk, here, entries, directory, offset, comment = _END.unpack_from(tail, at)
    if disk or start_disk or here != entries:
        return refused("zip_parts")
    if entries == 0xFFFF or 0xFFFFFFFF in (directory, offset):
        return refused("zip_64")
    if entries > limits.members or directory > limits.directory_bytes:
        return refused("zip_members", limit=limits.members)
    end = size - len(tail) + at
    if offset + directory != end or len(tail) - at != _END.size + comment or tail.count(b"PK\x05\x06") > 1:
        return refused("zip_surplus")
    return None


def entries_refused(archive: zipfile.ZipFile, source: BinaryIO, limits: ArchiveLimits) -> Iterator[Draft]:
    """Judge every entry of the directory, and all of them together."""
    entries = archive.infolist()
    if len(entries) != _announced(archive, source):
        yield refused("zip_surplus")
    for entry in entries:
        if key := _entry(entry, limits):
            yield refused(key, **_about(entry, limits))
    if twice := _twice(entries):
        yield refused("name_twice", name=shown(twice))
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        yield refused("zip_total", limit=limits.total_bytes // MIB)
    yield from _layout(entries, source, archive.start_dir)


def _announced(archive: zipfile.ZipFile, source: BinaryIO) -> int:
    """How many members the end record counts; readers that believe it would see others than those that look."""
    source.seek(-_END.size - len(archive.comment), 2)
    count: int = _END.unpack(source.read(_END.size))[4]
    return count


def is_document(entry: zipfile.ZipInfo) -> bool:
    """Whether the entry is meant as a document: no folder, nothing a system added by itself."""
    return not entry.orig_filename.endswith("/") and not is_clutter(entry.orig_filename)


def shown(name: str) -> str:
    """A hostile name as it may be shown: printable, short."""
    return "".join(c if c.isprintable() else "�" for c in name[:80])


def _about(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> dict[str, object]:
    megabytes = limits.member_bytes // MIB
    return {"name": shown(entry.orig_filename), "ratio": limits.ratio, "limit": megabytes, "bytes": limits.name_bytes}


def _entry(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> str | None:
    if found := defect(entry.orig_filename, limits.name_bytes):
        return found
    if _is_special(entry):
        return "member_special"
    if entry.flag_bits & _ENCRYPTED:
        return "member_encrypted"
    if entry.compress_type not in _PLAIN:
        return "member_method"
    if _other_name(entry, limits):
        return "member_headers"
    if entry.file_size > limits.member_bytes:
        return "member_large"
    if entry.file_size > max(limits.ratio_from, limits.ratio * entry.compress_size):
        return "member_ratio"
    if is_document(entry) and not entry.orig_filename.lower().endswith(".xml"):
        return "member_kind"
    return None


def _is_special(entry: zipfile.ZipInfo) -> bool:
    """A link, a device, a set-user-id program: anything but a plain file or folder."""
    mode = entry.external_attr >> 16
    odd = stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or mode & (stat.S_ISUID | stat.S_ISGID)
    return bool(odd) or bool(entry.external_attr & _REPARSE_POINT)


def _other_name(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> bool:
    """Whether a second name stands in an extra field, which some readers prefer, and is another one. Tools put it there
    where the first one is not ASCII, in whatever alphabet of their own; then it must only be a good name."""
    extra, plain = entry.extra, entry.orig_filename.isascii()
    while len(extra) >= _FIELD.size:
        kind, size = _FIELD.unpack_from(extra)
        name = extra[_FIELD.size + _BEFORE_NAME : _FIELD.size + size].decode("utf-8", "replace")
        if kind == _UNICODE_NAME and (name != entry.orig_filename if plain else defect(name, limits.name_bytes)):
            return True
        extra = extra[_FIELD.size + size :]
    return False


def _twice(entries: list[zipfile.ZipInfo]) -> str | None:
    seen: set[str] = set()
    for entry in entries:
        name = same(entry.orig_filename.rstrip("/"))
        if name in seen:
            return entry.orig_filename
        seen.add(name)
    return None


def _layout(entries: list[zipfile.ZipInfo], source: BinaryIO, directory: int) -> Iterator[Draft]:
    """Local headers agree with the directory, entries do not overlap, and nothing stands before, between or after
    them: no bytes that one reader skips and another takes for a member."""
    free_from = 0
    spare: tuple[int, ...] = (0,)
    for entry in sorted(entries, key=lambda e: e.header_offset):
        end = _end_of(entry, source)
        if end is None:
            yield refused("member_headers", name=shown(entry.orig_filename))
            return
        if entry.header_offset < free_from or end > directory:
            yield refused("member_overlap", name=shown(entry.orig_filename))
            return
        if entry.header_offset - free_from not in spare:
            yield refused("zip_surplus")
            return
        free_from, spare = end, _DESCRIPTORS if entry.flag_bits & _DESCRIPTOR else (0,)
    if directory - free_from not in spare:
        yield refused("zip_surplus")


def _end_of(entry: zipfile.ZipInfo, source: BinaryIO) -> int | None:
    """Where the entry's bytes end at the earliest; None when its local header says otherwise than the directory."""
    source.seek(entry.header_offset)
    raw = source.read(_LOCAL.size)
    if len(raw) != _LOCAL.size:
        return None
    sign, _, flags, method, _, _, crc, packed, size, name_bytes, extra = _LOCAL.unpack(raw)
    name = source.read(name_bytes).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    later = bool(flags & _DESCRIPTOR)
    agree = (
        sign == b"PK\x03\x04"
        and (flags, method) == (entry.flag_bits, entry.compress_type)
        and name == entry.orig_filename
        and (later or (crc, packed, size) == (entry.CRC, entry.compress_size, entry.file_size))
    )
    return entry.header_offset + _LOCAL.size + name_bytes + extra + entry.compress_size if agree else None
