"""What a person decides about a request that may be at the payer: told in numbers first, proved by a page after."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command import call
from support.dying import Killed, die_at
from support.house import paimt
from support.registry import ONE_AGENCY, PAYER

from gateway.store import chain

REGISTRY = f"""{ONE_AGENCY}
[[account]]
id = "personal:231234"
kind = "personal"
[[accreditation]]
account = "personal:231234"
agency = "18001"
from = 2016-07-01
"""
SETTINGS = f"""{PAYER}
deposit = "depot"
returns = "payeur"
"""


class Typed(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A house whose worker died while it sent D-1, and whose payer took what was there away."""
    (tmp_path / "gateway.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "registry.toml").write_text(REGISTRY, encoding="utf-8")
    for box in ("lots", "retours", "depot", "payeur"):
        (tmp_path / box).mkdir()
    at = ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")
    assert call("registry", "apply", tmp_path / "registry.toml", *at) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("first-Password-1\n"))
    assert call("credential", "set", "18001", "--payer", "sandbox", *at) == 0
    (tmp_path / "lots" / "lot.xml").write_text(paimt("D-1"), encoding="utf-8")
    die_at("transmit.sent")
    with pytest.raises(Killed):
        call("once", *at)
    (tmp_path / "depot" / "D-1.xml").unlink()
    assert call("once", *at) == 0
    return at


def shown(at: tuple[str, ...], capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert call("show", "D-1", "--json", *more, *at) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_proof_has_attempts_looks_hashes_and_what_to_say(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = shown(at, capsys, "--proof")
    assert (told["request"]["state"], told["request"]["holds"], told["conclusion"]) == ("HELD", ["in_doubt"], "person")
    assert told["payer_facts"] == {"on_repeat": "unknown", "deposits": "unknown"}
    (attempt,) = told["attempts"]
    assert (attempt["outcome"], attempt["sha256"]) == ("abandoned", told["request"]["wire_sha256"])
    assert [look["saw"] for look in attempt["looks"]] == ["absent"]
    assert told["request"]["wire_sha256"] in told["say"]
    assert all(event["as_written"] for event in told["events"])
    assert [event["to_state"] for event in told["events"]] == ["READY", "TRANSMITTING", "HELD"]
    assert len(told["chain"]["hash"]) == len(chain.GENESIS)
    assert call("show", "D-1", "--proof", *at) == 0
    assert "Have you received it" in " ".join(capsys.readouterr().out.split())
    page = tmp_path / "page.html"
    assert call("show", "D-1", "--html", page, *at[:-1], "fr") == 0
    assert "L’avez-vous reçue" in page.read_text("utf-8")


def test_a_paper_proves_it_and_its_hash_is_in_the_history(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper = tmp_path / "courriel.txt"
    paper.write_text("we have it", encoding="utf-8")
    words = ("mark-delivered", "D-1", "--evidence", str(paper), "--reason", "they wrote so")
    assert call(*words, *at) == 2
    captured = capsys.readouterr()
    assert "1 request(s), 2 invoice(s), ? $" in captured.out
    assert "repeat the command with --yes" in captured.err
    assert shown(at, capsys)["state"] == "HELD"
    assert call(*words, "--yes", "--as", "Ève", *at) == 0
    told = shown(at, capsys, "--proof")
    (kept,) = told["evidence"]
    assert (told["request"]["state"], told["conclusion"]) == ("TRANSMITTED", "delivered")
    assert (kept["added_by"], kept["sha256"]) == ("Ève", hashlib.sha256(b"we have it").hexdigest())
    assert told["events"][-1]["detail"]["sha256"] == kept["sha256"]
    assert call("once", *at) == 0  # what is archived stays, and nothing is sent
    assert list((tmp_path / "depot").iterdir()) == []
    assert call(*words, "--yes", *at) == 2
    assert call("mark-delivered", "D-1", "--evidence", "/dev/null", "--reason", "x", "--yes", *at) == 2


def test_sending_again_is_told_in_numbers_and_asked_first(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", Typed("n\n"))
    assert call("resend", "D-1", "--reason", "they say no", *at) == 2
    captured = capsys.readouterr()
    assert "tried 1 times – 1 request(s), 2 invoice(s), ? $" in captured.out
    assert "processed twice" in captured.out
    assert "Nothing was changed" in captured.err
    monkeypatch.setattr(sys, "stdin", Typed("yes\n"))
    assert call("resend", "D-1", "--reason", "they say no", *at) == 0
    assert call("once", *at) == 0
    assert [path.name for path in (tmp_path / "depot").iterdir()] == ["D-1.xml"]
    assert shown(at, capsys)["state"] == "TRANSMITTED"
    assert call("resend", "D-1", "--reason", "again", "--yes", *at) == 2
    assert call("recheck", "D-1", *at) == 2


def test_another_look_finds_what_came_late(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "depot" / "D-1.xml").write_text(paimt("D-1"), encoding="utf-8")
    capsys.readouterr()
    assert call("cancel", "D-1", "--reason", "on paper", *at) == 2
    assert "Will be withdrawn and never go" in capsys.readouterr().out
    assert call("recheck", "D-1", *at) == 0
    assert call("once", *at) == 0
    told = shown(at, capsys, "--proof")
    assert told["conclusion"] == "delivered"
    assert [look["saw"] for look in told["attempts"][0]["looks"]] == ["absent", "there"]
