"""The tombstones: what was purged, one line each, in a file that is only ever added to and that outlives any database.

A line is JSON: {"owner": "LOT-…", "at": "2026-03-02T17:00:00+00:00", "kind": "documents"}. The file is copied to every
backup folder, so that what was purged after a backup does not come back with it (RELIABILITY P12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import GatewayError
from gateway.messages import side_by_side
from gateway.platform import append_private

LONGEST = 500  # bytes of a line


class Tombstone(BaseModel):
    """The bytes of one owner (a lot, a reply, a parcel) are gone for good since a moment (aware UTC)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    owner: str = Field(pattern=r"^[A-Z]{3}-[0-9A-Za-z-]{1,70}$")
    at: AwareDatetime
    kind: str  # documents | statements


def every(file: Path) -> Iterator[Tombstone]:
    """Every one, in the order they were added; none where there is no file. A last line without its end is one that the
    machine died in. Raises GatewayError: what cannot be read might bring back what was purged."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        number = 0
        while line := lines.readline(LONGEST):
            number += 1
            if not line.strip():
                continue
            try:
                yield Tombstone.model_validate_json(line)
            except ValidationError as error:
                if line.endswith(b"\n") or lines.read(1):
                    raise GatewayError(side_by_side("backups.tombstones_damaged", file=file, line=number)) from error


def owners(file: Path) -> set[str]:
    """Whose bytes are gone. Raises like `every`."""
    return {one.owner for one in every(file)}


def add(file: Path, made: Iterable[Tombstone]) -> int:
    """Add those that are not there yet, durably, in one write; give their number. Raises OSError, and like `every`."""
    known = owners(file)
    new = {one.owner: one for one in made if one.owner not in known}
    lines = [one.model_dump_json().encode() + b"\n" for one in new.values()]
    if lines:
        begun = file.exists() and file.stat().st_size and not _ended(file)
        append_private(file, (b"\n" if begun else b"") + b"".join(lines))
    return len(lines)


def _ended(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, 2)
        return opened.read(1) == b"\n"
