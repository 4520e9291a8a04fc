"""The sheets of a recovery kit: the master key in words and as a QR code, in both languages, to print and put away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import segno

from gateway.clock import local
from gateway.messages import LANGUAGES, say
from gateway.sealing.words import IN_LINE, Phrase
from gateway.sheets import Block, Code, Grid, Pairs, Sheet, Text


def sheets(phrases: Sequence[Phrase], fingerprint: str, made: datetime) -> list[Sheet]:
    """One page for each phrase: the whole key, or one part of it."""
    return [_sheet(phrase, len(phrases), fingerprint, made) for phrase in phrases]


def _sheet(phrase: Phrase, of: int, fingerprint: str, made: datetime) -> Sheet:
    title = _beside("title_part", part=phrase.part, of=of) if phrase.part else _beside("title")
    blocks: list[Block] = [Text(say(f"key.kit_{_kind(phrase)}", lang), strong=True) for lang in LANGUAGES]
    facts = ((_beside("fingerprint"), fingerprint), (_beside("made"), f"{local(made):%Y-%m-%d}"))
    blocks.append(Pairs((*facts, (_beside("parts"), phrase.kit)) if phrase.part else facts))
    rows = tuple((str(number), *line) for number, line in enumerate(phrase.lines, 1))
    blocks.append(Grid(_beside("words"), ("", *(str(place + 1) for place in range(IN_LINE))), rows))
    blocks.append(Code(_squares(phrase.text.upper()), _beside("code")))
    blocks += [Text(say(f"key.kit_how_{_kind(phrase)}", lang)) for lang in LANGUAGES]
    return Sheet(title, _beside("about"), tuple(blocks))


def _kind(phrase: Phrase) -> str:
    return "part" if phrase.part else "whole"


def _beside(key: str, **values: object) -> str:
    return " / ".join(say(f"key.kit_{key}", lang, **values) for lang in LANGUAGES)


def _squares(text: str) -> tuple[bytes, ...]:
    """Capitals and spaces: the letters that take the least room in a QR code."""
    return tuple(bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4))
