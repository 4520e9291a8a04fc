"""The disk that forgets keeps what was synced and, when it is unlucky, nothing else."""

from __future__ import annotations

import random
import stat

import pytest

from faults.forgetful import Forgetful, Node


class Unlucky(random.Random):
    """Every unsynced thing is lost."""

    def random(self) -> float:
        return 0.0


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Forgetful:
    monkeypatch.setattr(random, "Random", Unlucky)
    return Forgetful()


def written(disk: Forgetful, path: str, data: bytes) -> int:
    handle = disk.create(path, 0o600)
    disk.write(path, data, 0, handle)
    return handle


def test_a_name_nobody_synced_is_gone_although_its_bytes_were(disk: Forgetful) -> None:
    disk.fsync("/a", 0, written(disk, "/a", b"bytes"))
    disk.cut(1)
    assert disk.readdir("/", 0) == [".", ".."]


def test_bytes_nobody_synced_are_gone_although_their_name_was(disk: Forgetful) -> None:
    written(disk, "/a", b"bytes")
    disk.fsyncdir("/", 0, 0)
    disk.cut(1)
    assert disk.getattr("/a")["st_size"] == 0


def test_what_was_synced_in_both_ways_stays(disk: Forgetful) -> None:
    disk.fsync("/a", 0, written(disk, "/a", b"bytes"))
    disk.fsyncdir("/", 0, 0)
    disk.write("/a", b"later", 0, disk.open("/a", 0))
    disk.unlink("/a")
    disk.cut(1)
    assert disk.read("/a", 9, 0, 0) == b"bytes"


def test_a_removal_and_a_rename_are_undone_until_their_folder_is_synced(disk: Forgetful) -> None:
    disk.mkdir("/in", 0o700)
    disk.fsync("/in/a", 0, written(disk, "/in/a", b"bytes"))
    disk.sync()
    disk.rename("/in/a", "/b")
    disk.cut(1)
    assert (disk.readdir("/in", 0)[2:], disk.readdir("/", 0)[2:]) == (["a"], ["in"])


def test_half_of_the_sectors_may_have_been_written() -> None:
    node = Node(stat.S_IFREG, 1, bytearray(b"n" * 2048), kept_data=b"o" * 2048)
    seen = set()
    for seed in range(200):
        node.data, node.kept_data = bytearray(b"n" * 2048), b"o" * 2048
        node.lose(random.Random(seed))
        seen.add(bytes(node.data[::512]))
    assert {b"oooo", b"nnnn"} < seen
    assert len(seen) > 4
