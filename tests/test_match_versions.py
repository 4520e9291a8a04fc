"""Replies after a change of version: read by the version that judged their request, whenever they arrive."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.house import paimt
from support.returns import Fact, ReturnHouse, recev

from gateway import catalog
from gateway.models import Request
from gateway.registry import sending
from gateway.resources import data_dir

OLD, NEW = "reconstructed", "2"
FACTS = (Fact("F-1", "00000000101"), Fact("F-2", "00000000102"))


def changed(house: ReturnHouse, folder: Path, old: str, new: str) -> None:
    """From the first of October on another version is valid, whose documents write `new` for `old`."""
    home = folder / "schemas" / "ramq-rfp@2"
    shutil.copytree(data_dir("schemas") / "ramq-rfp", home, ignore=shutil.ignore_patterns("samples"))
    for name in ("rfp.xsd", "catalog.toml"):
        text = (home / name).read_text("utf-8").replace(old, new)
        (home / name).write_text(text.replace('version = "reconstructed"', 'version = "2"\nfrom = 2026-10-01'), "utf-8")
    known = catalog.load([folder / "schemas", data_dir("schemas")])
    house.rooms = replace(house.rooms, catalog=known)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    changed(house, tmp_path, "sta_recev", "statut_recev")
    yield house
    house.close()


def written(version: str, number: str = "D-1") -> str:
    text = recev(number, *FACTS)
    return text if version == OLD else text.replace("sta_recev", "statut_recev")


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("name", ["D-1.recev.xml", "reponse-77.xml"])
def test_a_reply_is_read_by_the_version_of_its_request(house: ReturnHouse, name: str, version: str) -> None:
    request = house.transmitted(format_version=version)
    (reply,) = house.answered(name, written(version))
    assert (reply.state, reply.request_id, reply.format_version) == ("MATCHED", request.id, version)
    assert house.now(request).state == "RECEIVABLE"
    assert house.distributed().worked == 1
    assert len(house.at_the_agency()) == 3


def test_the_same_reply_again_is_known_though_the_version_changed(house: ReturnHouse) -> None:
    house.transmitted(format_version=OLD)
    house.answered("D-1.recev.xml", written(OLD))
    (again,) = house.answered("D-1.recev.xml", written(OLD) + "\n")
    assert (again.state, again.format_version) == ("DISCARDED", OLD)


def test_a_reply_in_a_layout_its_request_does_not_know_is_held(house: ReturnHouse) -> None:
    request = house.transmitted(format_version=NEW)
    (reply,) = house.answered("D-1.recev.xml", written(OLD))
    assert (reply.state, reply.reason) == ("HELD", "reply_invalid")
    assert house.now(request).state == "TRANSMITTED"


def test_where_both_versions_read_a_reply_the_request_s_counts(tmp_path: Path) -> None:
    house = ReturnHouse(tmp_path)
    changed(house, tmp_path, "nothing of the kind", "")
    house.transmitted("D-1", ("F-1", "F-2"), format_version=OLD)
    (reply,) = house.answered("D-1.recev.xml", written(OLD))
    assert (reply.state, reply.format_version) == ("MATCHED", OLD)
    house.close()


def test_a_request_keeps_the_version_it_was_judged_by(house: ReturnHouse) -> None:
    house.given("old.xml", paimt("D-1", first="A-1", second="A-2").replace("2026-09-", "2026-08-"))
    request = house.request("D-1")
    assert request.format_version == OLD
    document = sending.document_of(house.rooms.catalog, request)
    assert document is not None
    assert (document.name, document.version) == ("dem_paimt", OLD)
    assert (
        sending.document_of(house.rooms.catalog, Request(**request.model_dump() | {"format_version": None})) != document
    )
