"""What the two sides of a slot say to each other: JSON objects, each after its length in four bytes.

Ours:   {"name", "size", "on", …}, then `size` bytes of the document.
Theirs: {"ready": true} once; for each document any number of {"rows", "columns"}, then {"report": …} or {"failed": …}.

The other side may have been taken over by a document: whatever it says is bounded and looked at before it is believed.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, NoReturn

MOST = 16 << 20  # bytes of one frame
_LENGTH = struct.Struct(">I")


class GarbageError(Exception):
    """What came is nothing the other side would say."""


def frame(said: dict[str, Any]) -> bytes:
    """An object as it travels."""
    data = json.dumps(said, ensure_ascii=False, separators=(",", ":"), default=_written, check_circular=False).encode()
    return _LENGTH.pack(len(data)) + data


def receive(pipe: BinaryIO) -> dict[str, Any] | None:
    """What the other side says next; None when it is gone. Raises GarbageError."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MOST:
        raise GarbageError("too long")
    data = pipe.read(length)
    if len(data) < length:
        return None
    try:
        said = json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise GarbageError("no JSON") from error
    if not isinstance(said, dict):
        raise GarbageError("no object")
    return said


def _written(value: Any) -> str:
    return str(value.isoformat())  # dates are all that JSON lacks


def _refused(_name: str) -> NoReturn:
    raise ValueError("no such number in JSON")
