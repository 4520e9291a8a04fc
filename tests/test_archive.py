"""Bytes are kept whole and durable, or not at all; and an owner's bytes are nobody else's."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import platform
from gateway.archive import FRAME, Archive
from gateway.errors import StoreError, Unreachable
from gateway.platform import WINDOWS

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(folder: Path) -> Archive:
    return Archive(folder)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 5 * FRAME])
def test_what_was_put_comes_back_with_its_size_and_hash(archive: Archive, size: int) -> None:
    data = os.urandom(size)
    stored = archive.put("LOT-1", io.BytesIO(data))
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert archive.size(stored.ref) == size
    with archive.open(stored.ref) as file:
        assert file.read() == data


def test_the_stream_can_be_sought(archive: Archive) -> None:
    stored = archive.put("LOT-1", io.BytesIO(b"0123456789"))
    with archive.open(stored.ref) as file:
        assert file.seek(3) == 3
        assert (file.read(2), file.tell()) == (b"34", 5)
        assert file.seek(-2, os.SEEK_END) == 8
        assert file.seek(-1, os.SEEK_CUR) == 7
        assert file.read() == b"789"
        assert (file.seekable(), file.readable(), file.writable()) == (True, True, False)


def test_a_zip_can_be_read_from_it(archive: Archive) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        target.writestr("a.xml", "<a/>")
    made.seek(0)
    stored = archive.put("LOT-1", made)
    with archive.open(stored.ref) as file, zipfile.ZipFile(file) as source:
        assert source.read("a.xml") == b"<a/>"


def test_the_same_bytes_of_two_owners_are_two_refs(archive: Archive) -> None:
    one, other = (archive.put(owner, io.BytesIO(b"same")) for owner in ("LOT-1", "LOT-2"))
    archive.erase("LOT-1")
    archive.erase("LOT-1")
    with pytest.raises(StoreError, match="LOT-1"):
        archive.open(one.ref)
    with archive.open(other.ref) as file:
        assert file.read() == b"same"


@pytest.mark.skipif(WINDOWS, reason="no permission bits")
def test_only_the_gateways_user_can_read_the_archive(archive: Archive, folder: Path) -> None:
    archive.put("LOT-1", io.BytesIO(b"a"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(folder)} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")] if path.is_dir()} == {0o700}


@pytest.mark.parametrize("ref", ["", "LOT-1", "../../etc/passwd", "LOT-1/../x", "LOT-1/" + "0" * 36, "/etc/passwd"])
def test_a_ref_it_did_not_give_leads_nowhere(archive: Archive, ref: str) -> None:
    with pytest.raises(StoreError):
        archive.open(ref)
    with pytest.raises(StoreError):
        archive.size(ref)


@pytest.mark.parametrize("owner", ["", "..", "a/b", "é", "a" * 100])
def test_only_an_id_can_own_bytes(archive: Archive, owner: str) -> None:
    with pytest.raises(ValueError, match="own"):
        archive.put(owner, io.BytesIO(b"a"))
    archive.erase(owner)


def test_a_format_of_the_future_is_not_read_as_if_it_were_ours(archive: Archive, folder: Path) -> None:
    stored = archive.put("LOT-1", io.BytesIO(b"abc"))
    (path,) = files(folder)
    path.write_bytes(b"\x02abc")
    with pytest.raises(StoreError, match="format"):
        archive.open(stored.ref)


class Cut(io.BytesIO):
    """A source whose connection is cut after the first frame."""

    def read(self, size: int | None = -1, /) -> bytes:
        frame = super().read(size)
        if not frame:
            raise Unreachable("cut")
        return frame


def test_a_source_that_breaks_leaves_nothing_and_its_error_is_its_own(archive: Archive, folder: Path) -> None:
    with pytest.raises(Unreachable):
        archive.put("LOT-1", Cut(b"a" * FRAME * 2))
    assert files(folder) == []


LIMITED = """
import io, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from gateway.archive import Archive
from gateway.errors import StoreError

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    Archive(Path(sys.argv[1])).put("LOT-1", io.BytesIO(b"a" * 300_000))
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(WINDOWS, reason="no such limit")
def test_a_disk_that_takes_only_a_part_is_told_and_leaves_nothing(folder: Path) -> None:
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, "-c", LIMITED, str(folder), root]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "LOT-1" in told.stdout
    assert "File too large" in told.stdout
    assert files(folder) == []


def test_a_failed_fsync_is_final(archive: Archive, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def fails(number: int) -> None:
        calls.append(number)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(platform.os, "fsync", lambda number: fails(number) if _is_file(number) else None)
    with pytest.raises(StoreError, match="Input/output error"):
        archive.put("LOT-1", io.BytesIO(b"abc"))
    assert len(calls) == 1
    assert files(folder) == []


def _is_file(number: int) -> bool:
    return stat.S_ISREG(os.fstat(number).st_mode)


KILLED = """
import io, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from gateway.archive import Archive

class Killer(io.BytesIO):
    def read(self, size=-1):
        frame = super().read(size)
        if not frame:
            os.kill(os.getpid(), signal.SIGKILL)
        return frame

archive = Archive(Path(sys.argv[1]))
print(archive.put("LOT-1", io.BytesIO(b"whole")).ref, flush=True)
archive.put("LOT-2", Killer(b"half"))
"""


@pytest.mark.skipif(WINDOWS, reason="no SIGKILL")
def test_what_a_killed_process_left_is_swept_and_what_has_a_row_stays(folder: Path) -> None:
    root = str(Path(__file__).parent.parent)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), root], capture_output=True, text=True, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    archive, ref = Archive(folder), killed.stdout.strip()
    orphan = archive.put("LOT-3", io.BytesIO(b"no row")).ref
    assert archive.sweep({ref}.__contains__, LATER) == 2
    with archive.open(ref) as file:
        assert file.read() == b"whole"
    with pytest.raises(StoreError):
        archive.open(orphan)
    assert [path.name for path in files(folder)] == [ref.partition("/")[2]]


def test_young_bytes_are_not_swept(archive: Archive) -> None:
    stored = archive.put("LOT-1", io.BytesIO(b"row comes soon"))
    assert archive.sweep(lambda _ref: False, datetime.now(UTC) - timedelta(hours=1)) == 0
    assert archive.size(stored.ref) == 14


def test_nothing_is_made_under_a_folder_that_went_away(archive: Archive, folder: Path) -> None:
    stored = archive.put("LOT-1", io.BytesIO(b"a"))
    shutil.rmtree(folder)
    with pytest.raises(StoreError, match="same backup"):
        archive.open(stored.ref)
