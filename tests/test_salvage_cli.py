"""What a person sees of a request of which only a part goes, and what is decided about it by its number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import call
from support.registry import ONE_AGENCY, one_agency

SALVAGING = ONE_AGENCY.replace(
    "[[agency.number]]", 'on_invalid = "salvage"\nset_aside = "invalid"\n[[agency.number]]'
).replace('name = "s"\n', 'name = "s"\nsoftware = { name = "FactSoft", salvage_agreed = 2026-01-01 }\n')


def test_both_requests_tell_of_each_other_and_the_number_means_the_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at, registry = one_agency(tmp_path, SALVAGING), tmp_path / "registry.toml"
    lot = str(tmp_path / "lots" / "lot.xml")
    made = ("--invoices", "3", "--faults", "schema", "--account", "admin:12345")
    assert call("generate", *made, "--output", lot, *at) == 0
    number = Path(lot).read_text("utf-8").partition("<no_dem_ext>")[2].partition("<")[0]
    assert call("once", *at) == 0
    assert (tmp_path / "retours" / f"{number}-R1.xml").exists()

    capsys.readouterr()
    assert call("show", number, "--json", *at) == 0
    part = json.loads(capsys.readouterr().out)
    assert (part["state"], part["facts"]["invoices"]) == ("HELD", 2)  # its account is not in the registry
    salvage = part["salvage"]
    assert (salvage["derived"]["id"], salvage["original"]["id"]) == (part["id"], part["facts"]["derived_from"])
    assert salvage["original"]["sha256"] != salvage["derived"]["sha256"]
    assert salvage["aside"]["name"] == f"{number}-R1"
    assert call("show", salvage["original"]["id"], *at) == 0
    told = capsys.readouterr().out
    assert "3 deposited = 2 gone on + 1 set aside + 0 receivable before" in told
    for value in (part["id"], salvage["derived"]["sha256"], f"{number}-R1.xml", "A part of this document goes"):
        assert value in told
    assert call("release", number, "--despite", "ACCOUNT_UNKNOWN", "--reason", "known by telephone", *at) == 0
    assert call("cancel", number, "--yes", "--reason", "sent on paper", *at) == 0
    assert call("release", salvage["original"]["id"], "--reason", "no", *at) != 0

    registry.write_text(SALVAGING.replace('FactSoft", salvage_agreed = 2026-01-01', 'AutreLogiciel"'), encoding="utf-8")
    capsys.readouterr()
    assert call("registry", "apply", str(registry), *at) == 0  # another software did not agree
    assert "salvage_agreed 2026-01-01 → –" in capsys.readouterr().out
