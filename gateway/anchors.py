"""The anchors: heads of the event chain, one line a day in a file of their own that nothing but adding ever touches.

A line is JSON: {"at": "2026-03-02T17:00:00+00:00", "events": 1234, "hash": "…64 hexadecimal…"}. Whoever keeps copies of
that file, or of the log lines that say the same, where the gateway cannot write can tell when the chain was cut at its
end or made anew as a whole (RELIABILITY 5.6).
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.clock import local
from gateway.errors import GatewayError
from gateway.lines import DamagedLineError, records
from gateway.messages import both
from gateway.platform import append_private

LONGEST = 1000  # bytes of a line
_GAP = r"[\s>]{0,40}"  # where a line may have been broken and quoted
_BEGUN = re.compile(r'\{[\s>]{0,40}"at"')
_PASTED = re.compile(
    _GAP.join(
        (r"\{", r'"at"', ":", r'"([0-9T:.+-]{10,40})"', ",", r'"events"', ":", r"([0-9]{1,18})", ",", r'"hash"', ":",
         r'"([0-9a-f]{64})"', r"\}")
    ),
    re.ASCII,
)  # fmt: skip


class AnchorsError(GatewayError):
    """A line of the file is no anchor. `both`: the sentence in both languages."""

    def __init__(self, file: Path, line: int) -> None:
        self.both = both("audit.anchors_damaged", file=file, line=line)
        super().__init__(" / ".join(self.both.values()))


class Anchor(BaseModel):
    """What the head of the chain was at a moment (aware UTC)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
    at: AwareDatetime
    events: int = Field(ge=0)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


def every(file: Path) -> Iterator[Anchor]:
    """Every anchor, in the order in which they were added; see `lines.records`. Raises AnchorsError."""
    try:
        yield from records(file, Anchor, LONGEST)
    except DamagedLineError as error:
        raise AnchorsError(file, error.line) from error


def last(file: Path) -> Anchor | None:
    """The newest one. Raises AnchorsError."""
    return next(iter(deque(every(file), maxlen=1)), None)


def add(file: Path, at: datetime, events: int, hash_: str) -> Anchor:
    """Add one, durably. Raises OSError."""
    anchor = Anchor(at=at, events=events, hash=hash_)
    append_private(file, line(anchor).encode() + b"\n")
    return anchor


def line(anchor: Anchor) -> str:
    """An anchor as the file has it."""
    return json.dumps({"at": anchor.at.isoformat(), "events": anchor.events, "hash": anchor.hash})


def wrapped(anchor: Anchor) -> str:
    """The same in lines so short that no mail program breaks them."""
    return line(anchor).replace(', "hash"', ',\n "hash"')


def pasted(text: str, file: Path) -> list[Anchor]:
    """Every anchor in a text that somebody kept: a copy of the file, a mail (also quoted with ">"), lines of a log.
    Raises AnchorsError, with its place, where the text has a damaged one, and on its first line where it has none."""
    found = []
    for begin in _BEGUN.finditer(text):
        whole = _PASTED.match(text, begin.start())
        if whole is None and "\n" not in text[begin.start() :]:
            break  # a copy of a line that the machine died in
        place = text.count("\n", 0, begin.start()) + 1
        try:
            if whole is None:
                raise ValueError
            found.append(Anchor(at=datetime.fromisoformat(whole[1]), events=int(whole[2]), hash=whole[3]))
        except ValueError:  # of pydantic's too
            raise AnchorsError(file, place) from None
    if not found:
        raise AnchorsError(file, 1)
    return found


def of_day(anchor: Anchor | None, now: datetime) -> bool:
    """Whether an anchor was made on the day of `now` in Quebec."""
    return anchor is not None and local(anchor.at).date() == local(now).date()
