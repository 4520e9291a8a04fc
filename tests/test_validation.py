"""A document is judged by its folder alone: every invoice for itself, with its place, and no patient's value."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pytest
from support.family import CANARY, document, family, invoice, rule

from gateway import catalog
from gateway.catalog import Catalog
from gateway.rendering import report_html, report_json, report_text
from gateway.report import LISTED, Finding, InvoiceIndex, Report
from gateway.validation import Limits, judge

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SAMPLES = sorted(SCHEMAS.glob("*/samples/*.xml"))
SAMPLES_ARE_OF = date(2026, 10, 1)
IN_THEIR_TIME = {"rule_BEFORE_OPENING_dentist_in_march_2018": date(2018, 4, 10)}  # or it would be late as well
RULES = (
    rule("TWICE", "invoice", 'function = "unique_in_document"\nfield = "number"')
    + rule("LINE_RANGE", "line", 'must = { between = ["number", 1, 9] }\nfield = "number"', "warning")
    + rule("OLD", "invoice", 'must = { between = ["service", 2010-01-01, ""] }\nfield = "service"')
    + rule(
        "PROF_OF_2024",
        "invoice",
        'must = { matches = ["practice", "2.*"] }\nservice_from = 2024-01-01\nfield = "practice"',
    )
    + rule("TOTAL", "document", 'must = { exists = "total" }\nfield = "total"')
    + rule("PAST", "document", 'needs = "past"\nfunction = "elsewhere"')
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return family(tmp_path_factory.mktemp("schemas"), rules=RULES)


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return catalog.load([SCHEMAS])


def judged(known: Catalog, text: str | bytes, **options: object) -> Report:
    data = text.encode() if isinstance(text, str) else text
    return judge(io.BytesIO(data), "a.xml", known, **options)  # type: ignore[arg-type]


def places(report: Report) -> list[tuple[str, int | None, int | None, str | None]]:
    return [(f.code, f.line, f.column, f.path) for f in report.findings]


def only(report: Report) -> Finding:
    assert report.findings_total == 1, report.findings
    return report.findings[0]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_a_shipped_sample_is_judged_as_its_name_says(sample: Path, shipped: Catalog) -> None:
    with sample.open("rb") as source:
        report = judge(source, sample.name, shipped, on=IN_THEIR_TIME.get(sample.stem, SAMPLES_ARE_OF))
    outcome, _, rest = sample.stem.partition("_")
    codes = {f.code for f in report.findings}
    if outcome == "rule":
        assert len(codes) == 1, codes
        assert rest.startswith(f"{codes.pop()}_")
    else:
        assert report.verdict == outcome, report.findings
        assert outcome == "invalid" or not codes


def test_a_valid_document_of_a_new_family_gives_its_index_and_no_finding(known: Catalog) -> None:
    heard: list[InvoiceIndex] = []
    head = '<no>A-1</no><agence>18001</agence><compte admin="12345" perso="271234"/>'
    report = judged(known, document(invoice(1), invoice(2, rest='<ligne n="1"/>'), head=head), sink=heard.append)
    assert (report.verdict, report.invoices, report.findings) == ("valid", 2, [])
    assert (report.format, report.document, report.not_checked) == ("essai", "lot", ["PAST"])
    assert (report.index.request_number, report.index.sender, report.index.account) == ("A-1", "18001", "admin:12345")
    assert [(i.number, i.ordinal, i.line, i.lines, i.amount_cents) for i in heard] == [
        ("S-1", 1, 3, 0, 1250),
        ("S-2", 2, 4, 1, 1250),
    ]
    assert (heard[0].first_service, heard[0].kind, heard[0].account) == (date(2024, 3, 1), "envoi", "admin:12345")


def test_the_two_bad_invoices_of_a_thousand_are_both_found_where_they_stand(known: Catalog) -> None:
    invoices = [invoice(n, sexe="X") if n in (17, 998) else invoice(n) for n in range(1, 1001)]
    heard: list[InvoiceIndex] = []
    report = judged(known, document(*invoices), sink=heard.append)
    column = invoices[16].index("<sexe>") + 1
    assert places(report) == [
        ("SCHEMA_VALUE", 19, column, "/lot/corps/envoi[17]/sexe"),
        ("SCHEMA_VALUE", 1000, invoices[997].index("<sexe>") + 1, "/lot/corps/envoi[998]/sexe"),
    ]
    assert [(f.invoice.number, f.invoice.ordinal, f.invoice.line) for f in report.findings if f.invoice] == [
        ("S-17", 17, 19),
        ("S-998", 998, 1000),
    ]
    assert (report.invoices, report.invalid_invoices) == (1000, 2)
    assert [i.ordinal for i in heard if not i.valid] == [17, 998]


def test_columns_count_code_points_and_the_byte_order_mark_is_none(known: Catalog) -> None:
    text = document(invoice(1, nom="\U0001f600é", sexe="X"))
    report = judged(known, b"\xef\xbb\xbf" + text.encode())
    assert only(report).column == text.splitlines()[2].index("<sexe>") + 1
    broken = judged(known, b"\xef\xbb\xbf" + document(invoice(1), head="<agence>é</agence>").encode())
    assert [(f.line, f.column) for f in broken.findings if f.code == "SCHEMA_VALUE"] == [(1, 28)]


@pytest.mark.parametrize(
    ("own", "code", "allowed"),
    [
        ({"sexe": "X"}, "SCHEMA_VALUE", "M, F"),
        ({"prof": "27"}, "SCHEMA_VALUE", "length = 6"),
        ({"nom": CANARY * 2}, "SCHEMA_VALUE", "maxLength = 20"),
        ({"date": "2024-02-31"}, "SCHEMA_VALUE", "date"),
        ({"montant": "NaN"}, "SCHEMA_VALUE", "decimal"),
        ({"rest": "<ligne/>"}, "SCHEMA_ATTRIBUTE", "@n"),
        ({"rest": '<ligne n="1" m="2"/>'}, "SCHEMA_ATTRIBUTE", "@m"),
        ({"rest": '<ligne n="1"/><ligne n="1"/>'}, "SCHEMA_UNIQUE", "ligne"),
        ({"rest": "<autre/>"}, "SCHEMA_ELEMENT", "ligne"),
        ({"rest": "texte"}, "SCHEMA_ELEMENT", "envoi"),
        ({"sexe": "<b/>"}, "SCHEMA_ELEMENT", "sexe"),
    ],
)
def test_a_defect_of_an_invoice_is_said_with_what_the_schema_allows(
    own: dict[str, str], code: str, allowed: str, known: Catalog
) -> None:
    report = judged(known, document(invoice(1), invoice(2, **own), invoice(3)))
    found = [f for f in report.findings if f.code == code]
    assert found, report.findings
    assert found[0].invoice is not None
    assert found[0].invoice.ordinal == 2
    assert allowed in found[0].message["fr"]
    assert allowed in found[0].message["en"]
    assert report.invalid_invoices == 1


def test_a_document_that_is_cut_still_has_its_defects_and_the_place_of_the_cut(known: Catalog) -> None:
    text = document(*[invoice(n, sexe="X" if n == 2 else "M") for n in range(1, 200)])
    cut = text[: text.index("<no>150</no>")]
    report = judged(known, cut)
    assert [f.code for f in report.findings] == ["NOT_WELL_FORMED", "SCHEMA_VALUE"]
    assert report.findings[0].line == 152
    assert report.findings[0].refuses
    assert report.invoices == 149
    assert report.findings[1].invoice is not None
    assert report.findings[1].invoice.ordinal == 2


@pytest.mark.parametrize("before", [0, 3, 60, 700])
def test_a_defect_in_the_invoice_in_which_a_document_stops_has_its_true_place(before: int, known: Catalog) -> None:
    text = document(*[invoice(n) for n in range(before)], invoice(before, date="hier"), invoice(before + 1))
    stops, defect = judged(known, text[: text.index("</date>", text.index("hier")) + 10]).findings
    assert stops.code == "NOT_WELL_FORMED"
    assert defect.path == f"/lot/corps/envoi[{before + 1}]/date"
    assert defect.line == stops.line == before + 3


@pytest.mark.parametrize(
    ("bad", "path"), [(5, "corps/envoi[6]"), (50, "corps[2]/envoi[30]"), (650, "corps[2]/envoi[630]")]
)
def test_a_second_list_after_a_broken_header_is_judged_like_the_first(bad: int, path: str, known: Catalog) -> None:
    invoices = [invoice(n, sexe="X" if n == bad else "F") for n in range(700)]
    invoices[20] += "</corps><corps>"
    report = judged(known, document(*invoices, head="<agence>18001</agence><no>A</no>"))
    header, value = report.findings
    assert (header.code, report.invoices) == ("SCHEMA_ELEMENT", 700)
    assert (value.path, value.line) == (f"/lot/{path}/sexe", bad + 3)


def test_nothing_is_said_of_a_request_number_in_which_a_document_stops(known: Catalog) -> None:
    text = document(invoice(1), head="<no>A 1</no><agence>18001</agence>")
    assert [f.code for f in judged(known, text[: text.index("</agence>")]).findings] == [
        "NOT_WELL_FORMED",
        "REQUEST_NUMBER_ALPHABET",
    ]
    assert [f.code for f in judged(known, text[: text.index("</no>")]).findings] == ["NOT_WELL_FORMED"]
    assert [f.code for f in judged(known, text.replace("</no>", "", 1)).findings] == ["NOT_WELL_FORMED"]


@pytest.mark.parametrize("before", [1, 60, 700])
def test_the_invoices_before_a_place_that_is_not_well_formed_are_judged(before: int, known: Catalog) -> None:
    text = document(invoice(9999, sexe="X"), *[invoice(n) for n in range(before)])
    report = judged(known, text.replace(f"<no>{before - 1}</no>", "<no>1<</no>"))
    assert [f.code for f in report.findings] == ["NOT_WELL_FORMED", "SCHEMA_VALUE"]
    assert report.invoices == before
    assert report.findings[1].invoice is not None
    assert (report.findings[1].invoice.ordinal, report.findings[1].line) == (1, 3)


@pytest.mark.parametrize(
    "head",
    [
        "<agence>18001</agence><agence>18002</agence>",
        "<no>A-1</no>",
        "<no>A-1</no><autre/><agence>18001</agence>",
        "<agence>18001</agence><no>A-1</no>",
        "<no>A-1</no><agence>18-001</agence>",
    ],
)
def test_a_broken_header_hides_no_invoice(head: str, known: Catalog) -> None:
    report = judged(known, document(invoice(1), invoice(2, sexe="X"), head=head))
    schema = [f for f in report.findings if f.code.startswith("SCHEMA")]
    assert schema[0].invoice is None
    assert [f.path for f in schema if f.invoice] == ["/lot/corps/envoi[2]/sexe"]


def test_what_stands_after_the_invoices_is_judged_too(known: Catalog) -> None:
    assert only(judged(known, document(invoice(1), tail="<total>x</total>"))).path == "/lot/total"
    assert only(judged(known, document(invoice(1), tail="<total>1</total><x/>"))).code == "SCHEMA_ELEMENT"
    assert only(judged(known, document(invoice(1), "texte"))).path == "/lot/corps"


def test_more_invoices_than_the_schema_takes_are_seen(known: Catalog) -> None:
    many = [invoice(n) for n in range(1201)]
    assert judged(known, document(*many[:1200])).verdict == "valid"
    assert only(judged(known, document(*many))).path == "/lot/corps"


def test_an_element_that_is_no_invoice_is_seen_among_invoices(known: Catalog) -> None:
    report = judged(known, document(*(invoice(n) for n in range(300)), "<intrus/>", invoice(300, sexe="X")))
    assert [(f.code, f.path, f.line) for f in report.findings] == [
        ("SCHEMA_ELEMENT", "/lot/corps/intrus", 303),
        ("SCHEMA_VALUE", "/lot/corps/envoi[301]/sexe", 304),
    ]


def test_rules_are_judged_on_document_invoice_and_line(known: Catalog) -> None:
    report = judged(
        known,
        document(
            invoice(1),
            invoice(1),
            invoice(2, date="2009-12-31", prof="999999"),
            invoice(3, prof="999999"),
            invoice(4, rest='<ligne n="2"/><ligne n="10"/>'),
            tail="",
        ),
    )
    assert [(f.code, f.line, f.path) for f in report.findings] == [
        ("TOTAL", 1, "/lot"),
        ("TWICE", 4, "/lot/corps/envoi[2]/@serie"),
        ("OLD", 5, "/lot/corps/envoi[3]/date"),
        ("PROF_OF_2024", 6, "/lot/corps/envoi[4]/prof"),
        ("LINE_RANGE", 7, "/lot/corps/envoi[5]/ligne[2]/@n"),
    ]
    assert (report.verdict, report.invalid_invoices) == ("invalid", 3)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "REQUEST_NUMBER_MISSING"),
        ("<no></no>", "REQUEST_NUMBER_MISSING"),
        ("<no>A_1</no>", "REQUEST_NUMBER_ALPHABET"),
        ("<no> A-1</no>", "REQUEST_NUMBER_ALPHABET"),
        ("<no>１８</no>", "REQUEST_NUMBER_ALPHABET"),
        (f"<no>{'a' * 41}</no>", "REQUEST_NUMBER_ALPHABET"),
    ],
)
def test_a_request_without_a_usable_number_is_refused(number: str, code: str, known: Catalog) -> None:
    found = only(judged(known, document(invoice(1), head=f"{number}<agence>18001</agence>")))
    assert (found.code, found.refuses) == (code, True)


def test_the_list_of_findings_is_capped_and_their_number_true(known: Catalog) -> None:
    report = judged(known, document(*[invoice(n, sexe="X") for n in range(1000)], tail="<total>x</total>"))
    assert (len(report.findings), report.findings_total, report.invalid_invoices) == (LISTED, 1001, 1000)
    assert report.findings[0].path == "/lot/total"


def test_a_finding_that_refuses_is_listed_however_many_came_before(tmp_path: Path) -> None:
    rules = "".join(
        rule(code, "invoice", f'must = {{ in = ["sex", ["{sex}"]] }}\nauthority = "{authority}"')
        for code, sex, authority in (("SOFT", "F", "ours"), ("HARD", "M", "letter"))
    )
    soft = [invoice(n, sexe="M") for n in range(300)]
    report = judged(family(tmp_path, rules=rules), document(*soft, invoice(300, sexe="F")))
    assert report.refused
    assert len(report.findings) == LISTED


def test_warnings_crowd_no_error_out_of_the_list_and_each_error_is_there_once(tmp_path: Path) -> None:
    rules = rule("SOFT", "invoice", 'must = { in = ["sex", ["X"]] }', "warning")
    rules += rule("HARD", "invoice", 'must = { equals = ["practice", "271234"] }')
    rules += rule("RARE", "invoice", 'must = { in = ["number", ["S-1"]] }\nservice_from = 2025-01-01')
    many = [invoice(n) for n in range(300)] + [invoice(n, prof="271235") for n in range(300, 600)]
    report = judged(family(tmp_path, rules=rules), document(*many, invoice(600, date="2025-02-01")))
    assert (len(report.findings), report.findings_total) == (LISTED, 902)
    assert {f.code for f in report.findings} == {"HARD", "RARE"}


def test_no_value_of_a_patient_comes_back(known: Catalog) -> None:
    hostile = f"{CANARY}' is not accepted by the pattern '{CANARY}"
    texts = [
        document(invoice(1, nom=CANARY * 3, sexe=CANARY, date=hostile, prof=hostile, montant=CANARY)),
        document(invoice(1, rest=f'<ligne n="{CANARY}"/><{"x"}>{CANARY}</x>')),
        document(invoice(1), CANARY),
        document(invoice(1, nom=CANARY + "&")),
        f"<?xml version='1.0'?><lot>{CANARY}</lot>",
    ]
    for text in texts:
        report = judged(known, text)
        assert report.verdict == "invalid"
        pages = [report_html(report, lang).decode() + report_text(report, lang) for lang in ("fr", "en")]
        assert not any(CANARY in page for page in [*pages, report_json(report).decode()])


def test_a_broken_schema_or_rule_is_nobodys_documents_fault(tmp_path: Path) -> None:
    for name, known in (
        ("schema", family(tmp_path / "1", schema="<nonsense/>")),
        ("operator", family(tmp_path / "2", rules=rule("X", "invoice", 'must = { xpath = "no" }'))),
        ("function", family(tmp_path / "3", rules=rule("X", "invoice", 'function = "os.system"'))),
    ):
        report = judged(known, document(invoice(1)))
        assert (report.verdict, [f.code for f in report.findings]) == ("not_judged", ["NOT_JUDGED"]), name
        assert not report.refused


def test_an_unknown_root_is_named_and_a_known_one_in_another_namespace_too(known: Catalog) -> None:
    found = only(judged(known, "\n<autre/>"))
    assert (found.code, found.line, found.column, found.refuses) == ("UNKNOWN_DOCUMENT", 2, 1, True)
    assert "autre" in found.message["fr"]
    assert "urn:essai:lot" in only(judged(known, "<lot/>")).message["en"]


def test_comments_and_instructions_change_nothing(known: Catalog) -> None:
    plain = document(invoice(1), invoice(2, sexe="X"))
    noisy = plain.replace("<corps>\n", "<corps><!-- a --><?b c?>\n").replace("<no>1", "<no><!-- d -->1<![CDATA[1]]>")
    heard: list[InvoiceIndex] = []
    report = judged(known, noisy, sink=heard.append)
    assert places(report) == places(judged(known, plain))
    assert heard[0].number == "S-11"


def test_only_what_is_held_at_once_counts_against_the_limit_of_a_part(known: Catalog) -> None:
    class Endless(io.RawIOBase):
        """Many invoices, made as they are read."""

        def __init__(self) -> None:
            self.seek(0)

        def seek(self, offset: int, whence: int = 0) -> int:
            body = (invoice(n).encode() + b"\n" for n in range(20_000))
            start, end = document().encode().split(b"</corps>")
            self._parts, self._rest = iter([start, *body, b"</corps>" + end]), b""
            return 0

        def read(self, size: int = -1) -> bytes:
            while len(self._rest) < size and (part := next(self._parts, None)) is not None:
                self._rest += part
            data, self._rest = self._rest[:size], self._rest[size:]
            return data

    report = judge(Endless(), "a.xml", known, limits=Limits(part_bytes=70_000))  # type: ignore[arg-type]
    assert report.invoices == 20_000
    assert [f.code for f in report.findings][:1] == ["SCHEMA_ELEMENT"]
    assert json.loads(report_json(report))["invoices"] == 20_000
