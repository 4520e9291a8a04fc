"""The tombstones: what was purged, one line each, in a file that is only ever added to and that outlives any database.

A line is JSON: {"owner": "LOT-…", "at": "2026-03-02T17:00:00+00:00", "kind": "documents"}. The file is copied to every
backup folder, so that what was purged after a backup does not come back with it (RELIABILITY P12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.errors import GatewayError
from gateway.lines import DamagedLineError, records
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
    """Every one, in the order in which they were added; see `lines.records`. Raises GatewayError: what cannot be read
    might bring back what was purged."""
    try:
        yield from records(file, Tombstone, LONGEST)
    except DamagedLineError as error:
        raise GatewayError(side_by_side("backups.tombstones_damaged", file=file, line=error.line)) from error


def owners(file: Path) -> set[str]:
    """Whose bytes are gone. Raises like `every`."""
    return {one.owner for one in every(file)}


def add(file: Path, made: Iterable[Tombstone]) -> int:
    """Add those that are not there yet, durably, in one write; give their number. Raises OSError, and like `every`."""
    known = owners(file)
    new = {one.owner: one for one in made if one.owner not in known}
    lines = [one.model_dump_json().encode() + b"\n" for one in new.values()]
    if lines:
        append_private(file, b"".join(lines))
    return len(lines)
