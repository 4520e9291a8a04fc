"""docs/findings.md is what the catalogs and the program say now: every code, in both languages, seen in an example."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gateway.cli.findings import COMMAND, document
from gateway.messages import room
from gateway.report import NO_PAYER_COULD_TAKE
from gateway.validation import check, shipped
from gateway.validation.codes import BUILT_IN, BuiltIn

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == document(shipped()), f"write it again: {COMMAND}"


def test_every_rule_and_every_built_in_code_has_its_entry() -> None:
    known = {rule.code for family in shipped().families.values() for d in family.documents for rule in d.rules}
    known |= {one.code for one in BUILT_IN}
    assert known == set(re.findall(r"^### (\w+)$", document(shipped()), re.MULTILINE))


def test_every_code_says_whose_word_it_is_what_to_do_and_what_it_looks_like() -> None:
    entries = re.split(r"^### ", document(shipped()), flags=re.MULTILINE)[1:]
    assert len(entries) > 90
    for entry in entries:
        code = entry.partition("\n")[0]
        assert re.search(
            r"^\*(error|warning|info)\* · (official|letter \(.+\)|reconstructed|ours|the schema)", entry, re.M
        ), code
        assert entry.count(" → ") >= 2 or entry.count("** → ") >= 2, f"{code} says nothing to do"
        assert "- **ex.** " in entry, f"{code} has no example: a sample, or `example` beside the rule"


def test_every_sentence_of_the_guard_and_the_engine_belongs_to_a_code() -> None:
    said = {
        key for key in room("validation") if not key.endswith("_next") and not key.startswith(("allowed_", "example_"))
    }
    listed = [key for one in BUILT_IN for key in one.sentences]
    assert said == set(listed), "gateway/validation/codes.py lists the sentences of each code"
    assert len(listed) == len(set(listed))


def test_no_code_of_the_source_is_missing() -> None:
    rules = {rule.code for family in shipped().families.values() for d in family.documents for rule in d.rules}
    known = rules | {one.code for one in BUILT_IN}
    assert known >= NO_PAYER_COULD_TAKE
    for file in (ROOT / "gateway" / "validation").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "built_in" and node.args:
                code = node.args[0]
                assert not isinstance(code, ast.Constant) or code.value in known, f"{file.name}: {code.value}"


@pytest.mark.parametrize("one", [one for one in BUILT_IN if one.example is not None], ids=lambda one: one.code)
def test_an_example_brings_about_its_code(one: BuiltIn) -> None:
    assert one.example is not None
    (report,) = check(one.example)
    assert report.verdict == "invalid"
    found = next(finding for finding in report.findings if finding.code == one.code)
    assert (found.severity, found.authority) == (one.severity, one.authority)
