"""F3: what lies, or comes, where a lot was: links, pipes, devices, other people's files, files that move and grow."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from support.attacks import TIMES
from support.tally import MINIMUM, Count

from adapters.folder import Folder
from gateway.errors import Denied, Gone, TransportError, Unreachable
from gateway.ports import WaitingFile

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs and no links for everybody")
LOT = b"<lot/>" * 400_000  # more than is read at once
SECRET = b"canari du voisin"
SWAPS = 10_000 * TIMES


@dataclass
class Ground:
    """A mailbox, and beside it what is not the agency's."""

    folder: Path
    others: Path
    doors: list[socket.socket] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / "lot.xml"

    @property
    def secret(self) -> Path:
        return self.others / "lot.xml"

    def intact(self) -> bool:
        """Whether what is not the agency's is as it was, under one name."""
        return self.secret.read_bytes() == SECRET and [p.name for p in self.others.iterdir()] == ["lot.xml"]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "lots", tmp_path / "voisin")
    made.folder.mkdir()
    made.others.mkdir()
    made.secret.write_bytes(SECRET)
    yield made
    for door in made.doors:
        door.close()


def _link(target: str) -> Callable[[Ground], None]:
    return lambda g: g.path.symlink_to(target)


def _socket(g: Ground) -> None:
    door = socket.socket(socket.AF_UNIX)
    g.doors.append(door)
    here = Path.cwd()
    os.chdir(g.folder)  # the path of a socket must be short
    try:
        door.bind("lot.xml")
    finally:
        os.chdir(here)


def _twin(g: Ground) -> None:
    """Another file of the same size and time."""
    other = g.folder.parent / "autre"
    other.write_bytes(LOT)
    os.utime(other, ns=(1, 1))
    other.replace(g.path)


# What is put under the lot's name once the lot is away; and what a listing says of it (None: a lot like any other).
THINGS: dict[str, tuple[Callable[[Ground], None], str | None]] = {
    "a link to the neighbour's lot": (lambda g: g.path.symlink_to(g.secret), "not_a_file"),
    "a relative link to it": (_link("../voisin/lot.xml"), "not_a_file"),
    "a link to the neighbour's folder": (lambda g: g.path.symlink_to(g.others), "not_a_file"),
    "a link to nowhere": (_link("/nonexistent"), "not_a_file"),
    "a link to itself": (_link("lot.xml"), "not_a_file"),
    "a link to zeros": (_link("/dev/zero"), "not_a_file"),
    "a link to a terminal": (_link("/dev/tty"), "not_a_file"),
    "a link to the process": (_link("/proc/self/environ"), "not_a_file"),
    "a second name of the neighbour's lot": (lambda g: os.link(g.secret, g.path), "linked_twice"),
    "a pipe": (lambda g: os.mkfifo(g.path), "not_a_file"),
    "a socket": (_socket, "not_a_file"),
    "a folder": (lambda g: g.path.mkdir(), "not_a_file"),
    "a full folder": (lambda g: (g.path / "a").mkdir(parents=True), "not_a_file"),
    "another file of the same size and time": (_twin, None),
    "nothing": (lambda g: None, None),
}
# How the lot itself may change under its name: the file stays the same one.
CHANGES: dict[str, Callable[[Path], object]] = {
    "longer": lambda path: _at(path, len(LOT), b"more"),
    "shorter": lambda path: os.truncate(path, 10),
    "empty": lambda path: os.truncate(path, 0),
    "a terabyte of nothing": lambda path: os.truncate(path, 1 << 40),
    "other bytes": lambda path: _at(path, 0, b"<LOT/>"),
    "other bytes, and its time set back": lambda path: _secretly(path),
    "a second name": lambda path: os.link(path, path.with_name(".autre")),
}


