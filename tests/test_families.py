"""A schema family of one's own: examined, installed whole or not at all, and then it judges."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.family import HERE, document, invoice, rule

from gateway import catalog, families, platform
from gateway.families import Problem, examined
from gateway.families.patterns import attacks, explodes, parsed
from gateway.installed import Installed, settle
from gateway.resources import data_dir
from gateway.validation import check

SHIPPED = data_dir("schemas")
Change = Callable[[Path], object]


def folder(where: Path, name: str = "essai") -> Path:
    """The trial family, ready to be changed."""
    home = where / name
    shutil.copytree(HERE, home)
    return home


def edit(file: str, old: str, new: str) -> Change:
    def change(home: Path) -> None:
        text = (home / file).read_text("utf-8")
        assert old in text
        (home / file).write_text(text.replace(old, new), "utf-8")

    return change


def write(file: str, text: str) -> Change:
    def change(home: Path) -> None:
        (home / file).parent.mkdir(exist_ok=True)
        (home / file).write_text(text, "utf-8")

    return change


def include(location: str, kind: str = "include") -> Change:
    return edit(
        "lot.xsd",
        '<xs:simpleType name="code">',
        f'<xs:{kind} schemaLocation="{location}"/>\n<xs:simpleType name="code">',
    )


def found(home: Path) -> list[str]:
    """What stops the family: file and place of each problem, after a look at its sentences."""
    problems = [one for one in examined(home) if one.stops]
    for one in problems:
        assert one.text["fr"] != one.text["en"]
    return [f"{one.file}:{one.place}" for one in problems]


@pytest.mark.parametrize("name", ["ramq-rfp", "ramq-dp", "etat-compte"])
def test_a_shipped_family_passes_its_own_examination(name: str) -> None:
    assert examined(SHIPPED / name) == []


WRONG: list[tuple[Change, str]] = [
    (edit("catalog.toml", 'en = "Trial"', 'en = ""'), "catalog.toml:title.en"),
    (edit("catalog.toml", 'version = "1"\n', ""), "catalog.toml:version"),
    (edit("catalog.toml", '"official"', '"allofficial"'), "catalog.toml:authority"),
    (edit("catalog.toml", 'role = "request"', 'role = "question"'), "catalog.toml:document[1].role"),
    (edit("catalog.toml", 'schema = "lot.xsd"', 'shema = "lot.xsd"'), "catalog.toml:document[1].shema"),
    (edit("catalog.toml", 'schema = "lot.xsd"', 'schema = "../lot.xsd"'), "catalog.toml:document[1].schema"),
    (edit("catalog.toml", 'schema = "lot.xsd"', 'schema = "lot.xsd"\nreply = "x"'), "catalog.toml:document[1].reply"),
    (edit("catalog.toml", 'action = "new"\n', ""), "catalog.toml:document[1].action"),
    (edit("catalog.toml", '"corps/envoi"', '"corps//envoi"'), "catalog.toml:document[1].invoice.path"),
    (edit("catalog.toml", '"corps/envoi"', '"corps/envois"'), "catalog.toml:document[1].invoice.path"),
    (edit("catalog.toml", 'sender = "agence"', 'sender = "agent"'), "catalog.toml:document[1].fields.sender"),
    (edit("catalog.toml", '"compte/@admin"', '"compte/@adm"'), "catalog.toml:document[1].fields.admin_account"),
    (edit("catalog.toml", "[[document]]", "[document"), "catalog.toml:6"),
    (
        edit("catalog.toml", 'role = "request"', 'role = "request"\ndate_format = "%d.%m"'),
        "catalog.toml:document[1].date_format",
    ),
    (edit("catalog.toml", 'version = "1"', 'version = "1"\nfrom = 2026-04-01\nto = 2026-03-01'), "catalog.toml:to"),
    (edit("catalog.toml", "urn:essai:lot}lot", "urn:essai:lot}lots"), "catalog.toml:document[1].root"),
    (write("rules.toml", rule("TWICE", "invoice", 'function = "unique"')), "rules.toml:rule[1].function"),
    (write("rules.toml", rule("R", "invoice", 'must = { near = ["sex", 1] }')), "rules.toml:rule[1].must"),
    (write("rules.toml", rule("R", "invoice", 'must = { exists = "sexx" }')), "rules.toml:rule[1].must"),
    (write("rules.toml", rule("R", "line", 'must = { exists = "total" }')), "rules.toml:rule[1].must"),
    (write("rules.toml", rule("R", "invoice", "")), "rules.toml:rule[1]"),
    (write("rules.toml", rule("R", "invoice", 'must = { exists = "sex" }', "grave")), "rules.toml:rule[1].severity"),
    (write("rules.toml", rule("R", "invoice", 'must = { matches = ["sex", "(a+)+"] }')), "rules.toml:rule[1].must"),
    (write("messages.toml", '[101]\nfr = "Bon"\n'), "messages.toml:101.en"),
    (write("samples/bon.xml", document(invoice(1))), "samples/bon.xml:"),
    (write("samples/valid_x.xml", document(invoice(1, sexe="X"))), "samples/valid_x.xml:3"),
    (write("samples/invalid_x.xml", document(invoice(1))), "samples/invalid_x.xml:"),
    (write("samples/rule_R_x.xml", document(invoice(1))), "samples/rule_R_x.xml:"),
]


@pytest.mark.parametrize(("change", "place"), WRONG, ids=[place for _, place in WRONG])
def test_what_is_wrong_with_a_folder_is_told_with_its_place(change: Change, place: str, tmp_path: Path) -> None:
    home = folder(tmp_path)
    change(home)
    assert found(home) == [place]


HOSTILE: list[tuple[str, Change, str]] = [
    ("remote import", include("http://127.0.0.1:9/a.xsd"), "lot.xsd:3"),
    ("remote import, upper case", include("HTTPS://127.0.0.1:9/a.xsd", "import"), "lot.xsd:3"),
    ("file address", include("file:///etc/passwd"), "lot.xsd:3"),
    ("absolute path", include("/etc/passwd"), "lot.xsd:3"),
    ("path upwards", include("../other/a.xsd"), "lot.xsd:3"),
    ("path upwards, escaped", include("%2e%2e/a.xsd", "redefine"), "lot.xsd:3"),
    ("network share", include("\\\\\\\\host\\\\a.xsd"), "lot.xsd:3"),
    ("missing file", include("types.xsd"), "lot.xsd:3"),
    ("xml:base", edit("lot.xsd", "<xs:schema ", '<xs:schema xml:base="file:///etc/" '), "lot.xsd:2"),
    (
        "DOCTYPE",
        edit("lot.xsd", "<xs:schema ", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<xs:schema '),
        "lot.xsd:2",
    ),
    ("not well-formed", edit("lot.xsd", "</xs:schema>", "</xs:schemas>"), "lot.xsd:77"),
    ("nested repeat", edit("lot.xsd", "[A-Za-z0-9 ]{1,60}", "([A-Z]+)+"), "lot.xsd:5"),
    ("optional repeats", edit("lot.xsd", "[A-Za-z0-9 ]{1,60}", "([a-z]+-?)*"), "lot.xsd:5"),
    ("overlapping branches", edit("lot.xsd", "[A-Za-z0-9 ]{1,60}", "(1|[0-9]|11)*A"), "lot.xsd:5"),
    ("huge bound", edit("lot.xsd", 'maxOccurs="1200"', 'maxOccurs="99999999"'), "lot.xsd:22"),
    ("unknown type", edit("lot.xsd", 'type="xs:date"', 'type="xs:jour"'), "lot.xsd:48"),
]


@pytest.mark.parametrize(("change", "place"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_schema_that_reaches_out_or_explodes_is_refused(change: Change, place: str, tmp_path: Path) -> None:
    home = folder(tmp_path)
    change(home)
    assert found(home) == [place]


def test_files_that_include_each_other_in_a_circle_are_read_once(tmp_path: Path) -> None:
    home = folder(tmp_path)
    write("a.xsd", SCHEMA.format('<xs:include schemaLocation="b.xsd"/>'))(home)
    write("b.xsd", SCHEMA.format('<xs:include schemaLocation="a.xsd"/><xs:include schemaLocation="lot.xsd"/>'))(home)
    include("a.xsd")(home)
    assert found(home) == []


SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:essai:lot">{}</xs:schema>'


@pytest.mark.parametrize("test", ["doc('file:///etc/passwd')", "unparsed-text('x')", "matches(prof, '(a+)+')"])
def test_a_condition_of_xsd_1_1_sees_only_the_document_and_explodes_no_more(test: str, tmp_path: Path) -> None:
    home = folder(tmp_path)
    edit("catalog.toml", 'version = "1"', 'version = "1"\nxsd = "1.1"')(home)
    serie = '<xs:attribute name="serie"/>'
    edit("lot.xsd", serie, f'{serie}<xs:assert test="{test}"/>')(home)
    assert found(home) == ["lot.xsd:63"]


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a*)*b", "((ab)+)+", r"(\d+,?)*", "([a-z]+|[A-Z]*)*", "(?:x{1,40}){1,40}"]
)
def test_a_repeat_in_a_repeat_explodes(pattern: str) -> None:
    assert explodes(parsed(pattern))


@pytest.mark.parametrize(
    "pattern", [r"(\d+,)*\d+", r"(\d{1,3}){4}", "[A-Z-[IO]]{2,9}", r"\p{L}+(-\p{L}+)*", "(ab|c)+", "[^]a]+"]
)
def test_a_pattern_with_something_between_its_repeats_does_not(pattern: str) -> None:
    assert not explodes(parsed(pattern))
    assert all(len(text) < 100_000 for text in attacks(pattern))


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="this system has no links for everybody")
def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    home = folder(tmp_path / "given")
    (home / "extra.xsd").symlink_to("/etc/passwd")
    problems = families.add(home, tmp_path / "schemas")
    assert [one.file for one in problems] == ["extra.xsd"]
    assert not (tmp_path / "schemas" / "essai").exists()


def test_an_installed_family_judges_and_a_second_one_needs_to_be_told_so(tmp_path: Path) -> None:
    home, schemas = folder(tmp_path / "given"), tmp_path / "schemas"
    assert stopping(families.add(home, schemas, dry_run=True)) == []
    assert not schemas.exists()
    assert stopping(families.add(home, schemas)) == []
    assert check(document(invoice(1)).encode(), catalog=catalog.load([schemas]))[0].verdict == "valid"
    assert len(stopping(families.add(home, schemas))) == 1
    edit("catalog.toml", 'version = "1"', 'version = "2"')(home)
    assert stopping(families.add(home, schemas, replace=True)) == []
    assert catalog.load([schemas]).families["essai"].version == "2"
    assert [child.name for child in schemas.iterdir() if child.is_dir()] == ["essai"]
    assert families.remove("essai", schemas)
    assert not families.remove("essai", schemas)
    assert not families.remove("..", schemas)


def stopping(problems: list[Problem]) -> list[Problem]:
    return [one for one in problems if one.stops]


class _Cut(BaseException):
    """The machine stops."""


@pytest.mark.parametrize("point", ["families.copied", "families.put_aside", "families.installed"])
def test_a_replacement_cut_anywhere_leaves_the_old_or_the_new_one_whole(point: str, tmp_path: Path) -> None:
    home, schemas = folder(tmp_path / "given"), tmp_path / "schemas"
    families.add(home, schemas)
    edit("catalog.toml", 'version = "1"', 'version = "2"')(home)

    def cut(passed: str) -> None:
        if passed == point:
            raise _Cut

    platform.listen(cut)
    try:
        with pytest.raises(_Cut):
            families.add(home, schemas, replace=True)
    finally:
        platform.listen(None)
    settle(schemas)  # whoever comes next puts things right: a service that starts, a command
    (family,) = catalog.load([schemas]).families.values()
    assert family.version == ("2" if point == "families.installed" else "1")
    assert sorted(file.name for file in family.folder.iterdir()) == sorted(file.name for file in HERE.iterdir())


def test_the_payers_own_schema_drops_in_over_the_reconstructed_one(tmp_path: Path) -> None:
    """No code changes: the same folder with the payer's file and `authority = "official"`."""
    home, schemas = tmp_path / "given" / "ramq-rfp", tmp_path / "schemas"
    shutil.copytree(SHIPPED / "ramq-rfp", home)
    text = (home / "catalog.toml").read_text("utf-8")
    official = text.replace('"reconstructed"', '"official"')
    head = 'rules_authority = "reconstructed"  # which the payer never said\n'
    (home / "catalog.toml").write_text(head + official, "utf-8")
    sample = (home / "samples" / "valid_dem_paimt_dentist.xml").read_bytes()
    broken = sample.replace(b"2026-0914-001", b"2026-0914-a")
    assert sample != broken
    edit("rfp.xsd", r"[A-Za-z0-9\-]{1,40}", r"[A-Z0-9\-]{1,40}")(home)  # the payer's file is another file
    before = check(broken, catalog=catalog.load([schemas, SHIPPED]))[0]
    assert stopping(families.add(home, schemas)) == []
    known = catalog.load([schemas, SHIPPED])
    after = check(broken, catalog=known)[0]
    assert [(r.verdict, r.version, r.authority, r.refused) for r in (before, after)] == [
        ("valid", "reconstructed", "reconstructed", False),
        ("invalid", "official", "official", True),
    ]
    assert "official" not in {rule.authority for d in known.families["ramq-rfp"].documents for rule in d.rules}
    assert check(sample, catalog=known)[0].verdict == "valid"
    assert {(one.folder, one.own, one.hidden) for one in families.families(schemas) if one.folder == "ramq-rfp"} == {
        ("ramq-rfp", True, False),
        ("ramq-rfp", False, True),
    }


