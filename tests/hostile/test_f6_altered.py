"""F6: bytes pinned by their hash, then altered on disk: they are never sent, and somebody is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.house import House, paimt, sample
from support.tally import MINIMUM, Count

from gateway import platform
from gateway.models import Request

Spoil = Callable[[Path], object]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    yield house
    platform.listen(None)
    house.close()


def _flip(place: int) -> Spoil:
    def spoil(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place] ^= 1
        path.write_bytes(bytes(data))

    return spoil


def _another(path: Path) -> None:
    """Another agency's document, whole and valid, as versions before sealing kept it."""
    path.write_bytes(b"\x01" + paimt("D-9", sender="18003").encode())


def _neighbour(path: Path) -> None:
    """Other sealed bytes of this installation, whole."""
    other = next(one for one in sorted(path.parent.parent.parent.rglob("*")) if one.is_file() and one != path)
    path.write_bytes(other.read_bytes())


def _sibling(path: Path) -> None:
    """Other sealed bytes of the same lot, under the same data key: its report."""
    other = next(one for one in sorted(path.parent.iterdir()) if one != path)
    path.write_bytes(other.read_bytes())


def _link(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"\x01" + paimt("D-9").encode())
    path.unlink()
    path.symlink_to(other)


# What happens to the file of a request after it was judged, and why the request rests then.
SPOILED: dict[str, tuple[Spoil, str]] = {
    "a bit of its first byte": (_flip(17), "bytes_changed"),
    "a bit in the middle": (_flip(900), "bytes_changed"),
    "its last bit": (_flip(-1), "bytes_changed"),
    "a bit of its salt": (_flip(3), "bytes_changed"),
    "another's, sealed": (_neighbour, "bytes_changed"),
    "another file of the same lot": (_sibling, "bytes_changed"),
    "cut": (lambda path: os.truncate(path, 500), "bytes_changed"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "bytes_changed"),
    "nothing": (lambda path: path.write_bytes(b"\x01"), "bytes_changed"),
    "another's document": (_another, "bytes_changed"),
    "a link to another document": (_link, "bytes_changed"),
    "another format": (_flip(0), "not_readable"),
    "not even a format": (lambda path: os.truncate(path, 0), "not_readable"),
    "away": (lambda path: path.unlink(), "not_readable"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not_readable"),
}


def file_of(house: House, ref: str | None) -> Path:
    (path,) = house.archive._folder.glob(f"*/{ref}")
    return path


def test_what_was_altered_after_it_was_judged_is_not_sent_and_rests_for_a_person(house: House, tally: Count) -> None:
    for place, (spoil, _) in enumerate(SPOILED.values()):
        (request,) = house.given(f"{place}.xml", paimt(f"D-{place}", first=f"F-{place}a", second=f"F-{place}b"))
        assert request.state == "READY"
        spoil(file_of(house, request.wire_ref))
    (honest,) = house.given("bon.xml", paimt("BON", first="F-x", second="F-y"))
    house.sent()
    assert list(house.at_the_payer()) == ["BON.xml"]
    rest = {request.no_dem_ext: (request.state, request.reason) for request in house.all(Request)}
    assert rest.pop(honest.no_dem_ext) == ("TRANSMITTED", None)
    assert list(rest.values()) == [("HELD", why) for _, why in SPOILED.values()]
    assert len(SPOILED) >= MINIMUM["F6"]
    tally("F6", refused=len(SPOILED), twins=1)


@pytest.mark.parametrize("point", ["collect.recorded", "validate.staged"])
def test_nothing_goes_that_was_altered_between_its_arrival_and_the_wire(point: str, house: House, tally: Count) -> None:
    """Whenever the document changes (here: what is asked for), what is sent is what was judged, or nothing is."""
    house.deposit("dp.xml", sample("ramq-dp", "valid_DP_RACIN_two_requests"), "SRC-3")

    def listener(here: str) -> None:
        if here == point:
            platform.listen(None)
            _flip(-30)(file_of(house, house.batch().archive_ref))

    platform.listen(listener)
    house.collected("SRC-3")
    house.judged("AGE-3")
    house.sent("18003")
    assert house.at_the_payer("18003") == {}
    assert (house.batch().state, house.all(Request)) == ("HELD", [])  # a person looks for its own bytes
    tally("F6", refused=1)
