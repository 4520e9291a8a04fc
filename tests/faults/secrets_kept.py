"""I8: no password and no patient stands anywhere but where it must."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from faults.evidence import Evidence

_NAM = re.compile(rb"[A-Z]{4}\d{8}")  # a health insurance number, as the invented documents have it


def leaks(seen: Evidence) -> Iterator[str]:
    """Passwords outside the payer's own head; patients outside the lots and the returns: the archive is sealed."""
    house = seen.house
    passwords = {word.encode() for word in house.said}
    patients = {nam for data in house.deposited.values() for nam in patients_in(data)}
    for file in [house.log, *_files(house.folder / "var")]:
        data = file.read_bytes() if file.is_file() else b""
        where = file.relative_to(house.folder)
        if any(word in data for word in passwords):
            yield f"I8 a password stands in {where}"
        if not patients.isdisjoint(_NAM.findall(data)):  # in one pass, however many they are
            yield f"I8 a patient stands in {where}"


def patients_in(data: bytes) -> list[bytes]:
    """Every health insurance number in a lot."""
    return [nam for text in _texts(data) for nam in _NAM.findall(text)]


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _texts(data: bytes) -> list[bytes]:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]
