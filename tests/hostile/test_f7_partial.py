"""F7: uploads that trickle, pause, break off and begin again: what is not whole never goes, and nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.house import House, paimt
from support.tally import MINIMUM, Count
from support.zips import Entry, pack

from gateway.models import Batch
from gateway.stages.collect import Collect

SETTLE = {"kind": "folder", "finished": "settle", "settle_seconds": 5}
MARKER, RENAME = SETTLE | {"finished": "marker"}, SETTLE | {"finished": "rename"}


class Upload:
    """One upload into a real folder, seen by a gateway whose time stands still until it is moved."""

    def __init__(self, house: House, folder: Path, number: str) -> None:
        self.house, self.folder, self.number = house, folder, number
        self.path = folder / f"{number}.xml"
        self.data = paimt(number, first=f"{number}-1", second=f"{number}-2").encode()

    def write(self, size: int | None = None, *, path: Path | None = None) -> None:
        """Make the file as long as that (all of it otherwise), as a program does that writes on and on."""
        place = path or self.path
        have = place.stat().st_size if place.exists() else 0
        with place.open("ab") as file:
            file.write(self.data[have:size])
        self.touch(place)

    def touch(self, path: Path | None = None) -> None:
        """The file's time is that of the house: its clock stands still, the machine's does not."""
        moment = self.house.clock.monotonic() + 1000
        os.utime(path or self.path, (moment, moment))

    def looks(self, *, after: float = 0) -> int:
        """So many files were taken."""
        self.house.later(seconds=after)
        return self.house.collected().worked

    def restart(self) -> None:
        """Another process looks from now on."""
        self.house.collect = Collect()

    def jump(self, **by: float) -> None:
        """The machine's clock is set, forwards or back; no time passes."""
        self.house.clock._at += timedelta(**by)

    def outcome(self) -> str | None:
        """What became of the last lot: the state of its request, or why it was refused; None when there is none."""
        self.house.judged()
        lots = [batch for batch in self.house.all(Batch) if batch.name.startswith(self.number)]
        last = max(lots, key=lambda batch: batch.received_at, default=None)
        return None if last is None else last.reason or last.state


def settles(up: Upload) -> None:
    """From here on it is left alone: it is taken after five seconds, whole."""
    assert up.looks() == 0
    assert up.looks(after=4) == 0
    assert up.looks(after=1) == 1


def byte_a_second(up: Upload) -> None:
    for size in range(1, 60):
        up.write(size)
        assert up.looks(after=1) == 0
    up.write()
    settles(up)


def pauses_short_of_the_window(up: Upload) -> None:
    for size in range(100, len(up.data), 300):
        up.write(size)
        assert up.looks() == 0
        assert up.looks(after=4.9) == 0
    up.write()
    settles(up)


def restarted_while_it_grows(up: Upload) -> None:
    for size in range(100, len(up.data), 500):
        up.write(size)
        up.restart()
        assert up.looks(after=30) == 0
    up.write()
    settles(up)


def restarted_in_the_window(up: Upload) -> None:
    up.write()
    assert up.looks() == 0
    for _ in range(5):
        up.restart()
        assert up.looks(after=4.9) == 0
    assert up.looks(after=5) == 1


def clock_set(**by: float) -> Callable[[Upload], None]:
    def script(up: Upload) -> None:
        up.write(500)
        assert up.looks() == 0
        up.jump(**by)
        assert up.looks(after=1) == 0
        up.write()
        settles(up)
        up.jump(**{unit: -much for unit, much in by.items()})

    return script


def dated(moment: float) -> Callable[[Upload], None]:
    def script(up: Upload) -> None:
        up.write(500)
        os.utime(up.path, (moment, moment))
        assert up.looks() == 0
        up.write()
        os.utime(up.path, (moment, moment))  # the same time, another size
        assert up.looks(after=5) == 0
        assert up.looks(after=5) == 1

    return script


def room_made_first(up: Upload) -> None:
    """The file has its full size from the beginning and is filled in."""
    up.path.write_bytes(bytes(len(up.data)))
    up.touch()
    for size in range(0, len(up.data), 700):
        assert up.looks(after=3) == 0
        with up.path.open("r+b") as file:
            file.write(up.data[:size])
        up.touch()
    with up.path.open("r+b") as file:
        file.write(up.data)
    up.house.later(seconds=1)
    up.touch()
    settles(up)


def replaced_in_the_window(up: Upload) -> None:
    """By a file of the same size and time: it is another one."""
    up.write()
    assert up.looks() == 0
    other = up.folder.parent / "autre"
    up.write(path=other)
    other.replace(up.path)
    assert up.looks(after=5) == 0
    assert up.looks(after=5) == 1


def begun_anew(up: Upload) -> None:
    up.write(900)
    assert up.looks() == 0
    up.path.unlink()
    assert up.looks(after=5) == 0
    up.write(900)
    assert up.looks() == 0
    up.write()
    settles(up)


def beside_a_whole_one(up: Upload) -> None:
    whole = Upload(up.house, up.folder, f"{up.number}W")
    whole.write()
    up.write(400)
    assert up.looks() == 0
    up.write(800)
    assert up.looks(after=5) == 1
    assert whole.outcome() == "VALIDATED"
    up.write()
    settles(up)


