"""Every sentence exists in French and English, with the same values to fill in."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from functools import cache
from pathlib import Path

import pytest

from gateway.messages import LANGUAGES, both, resolve_language, say

ROOT = Path(__file__).resolve().parent.parent
LOCALES = sorted((ROOT / "gateway" / "locales").glob("*.toml"))

REASONS = ("transmit", "receive", "match", "distribute", "credentials")  # rooms whose keys are reason codes


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


# Values of a vocabulary: `word(group, value)` in a page says `rendering.<group>_<value>`, where there is such a word.
VOCABULARIES = ("verdict", "authority", "severity", "action", "mode", "system", "entry")
# Keys whose last part is found elsewhere: a fault by its name, a step of a registry's plan by what it is about.
FAMILIES = (r"synthetic\.fault_(\w+)", r"registry\.(number|accreditation)_(\w+)")
# Codes of the payer's own documents, which nothing in the source need name.
PAYERS_WORDS = {"acte", "honor", "vacat", "corr", "ajust", "rfp", "anc"}


@cache
def named() -> frozenset[str]:
    """Every text in the source and in the pages that may be a key, or a part of one."""
    pages = (ROOT / "gateway").rglob("*.html")
    texts = {text for page in pages for text in re.findall(r'"(\w+)"', page.read_text("utf-8"))}
    for node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # The help of a command is said by a key whose dots are underscores.
            texts |= {node.value, node.value.lower(), node.value.replace(".", "_")}
    return frozenset(texts | PAYERS_WORDS)


@cache
def patterns() -> tuple[re.Pattern[str], ...]:
    """Keys that are put together: `f"look.why_{state}"`, or `"title_" ~ kind` in a page."""
    made = [re.compile(f"rendering\\.{group}_(\\w+)") for group in VOCABULARIES]
    made += [re.compile(family) for family in FAMILIES]
    for page in (ROOT / "gateway").rglob("*.html"):
        made += [re.compile(f"rendering\\.{head}(\\w+)") for head in re.findall(r'"(\w+_)" ~', page.read_text("utf-8"))]
    for node in nodes():
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(p.value) if isinstance(p, ast.Constant) else r"(\w+)" for p in node.values]
            if re.search(r"[a-z]{3}", "".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))):
                made.append(re.compile("".join(map(str, parts))))
    return tuple(made)


@cache
def nodes() -> tuple[ast.AST, ...]:
    sources = [file.read_text("utf-8") for file in (ROOT / "gateway").rglob("*.py")]
    return tuple(node for source in sources for node in ast.walk(ast.parse(source)))


def is_said(text: str) -> bool:
    """Named as it stands, or put together from parts of which each is named."""
    if text in named() or text.lower() in named() or text.removesuffix("_next") in named():
        return True
    found = (pattern.fullmatch(text) for pattern in patterns())
    return any(all(map(is_said, match.groups())) for match in found if match and match.groups())


def test_no_sentence_is_kept_that_nobody_says() -> None:
    unsaid = [
        key
        for key, _ in entries()
        if not (is_said(key) or (key.split(".")[0] in REASONS and is_said(key.split(".")[1].removesuffix("_next"))))
    ]
    assert unsaid == []
    assert not is_said("transmit.a_reason_without_source")


def test_language_is_the_option_then_the_environment_then_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LANG", "en")
    assert resolve_language("fr", "en") == "fr"
    assert resolve_language(None, "fr") == "en"
    monkeypatch.delenv("GATEWAY_LANG")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    assert resolve_language(None, "en") == "en"
    assert resolve_language(None, None) == "fr"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"LANG": "en_CA.UTF-8"}, "en"),
        ({"LANG": "en_CA.UTF-8", "LC_ALL": "fr_CA.UTF-8"}, "fr"),
        ({"LANG": "fr_CA.UTF-8", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "fr"),
        ({"LC_ALL": "C.UTF-8"}, "fr"),
        ({}, "fr"),
    ],
)
def test_a_locale_of_another_language_or_of_none_leaves_it_to_the_configuration(
    names: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GATEWAY_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert resolve_language(None, "fr") == expected


def test_a_sentence_is_filled_in() -> None:
    key, _ = next((k, e) for k, e in entries() if not fields(e["fr"]))
    assert say(key, "fr") != ""
    assert set(both(key)) == {"fr", "en"}