def _at(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def _secretly(path: Path) -> None:
    before = path.stat()
    _at(path, len(LOT) - 6, b"<LOT/>")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def laid(ground: Ground) -> WaitingFile:
    """A whole lot, listed."""
    ground.path.write_bytes(LOT)
    os.utime(ground.path, ns=(1, 1))
    (file,) = Folder(ground.folder).waiting()
    return file


class Meanwhile(io.BytesIO):
    """A sink in front of which something happens once, after the first bytes."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    def write(self, data: object, /) -> int:
        if self._act is not None:
            act, self._act = self._act, None
            act()
        return super().write(data)  # type: ignore[arg-type]


def instead(ground: Ground, thing: Callable[[Ground], None]) -> None:
    ground.path.replace(ground.folder.parent / "avant")  # it stays somewhere: its number is not given to another file
    thing(ground)


def gone(act: Callable[[], object]) -> bool:
    try:
        act()
    except Gone:
        return True
    return False


@pytest.mark.parametrize("after", ["move", "remove"])
def test_whatever_lies_under_a_lots_name_is_told_about_and_never_opened(
    ground: Ground, after: str, tally: Count
) -> None:
    box, refusals = Folder(ground.folder, after), 0
    for name, (thing, why) in THINGS.items():
        thing(ground)
        found = box.waiting()
        assert [file.refused for file in found] == ([] if name == "nothing" else [why]), name
        for file in found:
            if why is not None:
                assert gone(lambda f=file: box.read(f, io.BytesIO())), name
                assert gone(lambda f=file: box.remove(f)), name
                refusals += 1
        _clear(ground)
    assert ground.intact()
    tally("F3", refused=refusals, twins=1)


@pytest.mark.parametrize("moment", ["before it is read", "while it is read", "before it is put away"])
@pytest.mark.parametrize("after", ["move", "remove"])
def test_what_takes_a_lots_place_is_neither_read_nor_put_away(
    ground: Ground, moment: str, after: str, tally: Count
) -> None:
    box = Folder(ground.folder, after)
    for name, (thing, _) in THINGS.items():
        file = laid(ground)
        sink = Meanwhile(lambda t=thing: instead(ground, t))
        if moment == "before it is put away":
            box.read(file, io.BytesIO())
            instead(ground, thing)
            there = _seen(ground.path)
            # What is gone already is away: doing it twice is doing it once.
            assert gone(lambda f=file: box.remove(f)) is (name != "nothing"), name
            assert _seen(ground.path) == there, name
        else:
            if moment == "before it is read":
                instead(ground, thing)
                sink = Meanwhile(lambda: None)
            assert gone(lambda f=file, s=sink: box.read(f, s)), name
            assert SECRET not in sink.getvalue()
        _clear(ground)
    assert ground.intact()
    tally("F3", refused=len(THINGS))


@pytest.mark.parametrize("moment", ["before it is read", "while it is read", "before it is put away"])
def test_a_lot_that_changes_under_its_name_is_not_taken(ground: Ground, moment: str, tally: Count) -> None:
    box, quiet = Folder(ground.folder), 0
    for name, change in CHANGES.items():
        file = laid(ground)
        # Its own bytes of the moment, whole, under the size and time that were listed: nothing is wrong with them.
        harmless = "set back" in name and moment != "while it is read"
        if moment == "while it is read":
            assert gone(lambda f=file, c=change: box.read(f, Meanwhile(lambda: c(ground.path)))), name
        else:
            act = box.remove if moment == "before it is put away" else lambda f: box.read(f, io.BytesIO())
            change(ground.path)
            assert gone(lambda f=file, a=act: a(f)) is not harmless, name
        quiet += harmless
        _clear(ground)
    tally("F3", refused=len(CHANGES) - quiet, harmless=quiet)


RECUS: dict[str, tuple[Callable[[Path, Ground], object], type[TransportError]]] = {
    "a link to the neighbour": (lambda recus, g: recus.symlink_to(g.others), Denied),
    "a link to nowhere": (lambda recus, g: recus.symlink_to("/nonexistent/x"), Denied),
    "a link to itself": (lambda recus, g: recus.symlink_to("recus"), Denied),
    "a file": (lambda recus, g: recus.write_bytes(b""), Unreachable),
    "a pipe": (lambda recus, g: os.mkfifo(recus), Unreachable),
}


def test_a_lot_is_put_away_into_a_folder_of_the_mailbox_only(ground: Ground, tally: Count) -> None:
    for name, (plant, kind) in RECUS.items():
        file, recus = laid(ground), ground.folder / "recus"
        plant(recus, ground)
        with pytest.raises(kind):
            Folder(ground.folder).remove(file)
        assert ground.path.read_bytes() == LOT, name
        recus.unlink()
    assert ground.intact()
    file = laid(ground)
    Folder(ground.folder).remove(file)
    assert (ground.folder / "recus" / "lot.xml").read_bytes() == LOT
    tally("F3", refused=len(RECUS), twins=1)


def test_there_are_cases_enough() -> None:
    listed, replaced = 2 * (len(THINGS) - 2), 6 * len(THINGS)
    assert listed + replaced + 3 * len(CHANGES) + len(RECUS) >= MINIMUM["F3"]


def _clear(ground: Ground) -> None:
    for path in ground.folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            for below in path.iterdir():
                below.rmdir() if below.is_dir() else below.unlink()
            path.rmdir()
        else:
            path.unlink()


def _seen(path: Path) -> tuple[int, ...] | None:
    with suppress(FileNotFoundError):
        facts = path.lstat()
        return facts.st_mode, facts.st_ino, facts.st_nlink
    return None


class Swapper(Thread):
    """Swaps what lies under one name for something else and back, so many times."""

    def __init__(self, path: Path, other: Callable[[Path], object], times: int) -> None:
        super().__init__()
        self._path, self._other, self._times = path, other, times
        self.swaps = 0

    def run(self) -> None:
        trap = self._path.with_name(".trap")
        self._other(trap)
        for turn in range(5 * self._times):
            keep = self._path.with_name(f".keep-{turn}")
            with suppress(OSError):  # it was put away, or made anew, meanwhile
                self._path.rename(keep)
            with suppress(OSError):
                trap.rename(self._path)
                self.swaps += 1
                self._path.rename(trap)
            with suppress(OSError):
                keep.rename(self._path)
            if self.swaps == self._times:
                return


def test_ten_thousand_swaps_of_a_lot_for_a_link_win_nothing(ground: Ground, tally: Count) -> None:
    file, box = laid_small(ground), Folder(ground.folder)
    swapper = Swapper(ground.path, lambda trap: trap.symlink_to(ground.secret), SWAPS)
    taken = refused = 0
    swapper.start()
    while swapper.is_alive():
        sink = io.BytesIO()
        if gone(lambda s=sink: box.read(file, s)):
            refused += 1
        else:
            taken += 1
            assert sink.getvalue() == b"<lot/>"
        assert SECRET not in sink.getvalue()
    swapper.join()
    assert swapper.swaps >= SWAPS
    assert taken
    assert refused
    assert ground.intact()
    tally("F3", refused=swapper.swaps)


def test_ten_thousand_swaps_of_the_folder_for_what_was_taken_win_nothing(ground: Ground, tally: Count) -> None:
    """The agency may write in its own folder: were its recus/ a link at the right moment, its file would land
    anywhere the gateway may write, under a name of its choice."""
    recus, box = ground.folder / "recus", Folder(ground.folder)
    recus.mkdir()
    swapper = Swapper(recus, lambda trap: trap.symlink_to(ground.others), SWAPS)
    swapper.start()
    put_away = 0
    while swapper.is_alive():
        ground.path.write_bytes(b"<lot/>")
        for file in (f for f in box.waiting() if f.name == "lot.xml"):
            with suppress(TransportError):
                box.remove(file)
                put_away += 1
    swapper.join()
    assert swapper.swaps >= SWAPS
    assert put_away
    assert ground.intact()
    tally("F3", refused=swapper.swaps)


def laid_small(ground: Ground) -> WaitingFile:
    ground.path.write_bytes(b"<lot/>")
    (file,) = Folder(ground.folder).waiting()
    return file
