"""Bytes are kept whole and durable, or not at all; and an owner's bytes are nobody else's."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.keys import Loose

from gateway import platform
from gateway.archive import Archive
from gateway.errors import AlteredError, StoreError, Unreachable
from gateway.platform import WINDOWS
from gateway.sealing.frames import FRAME, SALT, TAG

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def keys() -> Loose:
    return Loose()


@pytest.fixture
def archive(folder: Path, keys: Loose) -> Archive:
    return Archive(folder, keys)


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
    path.write_bytes(b"\x03abc")
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
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from support.keys import Loose
from gateway.archive import Archive
from gateway.errors import StoreError

resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    Archive(Path(sys.argv[1]), Loose()).put("LOT-1", io.BytesIO(b"a" * 300_000))
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
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from support.keys import Loose
from gateway.archive import Archive

class Killer(io.BytesIO):
    def read(self, size=-1):
        frame = super().read(size)
        if not frame:
            os.kill(os.getpid(), signal.SIGKILL)
        return frame

keys = Loose()
keys.kept = {"LOT-1": b"1" * 32}
archive = Archive(Path(sys.argv[1]), keys)
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
    keys = Loose()
    keys.kept = {"LOT-1": b"1" * 32}
    archive, ref = Archive(folder, keys), killed.stdout.strip()
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


# -- sealed at rest --


def kept(archive: Archive, data: bytes, owner: str = "LOT-1") -> tuple[str, Path]:
    """What is kept of some bytes: its ref, its file."""
    ref = archive.put(owner, io.BytesIO(data)).ref
    return ref, archive._path(ref)


def test_nothing_of_what_is_kept_lies_on_the_disk(archive: Archive, folder: Path) -> None:
    _, path = kept(archive, b"Tremblay" * 20_000)
    data = path.read_bytes()
    assert b"Trem" not in data
    assert len(data) == 1 + SALT + 160_000 + 3 * TAG


def test_the_same_bytes_are_never_sealed_the_same_way_twice(archive: Archive) -> None:
    (_, one), (_, other) = kept(archive, b"a" * 100), kept(archive, b"a" * 100)
    assert one.read_bytes()[1 + SALT :] != other.read_bytes()[1 + SALT :]


Spoil = Callable[[bytes], bytes]
SEALED = FRAME + TAG
HEAD = 1 + SALT
# What may have become of a file of three whole frames and a bit.
SPOILED: dict[str, Spoil] = {
    "a bit of its salt": lambda data: data[:5] + bytes([data[5] ^ 1]) + data[6:],
    "a bit of its first frame": lambda data: data[:HEAD] + bytes([data[HEAD] ^ 128]) + data[HEAD + 1 :],
    "a bit of a tag": lambda data: data[: HEAD + FRAME] + bytes([data[HEAD + FRAME] ^ 1]) + data[HEAD + FRAME + 1 :],
    "its last bit": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "without its last frame": lambda data: data[: HEAD + 3 * SEALED],
    "without its first frame": lambda data: data[:HEAD] + data[HEAD + SEALED :],
    "without a byte": lambda data: data[:-1],
    "within a tag": lambda data: data[: HEAD + 2 * SEALED + 7],
    "only its head": lambda data: data[:HEAD],
    "not even its head": lambda data: data[:9],
    "two frames exchanged": lambda data: (
        data[:HEAD] + data[HEAD + SEALED : HEAD + 2 * SEALED] + data[HEAD : HEAD + SEALED] + data[HEAD + 2 * SEALED :]
    ),
    "a frame twice": lambda data: data[: HEAD + SEALED] + data[HEAD:],
    "a byte more": lambda data: data + b"x",
    "an empty frame more": lambda data: data + bytes(TAG),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_what_was_altered_on_the_disk_is_never_given(archive: Archive, spoil: Spoil) -> None:
    ref, path = kept(archive, os.urandom(3 * FRAME + 100))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(AlteredError, match=ref), archive.open(ref) as file:
        file.read()


def test_bytes_moved_to_another_ref_or_owner_are_refused(archive: Archive, keys: Loose) -> None:
    _, one = kept(archive, b"one")
    same_owner, sibling = kept(archive, b"two")
    other_owner, stranger = kept(archive, b"three", "LOT-2")
    for ref, path in ((same_owner, sibling), (other_owner, stranger)):
        path.write_bytes(one.read_bytes())
        with pytest.raises(AlteredError):
            archive.open(ref)
    keys.kept["LOT-2"] = keys.kept["LOT-1"]  # not even under the same key
    with pytest.raises(AlteredError):
        archive.open(other_owner)


def test_any_part_can_be_read_in_any_order(archive: Archive) -> None:
    data = os.urandom(3 * FRAME + 17)
    ref, _ = kept(archive, data)
    places = random.Random(5)
    with archive.open(ref) as file:
        for _ in range(200):
            at, length = places.randrange(len(data) + 10), places.randrange(2 * FRAME)
            file.seek(at)
            assert file.read(length) == data[at : at + length]
        file.seek(-(FRAME + 1), os.SEEK_END)
        assert file.read() == data[-(FRAME + 1) :]
        with pytest.raises(OSError, match="Invalid"):
            file.raw.seek(-1)  # type: ignore[attr-defined]


class Dribble(io.BytesIO):
    """A source that gives little at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1000))


