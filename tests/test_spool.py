"""What passes through a temporary file is on no disk in the clear, and comes out as it went in."""

from __future__ import annotations

import io
import os
import random
import tempfile
import zipfile
from pathlib import Path

import pytest

from gateway.sealing.spool import SECTOR, spool

CANARY = b"canari-patient-0451 "


@pytest.mark.parametrize("in_memory", [0, 100, SECTOR, 10 * SECTOR])
def test_whatever_is_written_read_and_sought_is_as_in_memory(in_memory: int) -> None:
    chance = random.Random(451)
    plain = io.BytesIO()
    with spool(in_memory) as sealed:
        for _ in range(400):
            at = chance.randrange(0, 5 * SECTOR)
            data = chance.randbytes(chance.choice((0, 1, 15, 4096, SECTOR, SECTOR + 1, 3 * SECTOR)))
            for file in (plain, sealed):
                file.seek(min(at, len(plain.getbuffer())))
            match chance.randrange(3):
                case 0:
                    assert plain.write(data) == sealed.write(data)
                case 1:
                    assert plain.read(len(data)) == sealed.read(len(data))
                case _:
                    assert plain.readline() == sealed.readline()
            assert plain.tell() == sealed.tell()
        assert sealed.seek(0, os.SEEK_END) == len(plain.getbuffer())
        sealed.seek(0)
        assert sealed.read() == plain.getvalue()


def test_a_zip_may_be_written_to_it_and_read_from_it() -> None:
    with spool(0) as sealed:
        with zipfile.ZipFile(sealed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("lot.xml", CANARY * 50_000)
        with zipfile.ZipFile(sealed) as archive:
            assert archive.read("lot.xml") == CANARY * 50_000


def test_nothing_of_it_is_on_a_disk_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Path] = []

    def seen(*_: object, **__: object) -> io.BufferedRandom:
        kept.append(tmp_path / f"spool-{len(kept)}")
        return kept[-1].open("w+b")

    monkeypatch.setattr(tempfile, "TemporaryFile", seen)  # the real one has no name to look at it by
    with spool(1000) as sealed:
        sealed.write(CANARY * 20_000)
        sealed.seek(0)
        assert sealed.read() == CANARY * 20_000
    (file,) = kept
    found = file.read_bytes()
    assert len(found) >= len(CANARY) * 20_000
    assert CANARY[:8] not in found
    assert len({found[at : at + 16] for at in range(0, len(found), 16)}) == len(found) // 16  # nothing repeats


def test_what_is_small_touches_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", none)
    with spool(1000) as sealed:
        sealed.write(CANARY * 50)
        sealed.seek(0)
        assert sealed.read() == CANARY * 50
    assert sealed.closed
