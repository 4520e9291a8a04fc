"""Invented documents: right by the schema, the same for the same seed, wrong only where they were asked to be."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import pairwise

import pytest

from gateway import xmlsafe
from gateway.catalog import load
from gateway.errors import ConfigError
from gateway.identifiers import NAM, nam_check_digit
from gateway.resources import data_dir
from gateway.synthetic import FAULTS, LotFacts, LotSpec, documents, faults_of, generate, lot
from gateway.synthetic.plan import prices

CATALOG = load([data_dir("schemas")])
TYPES = [(family, document) for family, names in documents().items() for document in names]
WITH_FAULT = [(family, document, fault) for family, document in TYPES for fault in faults_of(family, document)]
RFP, DP = LotSpec("ramq-rfp", "dem_paimt", invoices=50), LotSpec("ramq-dp", "DP_RACIN", agency="18003", invoices=50)
NS = "{urn:ramq-gouv-qc-ca:RFP}"
NOT_XML = {"not_well_formed", "cut_short", "utf16_declared"}


def written(spec: LotSpec) -> tuple[bytes, LotFacts]:
    sink = io.BytesIO()
    facts = generate(spec, sink)
    return sink.getvalue(), facts


def root_of(spec: LotSpec) -> xmlsafe.Element:
    return xmlsafe.parse(written(spec)[0])


def texts(spec: LotSpec, tag: str) -> list[str]:
    return [element.text or "" for element in root_of(spec).iter(f"{NS}{tag}")]


@cache
def schema_of(family: str, document: str) -> xmlsafe.etree.XMLSchema:
    path = CATALOG.document(family, document).schema
    assert path is not None
    return xmlsafe.schema(path)


def test_every_document_type_of_the_catalog_can_be_invented() -> None:
    assert {(f.name, d.name) for f in CATALOG.families.values() for d in f.documents} == set(TYPES)


@pytest.mark.parametrize(("family", "document"), TYPES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_invented_document_is_valid(family: str, document: str, seed: int) -> None:
    root = root_of(LotSpec(family, document, invoices=50, seed=seed))
    assert schema_of(family, document).validate(root), schema_of(family, document).error_log.last_error
    assert root.tag == CATALOG.document(family, document).root


@pytest.mark.parametrize(("family", "document"), TYPES)
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(family: str, document: str) -> None:
    spec = LotSpec(family, document, invoices=50, seed=7)
    assert written(spec) == written(spec)
    if document != "Erreurs_DS":  # it says nothing that could differ
        assert written(spec)[0] != written(replace(spec, seed=8))[0]


@pytest.mark.parametrize("first", ["1", "2", "3", "4", "7"])
def test_every_profession_is_valid(first: str) -> None:
    root = root_of(replace(RFP, practice=f"{first}31234"))
    assert schema_of("ramq-rfp", "dem_paimt").validate(root)


@pytest.mark.parametrize(("family", "document", "fault"), WITH_FAULT)
def test_a_fault_spoils_what_it_says(family: str, document: str, fault: str) -> None:
    spec = LotSpec(family, document, invoices=50, seed=5)
    data, _ = written(replace(spec, faults=(fault,)))
    assert data != written(spec)[0]
    if fault in NOT_XML:
        with pytest.raises(xmlsafe.etree.XMLSyntaxError):
            xmlsafe.parse(data)
    else:
        assert schema_of(family, document).validate(xmlsafe.parse(data)) == (fault != "schema")


def test_every_fault_belongs_to_some_document_and_is_told_in_both_languages() -> None:
    assert {fault for _, _, fault in WITH_FAULT} == set(FAULTS)
    assert all(sorted(text) == ["en", "fr"] for text in FAULTS.values())


def test_only_one_invoice_bears_a_code_outside_the_price_list() -> None:
    known = {price.code for price in prices("ramq-rfp")}
    assert set(texts(RFP, "id_elm_fact")) <= known
    strange = [code for code in texts(replace(RFP, faults=("unknown_code",)), "id_elm_fact") if code not in known]
    assert strange == ["99999"]


def test_a_fault_leaves_the_other_invoices_as_they_were() -> None:
    right, wrong = written(RFP)[0].splitlines(), written(replace(RFP, faults=("schema",)))[0].splitlines()
    assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 1


def test_a_late_service_in_the_old_system_is_of_2_april_2018() -> None:
    days = [dp.get("SERV") for dp in root_of(replace(DP, faults=("late_old_system",)))]
    assert [day for day in days if day is not None and day >= "180401"] == ["180402"]


def test_a_foreign_number_is_never_the_agencys_own() -> None:
    for agency in ("18001", "18998"):
        _, facts = written(replace(RFP, agency=agency, faults=("foreign_number",)))
        assert facts.sender not in (None, agency)


def test_a_repeated_invoice_number_is_that_of_the_first() -> None:
    numbers = texts(replace(RFP, faults=("duplicate_invoice_number",)), "no_fact_ext")
    assert numbers[-1] == numbers[0]
    assert len(set(numbers)) == len(numbers) - 1


def test_utf16_is_declared_on_bytes_that_are_utf8() -> None:
    data, _ = written(replace(RFP, faults=("utf16_declared",)))
    assert data.startswith(b'<?xml version="1.0" encoding="utf-16"?>')
    assert data.decode("utf-8")


def test_health_numbers_have_right_check_digits() -> None:
    for dp in root_of(DP).iter("PERS_ASSU"):
        nam, born = str(dp.get("NAM")), str(dp.get("NAISS"))
        assert NAM.fullmatch(nam)
        assert nam[-1] == nam_check_digit(nam[:11], int(born[:4]))


def test_services_fall_between_the_days_that_were_asked_for() -> None:
    first, last = date(2026, 3, 2), date(2026, 3, 6)
    days = texts(replace(RFP, service_from=first, service_to=last), "dat_serv_elm_fact")
    assert {date.fromisoformat(day) for day in days} <= {date(2026, 3, d) for d in range(2, 7)}


def test_old_services_precede_april_2018_unless_asked_otherwise() -> None:
    assert all(str(dp.get("SERV")) <= "180331" for dp in root_of(DP))


def test_old_invoices_have_a_number_each_and_the_day_of_their_service() -> None:
    requests = list(root_of(replace(DP, invoices=300)))
    numbers = {(dp.get("TRNSM"), dp.get("ATTES"), dp.get("NCE")) for dp in requests}
    assert len(numbers) == 300
    for dp in requests:
        serv = date(2000 + int(str(dp.get("SERV"))[:2]), int(str(dp.get("SERV"))[2:4]), int(str(dp.get("SERV"))[4:]))
        assert str(dp.get("ATTES"))[:4] == f"{serv.year % 10}{serv:%j}"
        assert int(str(dp.get("TOT_DEM"))) == sum(int(str(act.get("MNT"))) for act in dp.iter("ACTE"))


def test_the_practitioner_is_the_requester_and_the_account_is_the_one_asked_for() -> None:
    personal = replace(RFP, account="personal:231234")
    assert set(texts(personal, "id_prof")) == {"231234"}
    assert texts(personal, "id_intvn") == ["231234", "18001"]
    assert texts(personal, "typ_moda_paimt") == ["1"]
    shared = replace(RFP, practice="231234", account="admin:12345")
    assert (texts(shared, "typ_moda_paimt"), texts(shared, "no_cpte_admin")) == (["2"], ["12345"])
    assert written(shared)[1].account == "admin:12345"


def test_a_sender_may_be_absent() -> None:
    assert texts(replace(RFP, agency=""), "exped_difrn_demdr") == []
    assert written(replace(RFP, agency=""))[1].sender is None


def test_changes_name_the_invoices_they_are_about() -> None:
    targets = [("00000000123", "12345678"), ("00000000124", "87654321")]
    cancel = LotSpec("ramq-rfp", "dem_annu", targets=targets)
    assert list(zip(texts(cancel, "no_fact_ramq"), texts(cancel, "jeton_comm"), strict=True)) == targets
    assert texts(replace(cancel, document="dem_modif"), "no_fact_ramq") == ["00000000123"]


def test_an_old_document_is_named_by_its_own_digest() -> None:
    data, facts = written(DP)
    assert facts.request_number == "DP-" + hashlib.sha256(data).hexdigest()[:16]
    assert (facts.sha256, facts.size, facts.invoices) == (hashlib.sha256(data).hexdigest(), len(data), 50)


def test_a_statement_adds_up_unless_asked_otherwise() -> None:
    space = "{urn:agency-gateway:etat-compte:1.0}"

    def difference(*faults: str) -> int:
        root = root_of(LotSpec("etat-compte", "etat_compte", invoices=50, faults=faults))
        paid = sum(round(float(e.text or 0) * 100) for e in root.iter(f"{space}mnt_paie"))
        return round(float(root.findtext(f"{space}total/{space}mnt_total") or 0) * 100) - paid

    assert (difference(), difference("wrong_totals")) == (0, 1)


def test_a_lot_is_a_zip_with_the_same_bytes_each_time() -> None:
    def zipped() -> bytes:
        sink = io.BytesIO()
        facts = lot([RFP, DP, replace(RFP, seed=2, faults=("not_well_formed",))], sink)
        assert [f.document for f in facts] == ["dem_paimt", "DP_RACIN", "dem_paimt"]
        return sink.getvalue()

    assert zipped() == zipped()
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        assert archive.namelist() == ["001-dem_paimt.xml", "002-DP_RACIN.xml", "003-dem_paimt.xml"]
        assert archive.testzip() is None
        assert archive.read("002-DP_RACIN.xml") == written(DP)[0]


class Largest(io.RawIOBase):
    """A sink that keeps nothing but the size of the largest piece."""

    size = 0

    def write(self, data: object) -> int:
        self.size = max(self.size, len(data))  # type: ignore[arg-type]
        return len(data)  # type: ignore[arg-type]


def test_a_large_document_is_written_in_small_pieces() -> None:
    sink = Largest()
    facts = generate(replace(RFP, invoices=2000), sink)  # type: ignore[arg-type]
    assert sink.size < 10_000
    assert 1_000 <= facts.size / facts.invoices <= 2_500


def test_request_numbers_differ_with_what_is_asked() -> None:
    specs = [RFP, replace(RFP, seed=2), replace(RFP, agency="18002"), replace(RFP, invoices=51)]
    numbers = sorted(written(spec)[1].request_number for spec in specs)
    assert all(a != b for a, b in pairwise(numbers))


@pytest.mark.parametrize(
    "spec",
    [
        replace(RFP, format="ramq-xyz"),
        replace(RFP, document="dem_inconnue"),
        replace(RFP, agency="1800"),
        replace(RFP, invoices=0),
        replace(RFP, account="12345"),
        replace(RFP, account="personal:231234", practice="231235"),
        replace(RFP, request_number="A/B"),
        replace(RFP, faults=("late_old_system",)),
        replace(RFP, faults=("duplicate_invoice_number",), invoices=1),
        replace(RFP, service_from=date(2026, 3, 2), service_to=date(2026, 3, 1)),
        replace(DP, agency=""),
    ],
    ids=lambda spec: f"{spec.format} {spec.document}",
)
def test_what_cannot_be_written_is_said_in_both_languages(spec: LotSpec) -> None:
    with pytest.raises(ConfigError, match=" / "):
        generate(spec, io.BytesIO())