def test_a_source_that_gives_little_at_a_time_fills_whole_frames(archive: Archive) -> None:
    data = os.urandom(FRAME + 5)
    stored = archive.put("LOT-1", Dribble(data))
    assert (stored.size, archive.size(stored.ref)) == (FRAME + 5, FRAME + 5)
    with archive.open(stored.ref) as file:
        assert file.read() == data


def test_without_its_key_nothing_is_read_and_its_copies_are_as_unreadable(archive: Archive, tmp_path: Path) -> None:
    ref, path = kept(archive, b"abc")
    copy = tmp_path / "copy"
    shutil.copy(path, copy)
    archive.erase("LOT-1")
    path.parent.mkdir(parents=True)
    shutil.copy(copy, path)
    with pytest.raises(StoreError, match="no key for LOT-1"):
        archive.open(ref)
    archive.erase("LOT-1")
    assert not path.exists()


# -- archives of before sealing --


@pytest.fixture
def old(archive: Archive, folder: Path) -> dict[str, bytes]:
    """Plain files of three owners, by ref."""
    made = {}
    for number, data in enumerate((b"", b"a" * 10, b"b" * (FRAME + 1))):
        ref, path = kept(archive, b"", f"LOT-{number}")
        path.write_bytes(b"\x01" + data)
        made[ref] = data
    return made


def test_plain_files_of_before_are_read_until_they_are_sealed(
    archive: Archive, old: dict[str, bytes], folder: Path
) -> None:
    for _ in range(2):
        for ref, data in old.items():
            assert archive.size(ref) == len(data)
            with archive.open(ref) as file:
                assert file.read() == data
                assert file.seek(-1, os.SEEK_END) == len(data) - 1 if data else True
        archive.seal_old()
    assert {path.read_bytes()[0] for path in files(folder)} == {2}
    assert archive.seal_old() == 0


def test_once_all_is_sealed_a_plain_file_is_nobody_of_ours(archive: Archive, old: dict[str, bytes]) -> None:
    assert archive.seal_old() == 3
    (ref, *_) = old
    archive._path(ref).write_bytes(b"\x01forged")
    with pytest.raises(AlteredError):
        archive.open(ref)


def test_sealing_what_is_old_goes_on_after_it_was_killed(
    archive: Archive, old: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []

    def dies(_temporary: Path, final: Path) -> None:
        calls.append(final)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gateway.archive.replace", dies)
        with pytest.raises(KeyboardInterrupt):
            archive.seal_old()
    assert archive.seal_old() == 3
    for ref, data in old.items():
        with archive.open(ref) as file:
            assert file.read() == data
