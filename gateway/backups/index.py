"""The list of a backup: every archived file and every own file, with the object that holds it; one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.backups.folder import Folder
from gateway.backups.manifest import HOUSE, Manifest, Object
from gateway.backups.sealed import Damaged, seal, unseal
from gateway.platform import open_private

ARCHIVED, OWN = "archived", "own"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: `archived` by its ref, or `own` (the house's: schemas, letters, anchors) by its path there. `written`
    (ns) and `size` (bytes) tell whether it is still the one that was copied."""

    kind: str
    name: str
    size: int
    written: int
    object: Object


def add(folder: Folder, key: bytes, entries: Iterable[Entry], scratch: Path) -> tuple[Object, int, int]:
    """Keep the list; give its object, how many files it names and their bytes. `scratch`: a file that is not there."""
    files = size = 0
    with open_private(scratch) as lines:
        for entry in entries:
            item = (entry.kind, entry.name, entry.size, entry.written, entry.object.owner, entry.object.sha256)
            lines.write(json.dumps(item).encode() + b"\n")
            files, size = files + 1, size + entry.size
        lines.seek(0)
        made = folder.put(HOUSE, lambda sink: seal(key, HOUSE, lines, sink))
    scratch.unlink()
    return made, files, size


def entries(folder: Folder, key: bytes, manifest: Manifest) -> Iterator[Entry]:
    """Every file of a backup. Raises BackupError when the list is not there, or is not what was sealed."""
    with folder.open(manifest.index) as file:
        try:
            for line in _lines(unseal(key, HOUSE, file)):
                kind, name, size, written, owner, sha256 = json.loads(line)
                yield Entry(kind, name, size, written, Object(owner=owner, sha256=sha256))
        except (Damaged, ValueError) as error:
            raise folder.error("object_damaged", owner=HOUSE) from error


def copy(folder: Folder, key: bytes, item: Object, sink: BinaryIO) -> None:
    """Write an object's plain bytes. Raises BackupError when it is not there, or is not what was sealed."""
    with folder.open(item) as file:
        try:
            for frame in unseal(key, item.owner, file):
                sink.write(frame)
        except Damaged as error:
            raise folder.error("object_damaged", owner=item.owner) from error


def _lines(frames: Iterable[bytes]) -> Iterator[bytes]:
    left = b""
    for frame in frames:
        *whole, left = (left + frame).split(b"\n")
        yield from whole
    if left:
        raise Damaged("the list has no end")
