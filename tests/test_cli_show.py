"""What a person learns of one thing: its history with the reasons people gave, and a lot's requests."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from support.command import call
from support.registry import one_agency

from gateway.resources import data_dir


@pytest.fixture
def house(tmp_path: Path) -> tuple[str, ...]:
    """A house with one agency whose only lot is held: its account is not in the registry."""
    at = one_agency(tmp_path)
    assert call("generate", "--account", "admin:12345", "--output", str(tmp_path / "lots" / "lot.xml"), *at) == 0
    assert call("once", *at) == 0
    return at


def held(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """The only thing that is held."""
    capsys.readouterr()
    assert call("status", "--json", *at) == 0
    return str(json.loads(capsys.readouterr().out)["held"][0]["id"])


def test_a_lot_shows_its_requests(house: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    request = held(house, capsys)
    assert call("show", "lot.xml", *house) == 0
    assert request in capsys.readouterr().out
    assert call("show", "lot.xml", "--json", *house) == 0
    told = json.loads(capsys.readouterr().out)
    assert [r["id"] for r in told["requests"]] == [request]
    assert datetime.fromisoformat(told["facts"]["received_at"]).tzinfo is not None
    assert "T" in told["facts"]["received_at"]


def test_the_history_says_what_the_person_said(house: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    request = held(house, capsys)
    assert call("hold", request, "--reason", "to be [checked]", *house) == 0
    assert call("release", request, "--reason", "only half", *house) == 1
    assert call("cancel", request, "--yes", "--reason", "the agency asked", "--as", "Ève", *house) == 0
    capsys.readouterr()
    assert call("show", request, *house) == 0
    said = " ".join(capsys.readouterr().out.split())
    for text in ("to be [checked]", "only half", 'Said by the person: "the agency asked"', "Ève"):
        assert text in said


def test_what_is_held_or_refused_is_told_with_its_first_finding_s_sentence_and_place(
    house: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (data_dir("schemas") / "ramq-rfp" / "samples" / "invalid_dem_paimt_role.xml").read_text("utf-8")
    (tmp_path / "lots" / "role.xml").write_text(text, "utf-8")
    (tmp_path / "lots" / "cut.xml").write_text(text[:900], "utf-8")
    assert call("once", *house) == 0
    for name in ("role.xml", "cut.xml"):
        capsys.readouterr()
        assert call("show", name, "--json", *house) == 0
        told = json.loads(capsys.readouterr().out)
        found = told["finding"]
        assert call("show", told["requests"][0]["id"], *house) == 0
        said = capsys.readouterr().out
        assert f"{found['code']} · line {found['line']}, column {found['column']}" in said
        assert found["message"]["en"] in said
        assert found["next"]["en"] in said
    assert found["code"] == "NOT_WELL_FORMED"


def test_a_code_the_request_is_not_held_for_releases_nothing(
    house: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    request = held(house, capsys)
    assert call("release", request, "--despite", "ACOUNT_UNKNOWN", "--reason", "typed wrongly", *house) == 2
    said = capsys.readouterr().err
    assert "is not held because of: ACOUNT_UNKNOWN. Its codes: ACCOUNT_UNKNOWN" in said
    assert held(house, capsys) == request


def test_a_lot_or_a_request_of_the_archive_is_replayed_by_its_number(
    house: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = held(house, capsys)
    new = tmp_path / "new" / "ramq-rfp"
    shutil.copytree(data_dir("schemas") / "ramq-rfp", new, ignore=shutil.ignore_patterns("samples"))
    rules = new / "rules.toml"
    only = 'must = { matches = ["request_number", "^X.*$"] }'
    before = 'must = { matches = ["request_number", "^(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])$).*$"] }'
    assert before in rules.read_text("utf-8")
    rules.write_text(rules.read_text("utf-8").replace(before, only), "utf-8")
    old = str(data_dir("schemas"))
    for lot in (request, "lot.xml"):
        assert call("rules", "diff", old, str(new), "--lot", lot, "--json", *house) == 1
        (change,) = json.loads(capsys.readouterr().out)
        assert [found[2] for found in change["gained"]] == ["REQUEST_NUMBER_DEVICE"]
        assert change["verdict"] == ["valid", "invalid"]
    assert call("rules", "diff", old, old, "--lot", request, *house) == 0
    assert call("rules", "diff", old, old, "--lot", "LOT-nothing", *house) == 2
    assert "LOT-nothing" in capsys.readouterr().err


def test_nothing_is_cut_short_on_a_pipe(house: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    request = held(house, capsys)
    for words in (("status",), ("show", request), ("registry", "show"), ("credential", "status")):
        assert call(*words, *house) == 0
        assert "…" not in capsys.readouterr().out


def failing(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """The agencies' mailboxes that could not be looked at the last time: where, and why."""
    capsys.readouterr()
    assert call("status", "--json", *at) == 0
    told = json.loads(capsys.readouterr().out)["failing"]
    return [(f["endpoint"], f["error"]) for f in told if f["stage"] == "collect"]


def test_a_mailbox_that_cannot_be_reached_is_told_until_it_can(
    house: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lots").rename(tmp_path / "away")
    assert call("once", *house) == 0
    assert failing(house, capsys) == [("A / s", "unreachable")]
    assert call("status", *house) == 0
    assert "A / s (collect, unreachable)" in capsys.readouterr().out
    (tmp_path / "away").rename(tmp_path / "lots")
    assert call("once", *house) == 0
    assert failing(house, capsys) == []


def test_a_transmission_number_shows_its_password_s_history(
    house: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("show", "18001", *house) == 0
    said = capsys.readouterr().out
    assert "EXPECTED" in said
    assert "gateway credential set" in said
