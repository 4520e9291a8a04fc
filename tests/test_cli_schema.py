"""`gateway schema`, and what the doctor says of families."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.command import call
from support.family import HERE, document, invoice


def test_a_family_is_added_listed_used_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--state-dir", tmp_path / "state", "--lang", "en")
    lot = tmp_path / "lot.xml"
    lot.write_text(document(invoice(1)), "utf-8")
    assert call("check", lot, *at) == 1
    assert call("schema", "add", HERE, "--dry-run", *at) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert call("schema", "add", HERE, *at) == 0
    assert "essai is installed" in capsys.readouterr().out
    assert call("check", lot, *at) == 0
    capsys.readouterr()
    assert call("schema", "list", "--json", *at) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["folder"], first["own"], first["documents"][0]["name"]) == ("essai", True, "lot")
    assert call("schema", "list", *at) == 0
    assert capsys.readouterr().out.startswith(
        "essai – Trial\n  yours; version 1, authority official\n  lot (request)\n"
    )
    assert call("doctor", *at) == 0
    assert "essai 1 (yours)" in " ".join(capsys.readouterr().out.split())
    assert call("schema", "remove", "essai", *at) == 0
    assert call("schema", "remove", "essai", *at) == 1
    assert call("check", lot, *at) == 1


def test_a_family_with_problems_is_not_installed_and_each_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "essai"
    shutil.copytree(HERE, home)
    text = (home / "catalog.toml").read_text("utf-8")
    (home / "catalog.toml").write_text(text.replace('fr = "Essai", ', "").replace('"prof"', '"@prof@"'), "utf-8")
    assert call("schema", "add", home, "--state-dir", tmp_path / "state", "--lang", "fr") == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "✗ catalog.toml:title.fr: Ce texte manque : il faut le français et l'anglais."
    assert said[1].startswith("✗ catalog.toml:document[1].invoice.fields.practice: Ce n'est pas un chemin")
    assert said[-1] == "essai n'est pas installé : 2 à corriger."
    assert call("schema", "add", tmp_path / "nowhere", "--state-dir", tmp_path / "state") == 2
