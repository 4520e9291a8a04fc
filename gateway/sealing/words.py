"""A master key as words that can be read aloud, copied by hand and typed in: 25 words in five lines.

A word is five letters, consonant-vowel-consonant-vowel-consonant, and stands for 16 bits; none of its letters is silent
or changes its sound between French and English. A line is four words and a fifth that checks them, so that a slip is
found in its line. The first line begins with what the words are: a whole key, or one of the three parts of one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.errors import SealingError
from gateway.messages import side_by_side
from gateway.sealing import shares
from gateway.sealing.box import KEY_SIZE, fingerprint_of

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
_LETTERS = (_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS, _CONSONANTS)
LINES, IN_LINE = 5, 5
WORDS = LINES * IN_LINE
_VERSION = 1
_CHECK = 4  # bytes of a key's check, which travel with it
_ROW = 8  # bytes in a line


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words of a key (`part` 0) or of one of its parts (1 to 3). `kit`: what the parts of one kit have in common,
    as four hex digits. Its repr shows none of the words."""

    part: int
    kit: str
    lines: tuple[tuple[str, ...], ...] = field(repr=False)

    @property
    def text(self) -> str:
        """All the words, one space between."""
        return " ".join(word for line in self.lines for word in line)


def whole(key: bytes) -> Phrase:
    """A key in words."""
    return _phrase(0, bytes.fromhex(fingerprint_of(key))[:2], key + _check(key))


def parts(key: bytes) -> list[Phrase]:
    """A key in three parts, any two of which give it back. Made twice they are other parts, which do not mix."""
    kit = os.urandom(2)
    return [_phrase(part, kit, data) for part, data in shares.split(key + _check(key)).items()]


def key_from(text: str) -> bytes:
    """The key of what a person typed: the words of a whole key, or of two parts, in any case; numbers between them do
    not count. Raises SealingError, which names the line and the place of what is wrong, and never a word."""
    words = [word for word in text.lower().split() if any(letter.isalpha() for letter in word)]
    if not words or len(words) % WORDS or len(words) > shares.NEEDED * WORDS:
        raise SealingError(side_by_side("sealing.words_count", found=len(words), wanted=WORDS))
    read = [_read(words[at : at + WORDS], at // IN_LINE) for at in range(0, len(words), WORDS)]
    if [part for part, *_ in read] == [0]:
        return _checked(read[0][2])
    if 0 in {part for part, *_ in read} or len({part for part, *_ in read}) != shares.NEEDED:
        raise SealingError(side_by_side("sealing.words_parts"))
    if len({kit for _, kit, _ in read}) != 1:
        raise SealingError(side_by_side("sealing.words_kits"))
    return _checked(shares.combine({part: data for part, _, data in read}))


def _phrase(part: int, kit: bytes, data: bytes) -> Phrase:
    whole_ = bytes([_VERSION, part]) + kit + data
    rows = [whole_[at : at + _ROW] for at in range(0, len(whole_), _ROW)]
    return Phrase(part, kit.hex(), tuple(tuple(_line(number, row, whole_[:4])) for number, row in enumerate(rows)))


def _line(number: int, row: bytes, head: bytes) -> Iterator[str]:
    full = row + hashlib.sha256(b"kit line" + bytes([number]) + head + row).digest()[:2]
    return (_word(int.from_bytes(full[at : at + 2], "big")) for at in range(0, len(full), 2))


def _word(value: int) -> str:
    letters = []
    for alphabet in reversed(_LETTERS):
        value, letter = divmod(value, len(alphabet))
        letters.append(alphabet[letter])
    return "".join(reversed(letters))


def _value(word: str) -> int:
    """Raises ValueError when it is no word of ours."""
    if len(word) != len(_LETTERS):
        raise ValueError("not five letters")
    value = 0
    for letter, alphabet in zip(word, _LETTERS, strict=True):
        value = value * len(alphabet) + alphabet.index(letter)
    return value


def _read(words: Sequence[str], before: int) -> tuple[int, bytes, bytes]:
    """Part, kit and data of 25 words; `before`: how many lines were typed before them. Raises SealingError."""
    rows = []
    for number in range(LINES):
        line = words[number * IN_LINE : (number + 1) * IN_LINE]
        row = b"".join(_bytes(word, before + number + 1, place) for place, word in enumerate(line[:-1], 1))
        rows.append(row)
        if tuple(_line(number, row, rows[0][:4])) != tuple(line):
            raise SealingError(side_by_side("sealing.words_line", line=before + number + 1))
    head, data = rows[0][:4], b"".join(rows)[4:]
    if head[0] != _VERSION or head[1] > shares.PARTS:
        raise SealingError(side_by_side("sealing.words_version"))
    return head[1], head[2:], data


def _bytes(word: str, line: int, place: int) -> bytes:
    try:
        return _value(word).to_bytes(2, "big")
    except ValueError:
        raise SealingError(side_by_side("sealing.words_word", line=line, place=place)) from None


def _checked(data: bytes) -> bytes:
    key = data[:KEY_SIZE]
    if data[KEY_SIZE:] != _check(key):
        raise SealingError(side_by_side("sealing.words_kits"))
    return key


def _check(key: bytes) -> bytes:
    return hashlib.sha256(b"kit key" + key).digest()[:_CHECK]
