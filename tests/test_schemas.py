"""The shipped schema families: two engines agree on every sample; what a person reads is in both languages."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest
import xmlschema

from gateway import xmlsafe
from gateway.catalog import Catalog, DocumentType, Rule, load
from gateway.resources import data_dir
from gateway.tables import AUTHORITIES

SCHEMAS = data_dir("schemas")
CATALOG: Catalog = load([SCHEMAS])
DOCUMENTS = [document for family in CATALOG.families.values() for document in family.documents]
XSDS = sorted(SCHEMAS.glob("*/*.xsd"))
SAMPLES = sorted(SCHEMAS.glob("*/samples/*.xml"))
RULES = [(f"{d.name} {r.code}", r) for d in DOCUMENTS for r in d.rules]


def type_of(sample: Path) -> DocumentType:
    document = CATALOG.recognise(xmlsafe.parse(sample.read_bytes()).tag)
    assert document is not None
    assert document.family == sample.parent.parent.name
    return document


@cache
def lxml_schema(path: Path) -> xmlsafe.etree.XMLSchema:
    return xmlsafe.schema(path)


@cache
def second_opinion(path: Path) -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(str(path))


def verdicts(sample: Path) -> tuple[bool, bool]:
    path = type_of(sample).schema
    assert path is not None
    root = xmlsafe.parse(sample.read_bytes())
    return lxml_schema(path).validate(root), second_opinion(path).is_valid(root)


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("xsd", XSDS, ids=name_of)
def test_both_engines_can_read_the_schema(xsd: Path) -> None:
    lxml_schema(xsd)
    second_opinion(xsd)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.stem.startswith("valid_")], ids=name_of)
def test_a_valid_sample_is_valid_to_both_engines(sample: Path) -> None:
    assert verdicts(sample) == (True, True)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.stem.startswith("invalid_")], ids=name_of)
def test_an_invalid_sample_is_invalid_to_both_engines(sample: Path) -> None:
    assert verdicts(sample) == (False, False)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.stem.startswith("rule_")], ids=name_of)
def test_a_sample_that_only_breaks_a_rule_passes_the_schema(sample: Path) -> None:
    codes = [rule.code for rule in type_of(sample).rules]
    assert any(sample.stem.startswith(f"rule_{code}_") for code in codes)
    assert verdicts(sample) == (True, True)


def test_every_sample_is_named_by_its_outcome() -> None:
    assert [s.name for s in SAMPLES if s.stem.partition("_")[0] not in ("valid", "invalid", "rule")] == []
    assert len({(s.parent, s.name.lower()) for s in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_document_type_has_a_valid_and_an_invalid_sample(document: DocumentType) -> None:
    outcomes = {s.stem.partition("_")[0] for s in SAMPLES if type_of(s) is document}
    assert {"valid", "invalid"} <= outcomes


def test_every_rule_of_the_document_alone_has_a_sample() -> None:
    alone = {(d.family, r.code) for d in DOCUMENTS for r in d.rules if r.needs in ("document", "today")}
    sampled = {(s.parent.parent.name, s.stem.removeprefix("rule_")) for s in SAMPLES if s.stem.startswith("rule_")}
    assert {(f, c) for f, c in alone if not any(f == g and s.startswith(f"{c}_") for g, s in sampled)} == set()


def test_the_families_of_the_payer_are_all_there() -> None:
    found = {family.name: {d.name for d in family.documents} for family in CATALOG.families.values()}
    assert found == {
        "ramq-rfp": {"dem_paimt", "dem_modif", "dem_annu", "dem_paimt_recev", "dem_modif_recev", "dem_annu_recev"},
        "ramq-dp": {"DP_RACIN", "dp_racin_recev"},
        "etat-compte": {"etat_compte", "Erreurs_DS"},
    }


def test_one_file_declares_the_six_roots_of_the_new_system_and_no_other() -> None:
    roots = second_opinion(SCHEMAS / "ramq-rfp" / "rfp.xsd").elements
    assert {root.qualified_name for root in roots.values()} == {d.root for d in CATALOG.families["ramq-rfp"].documents}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_a_request_and_its_reply_name_each_other(document: DocumentType) -> None:
    if document.role == "request":
        assert document.reply is not None
        assert CATALOG.document(document.family, document.reply).answers == document.name
    assert document.authority in AUTHORITIES


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=[name for name, _ in RULES])
def test_a_rule_says_what_is_wrong_and_what_to_do_in_both_languages(rule: Rule) -> None:
    assert rule.severity in ("error", "warning", "info")
    assert rule.scope in ("document", "invoice", "line")
    assert rule.needs in ("document", "today", "tables", "registry", "past")
    assert rule.authority in AUTHORITIES
    assert (rule.authority == "letter") == (rule.letter is not None)
    assert (rule.must is None) != (rule.function is None), "a condition or a function, not both"
    for text in (rule.message, rule.next):
        assert sorted(text) == ["en", "fr"]
        assert all(text.values())
        assert text["fr"] != text["en"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_a_rule_speaks_of_fields_its_document_has(document: DocumentType) -> None:
    parts = {"invoice": document.invoice, "line": document.line}
    known = {scope: {*document.fields, *(part.fields if part else ())} for scope, part in parts.items()}
    missing = [r.code for r in document.rules if r.field and r.field not in known.get(r.scope, known["invoice"])]
    # The old system's request number is not written in the document, and a cancellation names no account.
    assert [code for code in missing if not code.startswith(("REQUEST_", "ACCOUNT_"))] == []


def test_the_payers_messages_are_in_both_languages() -> None:
    for family in CATALOG.families.values():
        assert family.messages, family.name
        for code, text in family.messages.items():
            assert code.isdigit()
            assert sorted(text) == ["en", "fr"], code
            assert all(text.values())


def test_956_is_the_payers_own_word_about_services_from_april_2018() -> None:
    rule = next(r for r in CATALOG.document("ramq-dp", "DP_RACIN").rules if r.code == "956")
    assert (rule.authority, rule.letter) == ("letter", "Infolettre 375 (2018-02-28)")
    assert rule.must == {"between": ["service", "", date(2018, 3, 31)]}


def test_the_price_lists_name_each_code_once_with_positive_cents() -> None:
    for file in sorted(SCHEMAS.glob("*/prices.toml")):
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["price"]
        assert len({row["code"] for row in rows}) == len(rows)
        for row in rows:
            assert row["cents"] > 0
            assert len(row["code"]) == 5
            assert sorted(row["formula"]) == ["en", "fr"]


def test_what_is_said_of_a_patient_is_marked_personal() -> None:
    new, old = CATALOG.document("ramq-rfp", "dem_paimt"), CATALOG.document("ramq-dp", "DP_RACIN")
    assert {"id_pers", "nom_pers", "dat_naiss_pers", "nas", "cod_diagn_mdcal", "adr_pers_patnt"} <= new.personal
    assert {"NAM", "NOM", "PRE", "NAISS", "ADR_1", "DIAGN"} <= old.personal
