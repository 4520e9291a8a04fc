"""Files of before sealing: a byte that names their format, then the bytes as they came."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PLAIN = b"\x01"


def is_plain(path: Path) -> bool:
    """Whether a file is one of before. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return file.read(1) == PLAIN


class OldStream(io.RawIOBase):
    """A file without the byte that names its format."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset + (len(PLAIN) if whence == os.SEEK_SET else 0), whence) - len(PLAIN)

    def tell(self) -> int:
        return self._file.tell() - len(PLAIN)

    def close(self) -> None:
        self._file.close()
        super().close()