def marked_when_whole(up: Upload) -> None:
    up.write(700)
    assert up.looks(after=3600) == 0
    up.write()
    assert up.looks(after=3600) == 0
    up.path.with_name(f"{up.path.name}.done").touch()
    assert up.looks() == 1


def marked_for_another(up: Upload) -> None:
    up.write(700)
    marker = up.path.with_name(f"{up.number}.done")
    marker.touch()
    up.path.with_name(f"autre-{up.path.name}.done").touch()
    assert up.looks(after=3600) == 0
    marked_when_whole(up)


def renamed_when_whole(ending: str) -> Callable[[Upload], None]:
    def script(up: Upload) -> None:
        unfinished = up.folder / (ending + up.path.name if ending in (".", "~$") else up.path.name + ending)
        for size in (700, 1400, None):
            up.write(size, path=unfinished)
            assert up.looks(after=60) == 0
        unfinished.rename(up.path)
        assert up.looks() == 1

    return script


UNFINISHED = (".part", ".tmp", ".filepart", ".", "~$")
WHOLE: dict[str, tuple[dict[str, Any], Callable[[Upload], None]]] = {
    "a byte a second": (SETTLE, byte_a_second),
    "pauses shorter than the window": (SETTLE, pauses_short_of_the_window),
    "the gateway restarted while it grows": (SETTLE, restarted_while_it_grows),
    "the gateway restarted in the window": (SETTLE, restarted_in_the_window),
    "the clock an hour on": (SETTLE, clock_set(hours=1)),
    "the clock an hour back": (SETTLE, clock_set(hours=-1)),
    "the clock two days on": (SETTLE, clock_set(days=2)),
    "the clock two days back": (SETTLE, clock_set(days=-2)),
    "dated 1970": (SETTLE, dated(0)),
    "dated 2106": (SETTLE, dated(2**32 - 1)),
    "its room made first": (SETTLE, room_made_first),
    "replaced in the window": (SETTLE, replaced_in_the_window),
    "begun anew": (SETTLE, begun_anew),
    "beside a whole one": (SETTLE, beside_a_whole_one),
    "marked when whole": (MARKER, marked_when_whole),
    "a marker for another": (MARKER, marked_for_another),
    **{f"named {ending} until whole": (RENAME, renamed_when_whole(ending)) for ending in UNFINISHED},
}


def paused(up: Upload) -> str:
    up.write(len(up.data) // 2)
    settles(up)
    return "NOT_WELL_FORMED"


def kept_its_time(up: Upload) -> str:
    """Full size at once, and the time set back after each write: nothing shows that it is not whole."""
    up.path.write_bytes(up.data[:900] + bytes(len(up.data) - 900))
    os.utime(up.path, (1, 1))
    settles(up)
    return "NOT_WELL_FORMED"


def half_an_archive(up: Upload) -> str:
    up.data = pack(Entry(b"a.xml", up.data, method=0))
    up.path = up.path.with_suffix(".zip")
    return paused(up).replace("NOT_WELL_FORMED", "HOSTILE_ARCHIVE")


def marked_too_soon(up: Upload) -> str:
    up.write(900)
    up.path.with_name(f"{up.path.name}.done").touch()
    assert up.looks() == 1
    return "NOT_WELL_FORMED"


# Nobody can see that these are not whole. They are refused and told; whole, they go.
HALF: dict[str, tuple[dict[str, Any], Callable[[Upload], str]]] = {
    "a pause longer than the window": (SETTLE, paused),
    "its size and time from the beginning": (SETTLE, kept_its_time),
    "half an archive": (SETTLE, half_an_archive),
    "marked too soon": (MARKER, marked_too_soon),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture
def folder(house: House, tmp_path: Path) -> Path:
    folder = tmp_path / "lots"
    folder.mkdir()
    house.boxes.folder["pickup:SRC-1"] = folder
    return folder


def test_an_upload_is_taken_once_it_is_whole_and_not_before(house: House, folder: Path, tally: Count) -> None:
    for place, (name, (rule, script)) in enumerate(WHOLE.items()):
        house.source(pickup=rule)
        up = Upload(house, folder, f"U-{place}")
        script(up)
        assert up.outcome() == "VALIDATED", name
        for left in (path for path in folder.iterdir() if path.is_file()):
            left.unlink()
    _all_whole(house)
    assert len(WHOLE) + len(HALF) >= MINIMUM["F7"]
    tally("F7", refused=len(WHOLE), twins=len(WHOLE))


def test_half_an_upload_that_looks_whole_is_refused_and_told_and_the_whole_one_goes(
    house: House, folder: Path, tally: Count
) -> None:
    for place, (name, (rule, script)) in enumerate(HALF.items()):
        house.source(pickup=rule)
        up = Upload(house, folder, f"H-{place}")
        assert script(up) == up.outcome(), name
        told = [reply for reply in house.replies("report") if reply.key]
        assert len(told) == place + 1, name
        house.source(pickup=RENAME)
        up.write()
        assert up.looks(after=60) == 1
        assert up.outcome() == "VALIDATED", name
    _all_whole(house)
    tally("F7", refused=len(HALF), twins=len(HALF))


def _all_whole(house: House) -> None:
    house.sent()
    for data in house.at_the_payer().values():
        assert data.rstrip().endswith(b"</dem_paimt>")
