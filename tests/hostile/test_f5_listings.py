"""F5: a payer's server that lies about what lies there, and about what it gives."""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import paramiko
import pytest
from support.hostile_sftp import Endless, Lies, Reach, entry, reaching
from support.mailboxes import sha256_of
from support.returns import ReturnHouse
from support.tally import MINIMUM, Count

from gateway.arrivals import taken
from gateway.errors import Gone, TransportError, Unreachable
from gateway.models import Parcel
from gateway.ports import WaitingFile

_FILE = stat.S_IFREG | 0o600
# An entry as the server tells it, and why it is never taken; "" where it is not even told about.
ENTRIES: dict[str, tuple[Any, str | None]] = {
    **{
        f"name {name[:20]!r}": (entry(name), "name")
        for name in (
            *("../a.xml", "..\\a.xml", "/etc/passwd", "a/b.xml", "a\\b.xml", "a\0.xml", "a.xml\r\nX: y", "a\x1b[2J"),
            *("\u2028.xml", "x" * 300, "é" * 128, "../" * 80, "//", "recus/a.xml", "a\x7fb.xml", "C:\\a.xml"),
        )
    },
    **{f"nameless {name!r}": (entry(name), "") for name in ("", ".", "..")},
    **{f"no deposit {name!r}": (entry(name), "") for name in (".lot.xml.part", "lot.xml.done")},
    **{
        f"kind {kind:o}": (entry("a.xml", mode=kind | 0o600), "not_a_file")
        for kind in (stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK, 0, 0o170000)
    },
    "no kind": (entry("a.xml", mode=None), "not_a_file"),
    "no size": (entry("a.xml", size=None), "not_a_file"),
}
# Odd, and files like any other: what they hold is looked at, not what they are called.
HARMLESS = {
    "1970": entry("a.xml", mtime=0),
    "2106": entry("a.xml", mtime=(1 << 32) - 1),
    "a drive": entry("C:a.xml"),
    "a device": entry("NUL"),
    "an option": entry("-rf.xml"),
    "percent": entry("%2e%2e%2fa.xml"),
    "dots": entry("....xml"),
    "no extension": entry("recev"),
    "permissions for all": entry("a.xml", mode=stat.S_IFREG | 0o7777),
}


@pytest.fixture
def lies() -> Lies:
    return Lies()


@pytest.fixture
def reach(lies: Lies) -> Iterator[Reach]:
    with reaching(lies) as reach:
        yield reach


def test_what_a_server_lists_is_a_label_of_a_file_or_only_told_about(lies: Lies, reach: Reach, tally: Count) -> None:
    box = reach()
    for name, (one, why) in ENTRIES.items():
        lies.entries = [one, entry("honnete.xml")]
        found = {file.name: file for file in box.waiting()}
        assert found.pop("honnete.xml").refused is None
        assert [file.refused for file in found.values()] == ([why] if why else []), name
        for file in found.values():
            with pytest.raises(Gone):
                box.read(file, io.BytesIO())
    for name, one in HARMLESS.items():
        lies.entries = [one]
        (file,) = box.waiting()
        assert (file.name, file.refused) == (one.filename, None), name
    assert len(ENTRIES) + len(HARMLESS) + len(CONTENTS) >= MINIMUM["F5"]
    tally("F5", refused=len(ENTRIES), harmless=len(HARMLESS), twins=1)


def test_a_listing_without_an_end_is_cut_at_ten_thousand_and_twice_the_same_name_is_one_file(
    lies: Lies, reach: Reach, tally: Count
) -> None:
    lies.entries = endless = Endless()
    with closing(reach()) as box:
        assert len(box.waiting()) == 10_000
    assert endless.given < 11_000
    lies.entries = [entry("lot.xml", size=size) for size in range(500)]
    assert [(file.name, file.size) for file in reach().waiting()] == [("lot.xml", 0)]
    tally("F5", refused=2)


def _after(count: int, then: Callable[[], bytes | int], data: bytes) -> Callable[[int, int], bytes | int]:
    """Gives the bytes honestly that many times, then something else."""
    left = [count]

    def read(offset: int, length: int) -> bytes | int:
        left[0] -= 1
        return data[offset : offset + length] if left[0] >= 0 else then()

    return read


def _cut() -> bytes:
    raise EOFError


