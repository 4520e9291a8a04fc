"""How a copy is sealed: in frames under the folder's key, each bound to its owner, its place and whether it is last.

A sealed object is the format's byte, 16 random bytes no other object has, and frames: length (4 bytes), nonce (12),
AES-256-GCM ciphertext with its tag. A frame that is moved, left out, repeated or cut off is found.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FRAME = 256 * 1024  # plain bytes of a frame
_FORMAT, _SALT, _NONCE, _TAG = b"\x01", 16, 12, 16
_HEAD = struct.Struct(">I")


class Damaged(Exception):
    """Sealed bytes are not what was sealed, or another key sealed them."""


def seal(key: bytes, owner: str, source: BinaryIO, sink: BinaryIO) -> str:
    """Copy `source`, sealed, to `sink`; give the sha256 (hex) of what was written. Constant memory."""
    cipher, digest, salt = AESGCM(key), hashlib.sha256(), os.urandom(_SALT)

    def write(piece: bytes) -> None:
        sink.write(piece)
        digest.update(piece)

    write(_FORMAT + salt)
    for number, (frame, last) in enumerate(_frames(source)):
        nonce = os.urandom(_NONCE)
        sealed = cipher.encrypt(nonce, frame, _place(owner, salt, number, last))
        write(_HEAD.pack(len(sealed)) + nonce + sealed)
    return digest.hexdigest()


def unseal(key: bytes, owner: str, source: BinaryIO) -> Iterator[bytes]:
    """The plain frames. Raises Damaged, at the latest where the last frame should be."""
    cipher = AESGCM(key)
    if source.read(1) != _FORMAT or len(salt := source.read(_SALT)) != _SALT:
        raise Damaged("no sealed copy")
    number, last = 0, False
    ahead = source.read(_HEAD.size)
    while ahead:
        if len(ahead) != _HEAD.size or (length := _HEAD.unpack(ahead)[0]) > FRAME + _TAG:
            raise Damaged("a frame has no length")
        nonce, sealed = source.read(_NONCE), source.read(length)
        ahead = source.read(_HEAD.size)
        last = not ahead
        try:
            yield cipher.decrypt(nonce, sealed, _place(owner, salt, number, last))
        except (InvalidTag, ValueError):
            raise Damaged("a frame was altered") from None
        number += 1
    if not last:
        raise Damaged("the last frame is missing")


def _frames(source: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Frames and whether each is the last; an empty source is one empty frame."""
    frame = source.read(FRAME)
    while True:
        following = source.read(FRAME)
        yield frame, not following
        if not following:
            return
        frame = following


def _place(owner: str, salt: bytes, number: int, last: bool) -> bytes:
    return b"backup\x00%b\x00%b%d\x00%d" % (owner.encode(), salt, number, last)
