"""Streams under one key: sealed frame by frame, each bound to its file, its number and whether it is the last.

A sealed file is a salt of 16 bytes, then frames of 64 KiB each with a tag of 16 bytes; the last one may be shorter, and
is empty only where nothing was sealed. Its own key is drawn (HKDF-SHA256) from the data key, the salt and the place it
was sealed for, so that no two files share one; the nonce of a frame is its number and, in the last byte, whether it is
the last. What is cut, lengthened, moved, exchanged or altered by one bit is no frame any more.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.sealing.box import KEY_SIZE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FRAME = 64 * 1024  # bytes of what is sealed
SALT = 16
TAG = 16
_SEALED = FRAME + TAG


def framed(source: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """What `source` gives, in whole frames, and of each whether it is the last. Never less than one frame."""
    frame = _whole(source)
    while True:
        following = _whole(source) if len(frame) == FRAME else b""
        yield frame, not following
        if not following:
            return
        frame = following


def _whole(source: BinaryIO) -> bytes:
    """A frame, in as many reads as that takes."""
    first = source.read(FRAME)
    if len(first) in (0, FRAME):
        return first
    pieces, have = [first], len(first)
    while have < FRAME and (piece := source.read(FRAME - have)):
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces)


class FrameSealer:
    """Seals the frames of one new file, in their order. `salt` stands in front of them."""

    def __init__(self, key: bytes, place: str) -> None:
        self.salt = os.urandom(SALT)
        self._cipher = _cipher(key, self.salt, place)
        self._number = 0

    def seal(self, frame: bytes, last: bool) -> bytes:
        """The next frame, sealed."""
        sealed = self._cipher.encrypt(_nonce(self._number, last), frame, None)
        self._number += 1
        return sealed


class SealedStream(io.RawIOBase):
    """The plain bytes of a sealed file, seekable, one frame in memory. `altered` makes the error that is raised when a
    frame is not what was sealed there."""

    def __init__(self, file: io.FileIO, key: bytes, place: str, altered: Callable[[], Exception]) -> None:
        self._file, self._altered = file, altered
        self._start = file.tell()
        salt = file.read(SALT)
        body = os.fstat(file.fileno()).st_size - self._start - SALT
        self._size, self._frames = plain_size(body), max(-(-body // _SEALED), 1)
        if len(salt) != SALT or self._size < 0:
            raise altered()
        self._cipher = _cipher(key, salt, place)
        self._number, self._frame = -1, b""
        self._at = 0
        self._load(self._frames - 1)  # the last one says that nothing is missing at the end

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target) and self._at < self._size:
            number, offset = divmod(self._at, FRAME)
            if number != self._number:
                self._load(number)
            piece = self._frame[offset : offset + len(target) - done]
            target[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, os.strerror(22))
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()

    def _load(self, number: int) -> None:
        self._file.seek(self._start + SALT + number * _SEALED)
        sealed = self._file.read(_SEALED)
        try:
            self._frame = self._cipher.decrypt(_nonce(number, number == self._frames - 1), sealed, None)
        except (InvalidTag, ValueError):
            raise self._altered() from None
        self._number = number


def plain_size(body: int) -> int:
    """How many bytes are sealed in `body` bytes of frames; negative when no frames are that long."""
    whole, rest = divmod(body, _SEALED)
    return whole * FRAME + (rest - TAG if rest or not whole else 0)


def _cipher(key: bytes, salt: bytes, place: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_SIZE, salt, place.encode()).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