BODY = bytes(range(256)) * 400
# What the server gives of a file of so many bytes; whether the bytes are taken.
CONTENTS: dict[str, tuple[int, Callable[[Lies], object], bool]] = {
    "honest": (len(BODY), lambda lies: None, True),
    "one byte shorter": (len(BODY) + 1, lambda lies: None, False),
    "one byte longer": (len(BODY) - 1, lambda lies: None, False),
    "nothing of much": (len(BODY), lambda lies: setattr(lies, "content", b""), False),
    "much of nothing": (0, lambda lies: None, False),
    "endless": (len(BODY), lambda lies: setattr(lies, "endless", True), False),
    "all the bytes there are": ((1 << 63) - 1, lambda lies: None, False),
    "more than there are": ((1 << 64) - 1, lambda lies: None, False),
    "an error in the middle": (
        len(BODY),
        lambda lies: setattr(lies, "reading", _after(2, lambda: paramiko.SFTP_FAILURE, BODY)),
        False,
    ),
    "not allowed in the middle": (
        len(BODY),
        lambda lies: setattr(lies, "reading", _after(1, lambda: paramiko.SFTP_PERMISSION_DENIED, BODY)),
        False,
    ),
    "an early end": (
        len(BODY),
        lambda lies: setattr(lies, "reading", _after(1, lambda: paramiko.SFTP_EOF, BODY)),
        False,
    ),
    "the line is cut": (len(BODY), lambda lies: setattr(lies, "reading", _after(2, _cut, BODY)), False),
    "more than was asked for": (
        len(BODY),
        lambda lies: setattr(lies, "reading", lambda offset, length: BODY[offset : offset + length + 1]),
        False,
    ),
    "a byte at a time": (
        300,
        lambda lies: setattr(lies, "reading", lambda offset, length: BODY[:300][offset : offset + 1]),
        True,
    ),
    "an error on closing": (len(BODY), lambda lies: setattr(lies, "fails_to_close", True), True),  # all was read
    "gone when looked at again": (len(BODY), lambda lies: _forgets(lies), False),
    "another size when looked at again": (len(BODY), lambda lies: _forgets(lies, entry("lot.xml", size=7)), False),
    "a link when looked at again": (
        len(BODY),
        lambda lies: _forgets(lies, entry("lot.xml", size=len(BODY), mode=stat.S_IFLNK | 0o777)),
        False,
    ),
}


def _forgets(lies: Lies, *instead: Any) -> None:
    """While the file is read its entry becomes another."""

    def read(offset: int, length: int) -> bytes:
        lies.entries = list(instead)
        return BODY[offset : offset + length]

    lies.reading = read


@pytest.mark.parametrize("part", range(3))
def test_a_file_is_taken_whole_as_it_was_announced_or_not_at_all(part: int, tally: Count) -> None:
    cases = list(CONTENTS.items())[part::3]
    for name, (size, lie, is_taken) in cases:
        lies = Lies()
        lies.content, lies.entries = BODY, [entry("lot.xml", size=size)]
        with reaching(lies) as reach:
            box = reach()
            (file,) = box.waiting()
            lie(lies)
            assert _taken(box, file) is is_taken, name
    let_in = sum(case[1][2] for case in cases)
    tally("F5", refused=len(cases) - let_in, twins=let_in)


def _taken(box: Any, file: WaitingFile) -> bool:
    try:
        with taken(box, file) as whole:
            data = whole.stream.read()
            return len(data) == file.size and whole.sha256 == sha256_of(data)
    except (Gone, Unreachable, TransportError):
        return False


class Giver:
    """A return box that announces one file of any size and gives it to nobody."""

    def __init__(self, size: int) -> None:
        self.asked, self._size = 0, size

    def waiting(self) -> list[WaitingFile]:
        return [WaitingFile("recev.xml", self._size, 1, "1")]

    def read(self, file: WaitingFile, sink: object) -> None:
        self.asked += 1

    def remove(self, file: WaitingFile) -> None:
        self.asked += 1

    def close(self) -> None:
        """Nothing is open."""


def test_a_file_announced_too_large_is_not_even_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Count
) -> None:
    house = ReturnHouse(tmp_path)
    giver = Giver(1 << 62)
    monkeypatch.setattr(house.boxes, "_box", lambda name: giver)
    house.fetched()
    assert giver.asked == 0
    assert house.all(Parcel) == []
    house.close()
    tally("F5", refused=1)
