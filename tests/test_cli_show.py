"""What a person learns of one thing: its history with the reasons people gave, and a lot's requests."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from gateway.cli import main

REGISTRY = """
[[agency]]
name = "A"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
[[agency.number]]
payer = "sandbox"
number = "18001"
from = 2016-07-01
[[agency.source]]
name = "s"
pickup = { kind = "folder", path = "lots", finished = "rename" }
returns = { kind = "folder", path = "retours" }
"""
PAYER = """
[[payer]]
name = "sandbox"
formats = ["ramq-rfp"]
kind = "folder"
environment = "test"
"""


def call(*words: str) -> int:
    """Run the command line; give its exit code."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


@pytest.fixture
def house(tmp_path: Path) -> tuple[str, ...]:
    """A house with one agency whose only lot is held: its account is not in the registry."""
    (tmp_path / "gateway.toml").write_text(PAYER, encoding="utf-8")
    (tmp_path / "registry.toml").write_text(REGISTRY, encoding="utf-8")
    for box in ("lots", "retours"):
        (tmp_path / box).mkdir()
    at = ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")
    assert call("registry", "apply", str(tmp_path / "registry.toml"), *at) == 0
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
    assert call("cancel", request, "--reason", "the agency asked", "--as", "Ève", *house) == 0
    capsys.readouterr()
    assert call("show", request, *house) == 0
    said = " ".join(capsys.readouterr().out.split())
    for text in ("to be [checked]", "only half", 'Said by the person: "the agency asked"', "Ève"):
        assert text in said


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
