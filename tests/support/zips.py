"""ZIPs written byte by byte, so that each field of each header may lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_STAMP = (0, 0x21)  # time and date: 1 January 1980
UTF8, DESCRIPTOR = 0x800, 0x8


@dataclass(frozen=True)
class Entry:
    """One member. `local` and `central` hold what those headers say instead of the truth: name, sign, flags, method,
    crc, packed, size, extra, offset."""

    name: bytes = b"a.xml"
    data: bytes = b"<a/>"
    method: int = 8
    flags: int = UTF8
    mode: int = 0o100644  # Unix type and permissions
    system: int = 3  # 3: Unix; 0: DOS
    attributes: int = 0  # DOS
    extra: bytes = b""
    gap: bytes = b""  # bytes that belong to nothing, before its header
    local: Mapping[str, object] = field(default_factory=dict)
    central: Mapping[str, object] = field(default_factory=dict)


def pack(
    *entries: Entry, before: bytes = b"", after: bytes = b"", comment: bytes = b"", end: Mapping[str, int] | None = None
) -> bytes:
    """The ZIP of these members; `end` holds what the end record says instead: disk, here, entries, size, offset."""
    body, directory = bytearray(before), bytearray()
    for entry in entries:
        body += entry.gap
        offset = len(body) - len(before)
        packed, truth = _truth(entry, offset)
        body += _local(dict(truth) | dict(entry.local)) + packed
        if entry.flags & DESCRIPTOR:
            body += struct.pack("<4s3L", b"PK\x07\x08", int(truth["crc"]), len(packed), len(entry.data))  # type: ignore[call-overload]
        directory += _central(entry, dict(truth) | dict(entry.central))
    facts = {"disk": 0, "entries": len(entries), "size": len(directory), "offset": len(body) - len(before)} | dict(
        end or {}
    )
    facts.setdefault("here", facts["entries"])
    record = _END.pack(
        b"PK\x05\x06", facts["disk"], facts["disk"], facts["here"], facts["entries"], facts["size"], facts["offset"],
        len(comment),
    )  # fmt: skip
    return bytes(body) + bytes(directory) + record + comment + after


def _truth(entry: Entry, offset: int) -> tuple[bytes, dict[str, object]]:
    packed = entry.data
    if entry.method == 8:
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = squeeze.compress(entry.data) + squeeze.flush()
    return packed, {
        "sign": None,
        "name": entry.name,
        "flags": entry.flags,
        "method": entry.method,
        "crc": zlib.crc32(entry.data),
        "packed": len(packed),
        "size": len(entry.data),
        "extra": entry.extra,
        "offset": offset,
    }


def _local(facts: Mapping[str, object]) -> bytes:
    f = _numbers(facts)
    name, extra = _bytes(facts, "name"), _bytes(facts, "extra")
    sign = facts["sign"] or b"PK\x03\x04"
    later = bool(f["flags"] & DESCRIPTOR) and facts.get("now") is None
    sizes = (0, 0, 0) if later else (f["crc"], f["packed"], f["size"])
    return _LOCAL.pack(sign, 20, f["flags"], f["method"], *_STAMP, *sizes, len(name), len(extra)) + name + extra


def _central(entry: Entry, facts: Mapping[str, object]) -> bytes:
    f = _numbers(facts)
    name, extra = _bytes(facts, "name"), _bytes(facts, "extra")
    sign = facts["sign"] or b"PK\x01\x02"
    made = entry.system << 8 | 20
    outside = entry.mode << 16 | entry.attributes
    head = (sign, made, 20, f["flags"], f["method"], *_STAMP, f["crc"], f["packed"], f["size"])
    return _CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, outside, f["offset"]) + name + extra


def _numbers(facts: Mapping[str, object]) -> dict[str, int]:
    return {key: value for key, value in facts.items() if isinstance(value, int)}


def _bytes(facts: Mapping[str, object], key: str) -> bytes:
    value = facts[key]
    assert isinstance(value, bytes)
    return value
