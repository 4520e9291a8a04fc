"""A secret in three parts of which any two give it back and one tells nothing (Shamir over GF(2^8), as AES counts)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

PARTS, NEEDED = 3, 2
_POLYNOMIAL = 0x11B  # x^8 + x^4 + x^3 + x + 1


def split(secret: bytes, random: Callable[[int], bytes] = os.urandom) -> dict[int, bytes]:
    """The parts, by their number from 1. Each byte is where a line of its own crosses the axis; a part is one point of
    each line."""
    slopes = random(len(secret))
    return {
        x: bytes(byte ^ _times(slope, x) for byte, slope in zip(secret, slopes, strict=True))
        for x in range(1, PARTS + 1)
    }


def combine(parts: Mapping[int, bytes]) -> bytes:
    """The secret, from two parts. Parts that do not belong together give another one: it must carry its own check.

    Raises ValueError when there are not two of one length.
    """
    if len(parts) != NEEDED or len({len(data) for data in parts.values()}) != 1 or not all(parts):
        raise ValueError("two parts of one secret are needed")
    (x, one), (z, other) = parts.items()
    # Lagrange at 0, where minus is plus: secret = one·z/(x+z) + other·x/(x+z)
    of_one, of_other = _over(z, x ^ z), _over(x, x ^ z)
    return bytes(_times(a, of_one) ^ _times(b, of_other) for a, b in zip(one, other, strict=True))


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        b >>= 1
        a <<= 1
        if a & 0x100:
            a ^= _POLYNOMIAL
    return product


def _over(a: int, b: int) -> int:
    """a/b: what times b gives a."""
    return next(c for c in range(256) if _times(c, b) == a)
