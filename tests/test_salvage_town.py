"""Salvage the whole way, over real SFTP: what goes is paid, what comes back is corrected and goes, each to its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support.town import Town, registry, town

PEOPLE = {"18001": "personal:231236", "18010": "personal:231237"}
WANTED = (
    ("migrated_on = 2016-07-01", 'migrated_on = 2016-07-01\non_invalid = "salvage"\nset_aside = "invalid"'),
    ('name = "logiciel"', 'name = "logiciel"\n  software = { name = "FactSoft", salvage_agreed = 2026-01-01 }'),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Both agencies export a D-1 of three invoices, two of them wrong; they correct one at a time."""
    with town(tmp_path_factory.mktemp("town"), PEOPLE) as place:
        text = registry(list(place.agencies.values()))
        for old, new in WANTED:
            text = text.replace(old, new)
        place.apply(text)
        for seed, agency in enumerate(place.agencies.values(), 1):
            lot = agency.lot(seed=seed, invoices=3, request_number="D-1").replace(
                b"<typ_id_prof>1<", b"<typ_id_prof>7<"
            )
            agency.deposit("export.xml", mended(lot))
        place.settle()
        for number in ("D-1-R1", "D-1-R2"):
            for agency in place.agencies.values():
                agency.deposit(f"{number}.xml", mended(agency.returned()[f"{number}.xml"]))
            place.settle()
        place.statements()
        yield place


def mended(document: bytes) -> bytes:
    """The first wrong invoice put right."""
    return document.replace(b"<typ_id_prof>7<", b"<typ_id_prof>1<", 1)


def numbers(document: bytes) -> list[str]:
    return re.findall(r"<no_fact_ext>([^<]+)<", document.decode())


def test_every_invoice_goes_once_and_is_on_a_statement(place: Town) -> None:
    for agency in place.agencies.values():
        rows = place.rows(
            "select r.no_dem_ext, r.state, r.reason, r.invoices from request r join agency a on a.id = r.agency_id"
            " where a.name = ? order by r.no_dem_ext, r.state",
            agency.name,
        )
        assert [tuple(row.values()) for row in rows] == [
            ("D-1", "RECEIVABLE", None, 1),
            ("D-1", "REFUSED", "SALVAGED", 2),
            ("D-1-R1", "RECEIVABLE", None, 1),
            ("D-1-R1", "REFUSED", "SALVAGED", 1),
            ("D-1-R2", "RECEIVABLE", None, 1),
        ]
        sent = place.rows(
            "select s.no_fact_ext from submission s join agency a on a.id = s.agency_id"
            " where a.name = ? and s.verdict = 'receivable' order by 1",
            agency.name,
        )
        assert len(sent) == len({row["no_fact_ext"] for row in sent}) == 3
    assert [deposit.processed for deposit in place.payer.journal()] == [1] * 6
    (entries,) = place.rows("select count(distinct invoice_id) as n from statement_entry")
    assert entries["n"] == 6


def test_what_was_set_aside_reaches_its_agency_alone(place: Town) -> None:
    one, other = place.agencies.values()
    for agency, stranger in ((one, other), (other, one)):
        files = agency.returned()
        back = {name: data for name, data in files.items() if name.startswith("D-1-R")}
        assert sorted(back) == ["D-1-R1.xml", "D-1-R2.xml"]
        assert [len(numbers(data)) for _, data in sorted(back.items())] == [2, 1]
        for data in back.values():
            assert f"<id_intvn>{agency.number}</id_intvn>".encode() in data
            assert f"<id_intvn>{stranger.number}<".encode() not in data
            assert stranger.practice.encode() not in data
    rows = place.rows("select d.agency_id, s.agency_id as mine, r.agency_id as owed from distribution d"
                      " join reply r on r.id = d.reply_id join source s on s.id = d.source_id")  # fmt: skip
    assert all(row["agency_id"] == row["mine"] == row["owed"] for row in rows)


def test_control_totals_add_up_everywhere(place: Town) -> None:
    rows = place.rows("select invoices, kept_invoices, aside_invoices, answered_invoices, aside_name from salvage")
    assert sorted((row["invoices"], row["aside_name"]) for row in rows) == [
        (2, "D-1-R2"),
        (2, "D-1-R2"),
        (3, "D-1-R1"),
        (3, "D-1-R1"),
    ]
    assert all(row["invoices"] == row["kept_invoices"] + row["aside_invoices"] for row in rows)