def test_a_running_service_judges_by_what_is_installed_meanwhile(tmp_path: Path) -> None:
    home, schemas = folder(tmp_path / "given"), tmp_path / "state" / "schemas"
    running = Installed([schemas, SHIPPED])
    lot = document(invoice(1)).encode()
    assert check(lot, catalog=running)[0].format is None
    families.add(home, schemas)
    assert check(lot, catalog=running)[0].version == "1"
    edit("catalog.toml", 'version = "1"', 'version = "2"')(home)
    families.add(home, schemas, replace=True)
    assert check(lot, catalog=running)[0].version == "2"
    (schemas / ".work").mkdir()
    (schemas / "essai").rename(schemas / ".work" / "essai")  # as a replacement does, between its two renames
    assert check(lot, catalog=running)[0].version == "2"
    (schemas / ".work" / "essai").rename(schemas / "essai")
    (schemas / ".work").rmdir()
    (schemas / "broken").mkdir()
    (schemas / "broken" / "catalog.toml").write_text("[", "utf-8")
    assert check(lot, catalog=running)[0].version == "2"
    shutil.rmtree(schemas / "broken")
    families.remove("essai", schemas)
    assert check(lot, catalog=running)[0].format is None
    assert running.document("ramq-rfp", "dem_paimt").family == "ramq-rfp"
