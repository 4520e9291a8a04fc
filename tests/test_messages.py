"""Every sentence exists in French and English, with the same values to fill in."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

import pytest

from gateway.messages import LANGUAGES, both, resolve_language, say

ROOT = Path(__file__).resolve().parent.parent
LOCALES = sorted((ROOT / "gateway" / "locales").glob("*.toml"))


def entries() -> list[tuple[str, dict[str, str]]]:
    return [(f"{f.stem}.{key}", value) for f in LOCALES for key, value in tomllib.loads(f.read_text("utf-8")).items()]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("key", "entry"), entries(), ids=[key for key, _ in entries()])
def test_a_sentence_has_both_languages_with_the_same_values(key: str, entry: dict[str, str]) -> None:
    assert sorted(entry) == sorted(LANGUAGES), key
    assert all(entry.values()), key
    assert fields(entry["fr"]) == fields(entry["en"]), key


def test_every_key_named_in_the_source_exists() -> None:
    known = {key for key, _ in entries()}
    rooms = {f.stem for f in LOCALES}
    missing = []
    for file in [*(ROOT / "gateway").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0]
            if name in ("say", "both") and isinstance(first, ast.Constant) and isinstance(first.value, str):
                key = first.value
                if key.split(".")[0] in rooms and key not in known:
                    missing.append(f"{file.name}:{node.lineno} {key}")
    assert missing == []


def test_language_is_the_option_then_the_environment_then_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LANG", "en")
    assert resolve_language("fr", "en") == "fr"
    assert resolve_language(None, "fr") == "en"
    monkeypatch.delenv("GATEWAY_LANG")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: (None, None))
    assert resolve_language(None, "en") == "en"
    assert resolve_language(None, None) == "fr"


def test_a_sentence_is_filled_in() -> None:
    key, _ = next((k, e) for k, e in entries() if not fields(e["fr"]))
    assert say(key, "fr") != ""
    assert set(both(key)) == {"fr", "en"}
