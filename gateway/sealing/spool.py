"""A temporary file whose bytes are on no disk in the clear: what documents pass through on their way to the archive."""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

IN_MEMORY = 4 << 20  # bytes that never reach a disk
SECTOR = 64 * 1024  # bytes enciphered at once
_TWO_KEYS = 64  # bytes: AES-256 in XTS takes two


def spool(in_memory: int = IN_MEMORY) -> BinaryIO:
    """A seekable file to write and read, gone when it is closed. Up to `in_memory` bytes stay in this process; more go
    to a temporary file under a key that only this object has, and that dies with it. Nothing tells whether somebody
    altered that file meanwhile: what is read from it is judged, or hashed, like what came."""
    return cast(BinaryIO, _Spool(in_memory))


class _Spool(io.BufferedIOBase):
    def __init__(self, in_memory: int) -> None:
        self._in_memory = in_memory
        self._bytes: io.BytesIO | io.BufferedRandom = io.BytesIO()

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if isinstance(self._bytes, io.BytesIO) and self._bytes.tell() + size > self._in_memory:
            self._bytes = _on_disk(self._bytes)
        return self._bytes.write(data)

    def read(self, size: int | None = -1, /) -> bytes:
        return self._bytes.read(size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._bytes.read1(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._bytes.seek(offset, whence)

    def tell(self) -> int:
        return self._bytes.tell()

    def flush(self) -> None:
        """Nobody else reads it: there is nothing to hurry."""

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self._bytes.close()
        super().close()


def _on_disk(before: io.BytesIO) -> io.BufferedRandom:
    at = before.tell()
    moved = io.BufferedRandom(_Sectors(), SECTOR)
    moved.write(before.getbuffer())
    moved.seek(at)
    return moved


class _Sectors(io.RawIOBase):
    """A temporary file in whole sectors, each enciphered under its number; of the last one the end is padding."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        self._key = AES(os.urandom(_TWO_KEYS))
        self._at = self._size = 0

    def readinto(self, into: WriteableBuffer, /) -> int:
        target = memoryview(into).cast("B")
        number, offset = divmod(self._at, SECTOR)
        count = max(0, min(len(target), SECTOR - offset, self._size - self._at))
        if count:
            target[:count] = self._sector(number)[offset : offset + count]
            self._at += count
        return count

    def write(self, data: ReadableBuffer, /) -> int:
        """At most to the end of a sector: whoever buffers writes the rest next."""
        number, offset = divmod(self._at, SECTOR)
        new = memoryview(data).cast("B")[: SECTOR - offset]
        there = bytearray(SECTOR) if self._is_new(number, offset, len(new)) else bytearray(self._sector(number))
        there[offset : offset + len(new)] = new
        encryptor = self._cipher(number).encryptor()
        self._file.seek(number * SECTOR)
        self._file.write(encryptor.update(bytes(there)) + encryptor.finalize())
        self._at += len(new)
        self._size = max(self._size, self._at)
        return len(new)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def _is_new(self, number: int, offset: int, size: int) -> bool:
        """Whether nothing of a sector is kept: it was never written, or all of it is about to be."""
        return number * SECTOR >= self._size or (offset == 0 and size == SECTOR)

    def _sector(self, number: int) -> bytes:
        self._file.seek(number * SECTOR)
        decryptor = self._cipher(number).decryptor()
        return decryptor.update(self._file.read(SECTOR)) + decryptor.finalize()

    def _cipher(self, number: int) -> Cipher[XTS]:
        return Cipher(self._key, XTS(number.to_bytes(16, "little")))
