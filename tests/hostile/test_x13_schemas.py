"""X13: families of schemas that reach out, go round in circles or explode are not installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.family import HERE
from support.tally import MINIMUM, Count

from gateway.families import Problem, add
from gateway.families.sources import schema_problems

_TYPE = '<xs:simpleType name="code">'
_PATTERN = "[A-Za-z0-9 ]{1,60}"


def _put(text: str) -> tuple[str, str]:
    """Before the first type of the schema."""
    return _TYPE, text + _TYPE


# What is written instead of what, in the schema of an honest family; and the sentence that must refuse it.
WRONG: dict[str, tuple[str, str]] = {
    "import by http": _put('<xs:import namespace="u" schemaLocation="http://127.0.0.1:9/a.xsd"/>'),
    "include by https": _put('<xs:include schemaLocation="https://127.0.0.1:9/a.xsd"/>'),
    "include by ftp": _put('<xs:include schemaLocation="ftp://127.0.0.1:9/a.xsd"/>'),
    "include by file": _put('<xs:include schemaLocation="file:///etc/passwd"/>'),
    "include of a path": _put('<xs:include schemaLocation="/etc/passwd"/>'),
    "include upwards": _put('<xs:include schemaLocation="../../a.xsd"/>'),
    "include upwards, hidden": _put('<xs:include schemaLocation="a/%2e%2e/%2e%2e/a.xsd"/>'),
    "redefine upwards": _put('<xs:redefine schemaLocation="../a.xsd"/>'),
    "network share": _put('<xs:include schemaLocation="\\\\host\\a.xsd"/>'),
    "missing file": _put('<xs:include schemaLocation="nowhere.xsd"/>'),
    "another base": ("<xs:schema ", '<xs:schema xml:base="http://127.0.0.1:9/" '),
    "a hint": ("<xs:schema ", '<xs:schema xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="u a" '),
    "a DOCTYPE": ("<xs:schema ", '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><xs:schema '),
    "laughs": ("<xs:schema ", '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><xs:schema '),
    "repeat in a repeat": (_PATTERN, "(a+)+"),
    "repeat of what may be nothing": (_PATTERN, "(a*b?)*"),
    "repeat three deep": (_PATTERN, "((a{1,40}){1,40}){1,40}"),
    "two ways to the same": (_PATTERN, "([a-z]|[a-z]+)*[0-9]"),
    "no pattern": (_PATTERN, "([a-z"),
    "huge bound": ('maxOccurs="1200"', 'maxOccurs="4000000000"'),
    "not well-formed": ("</xs:schema>", "</xs:schem>"),
    "another language": ("<xs:schema ", "<xs:stylesheet "),
    "UTF-7": ('encoding="UTF-8"', 'encoding="UTF-7"'),
}
# What only an engine sees, in a process of its own that may be ended: it takes seconds, so there is one here (and more
# in tests/test_families.py).
DEEP = {
    "a group of itself": _put('<xs:group name="g"><xs:sequence><xs:group ref="g"/></xs:sequence></xs:group>'),
}
HONEST: dict[str, tuple[str, str]] = {
    "as it is": ("", ""),
    "an expensive look, nothing more": (_PATTERN, r"([A-Za-z0-9]+ )*[A-Za-z0-9]+"),
    "a bound of a thousand": ('maxOccurs="1200"', 'maxOccurs="1000"'),
}


def offered(folder: Path, old: str, new: str) -> Path:
    """The honest family, changed."""
    home = folder / "essai"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(HERE, home)
    text = (home / "lot.xsd").read_text("utf-8")
    assert old in text
    (home / "lot.xsd").write_text(text.replace(old, new, 1) if old else text, "utf-8")
    return home


def stopped(problems: Iterable[Problem]) -> bool:
    """Whether the family is refused, in both languages."""
    return any(one.stops and one.text["fr"] != one.text["en"] for one in problems)


def test_a_hostile_schema_is_refused_before_an_engine_reads_it(tmp_path: Path, tally: Count) -> None:
    let_in = [name for name, change in WRONG.items() if not stopped(schema_problems(offered(tmp_path, *change)))]
    assert let_in == []
    refused = [name for name, change in HONEST.items() if stopped(schema_problems(offered(tmp_path, *change)))]
    assert refused == []
    assert len(WRONG) + len(DEEP) >= MINIMUM["X13"]
    tally("X13", refused=len(WRONG), twins=len(HONEST))


@pytest.mark.parametrize("name", DEEP)
def test_a_hostile_schema_is_tried_where_it_can_be_ended_and_is_not_installed(
    name: str, tmp_path: Path, tally: Count
) -> None:
    assert stopped(add(offered(tmp_path / "given", *DEEP[name]), tmp_path / "schemas"))
    assert not (tmp_path / "schemas" / "essai").exists()
    tally("X13", refused=1)
