"""F9: programs, configuration and schemas dropped into watched folders: files like any other, that do nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.house import paimt
from support.returns import ReturnHouse
from support.tally import MINIMUM, Count

from gateway.models import Batch, Parcel, Reply

_PYTHON = "import pathlib; pathlib.Path({flag!r}).touch()\n"
_SHELL = "#!/bin/sh\ntouch '{flag}'\n"
_CONFIG = 'config_version = 1\n[gateway]\nstate_dir = "/tmp/ailleurs"\nmax_lot_bytes = 1\n'
_SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="dem_paimt"/></xs:schema>'
DROPPED: dict[str, str] = {
    **dict.fromkeys(("sitecustomize.py", "usercustomize.py", "conftest.py", "gateway.py", "lxml.py", "a.py"), _PYTHON),
    "a.pth": "import pathlib; pathlib.Path({flag!r}).touch()",
    "__init__.py": _PYTHON,
    "__main__.py": _PYTHON,
    **dict.fromkeys(("a.sh", "lot.xml.sh", "postinstall", "cron.daily", "autorun.inf", "a.bat", "a.exe"), _SHELL),
    **dict.fromkeys(("gateway.toml", "registry.toml", "pyproject.toml", "tox.ini", "logging.toml"), _CONFIG),
    **dict.fromkeys(
        ("catalog.toml", "rules.toml", "messages.toml", "prices.toml"), 'title = {{ fr = "a", en = "b" }}\n'
    ),
    **dict.fromkeys(("rfp.xsd", "dp_racin.xsd", "catalog.xml", "xmlcatalog"), _SCHEMA),
    **dict.fromkeys(("master.key", "known_hosts", "authorized_keys", "id_ed25519", "serveur.password"), "canari\n"),
    "gateway.db": "SQLite format 3\0",
    "web.config": "<configuration/>",
    "a.so": "\x7fELF",
    "a.html": "<html/>",
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path / "maison")
    yield house
    house.close()


def dropped(folder: Path, flag: Path) -> dict[str, bytes]:
    """All of them, ready to run if anybody ran them."""
    folder.mkdir()
    for name, text in DROPPED.items():
        path = folder / name
        path.write_text(f"{text.format(flag=str(flag))}# {name}\n")  # no two are the same bytes
        path.chmod(0o777)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_dropped_into_a_deposit_is_refused_kept_and_never_used(
    house: ReturnHouse, tmp_path: Path, tally: Count
) -> None:
    folder, flag, before = tmp_path / "lots", tmp_path / "executed", (sys.path.copy(), house.rooms.config)
    given = dropped(folder, flag)
    house.boxes.folder["pickup:SRC-1"] = folder
    house.collected()
    house.judged()
    lots = {batch.name: batch.state for batch in house.all(Batch)}
    assert lots == dict.fromkeys(DROPPED, "REFUSED")
    assert {path.name: path.read_bytes() for path in (folder / "recus").iterdir()} == given
    del house.boxes.folder["pickup:SRC-1"]
    (honest,) = house.given("bon.xml", paimt())
    assert honest.state == "READY"
    assert not flag.exists()
    assert (sys.path, house.rooms.config) == before
    assert len(DROPPED) >= MINIMUM["F9"]
    tally("F9", refused=len(DROPPED), twins=1)


def test_what_the_payer_drops_is_kept_for_a_person_and_never_used(
    house: ReturnHouse, tmp_path: Path, tally: Count
) -> None:
    folder, flag, before = tmp_path / "retours", tmp_path / "executed", (sys.path.copy(), house.rooms.config)
    given = dropped(folder, flag)
    house.boxes.folder["returns:18001"] = folder
    for _ in range(3):
        house.fetched()
        house.later(seconds=60)
    house.matched()
    assert {parcel.name for parcel in house.all(Parcel)} == set(given)
    assert {reply.state for reply in house.all(Reply)} == {"HELD"}
    assert house.at_the_agency() == {}
    assert not flag.exists()
    assert (sys.path, house.rooms.config) == before
    tally("F9", refused=len(DROPPED))
