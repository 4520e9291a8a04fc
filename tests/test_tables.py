"""Code tables: versions by the day they hold from; what is missing from an old one is a warning only."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pytest
from support.house import paimt, sample

from gateway import catalog, tables
from gateway.cli import main
from gateway.errors import ConfigError
from gateway.rendering.excerpt import excerpts
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation import judge
from gateway.validation.functions_tables import RIGHT, UNSURE, WRONG, answer

HEADER = "code,from,to,label_fr,label_en\n"


def version(folder: Path, since: str, rows: str) -> tables.Table:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"billing_codes@{since}.csv"
    file.write_text(HEADER + rows, "utf-8")
    return tables.Table(file, "billing_codes", date.fromisoformat(since))


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0)


def judged(state: Path, text: str) -> Report:
    known = catalog.load([state / "schemas", data_dir("schemas")])
    return judge(io.BytesIO(text.encode()), "a.xml", known)


@pytest.mark.parametrize(
    ("code", "day", "said"),
    [
        ("01100", date(2026, 3, 1), RIGHT),
        ("01100", date(2024, 12, 31), UNSURE),  # before any version
        ("09999", date(2025, 6, 1), WRONG),  # a later version ended that time
        ("09999", date(2026, 1, 1), WRONG),  # the newest, of that very day
        ("09999", date(2026, 1, 2), UNSURE),  # the newest, and older than the service
        ("02102", date(2026, 3, 31), RIGHT),
        ("02102", date(2026, 4, 1), WRONG),  # the table says when it ended
    ],
)
def test_a_missing_code_is_wrong_only_where_a_table_covers_the_day(
    tmp_path: Path, code: str, day: date, said: str
) -> None:
    old = version(tmp_path, "2025-01-01", "02102,,,Radio,Radiograph\n")
    new = version(tmp_path, "2026-01-01", "01100,,,Examen,Examination\n02102,,2026-03-31,Radio,Radiograph\n")
    assert answer([old, new], code, day) == said


def test_the_examples_that_travel_with_the_program_never_say_that_a_code_is_missing(tmp_path: Path) -> None:
    report = judged(tmp_path, paimt().replace("<id_elm_fact>01100", "<id_elm_fact>09999"))
    assert report.findings == []
    assert {"CODE_NOT_LISTED", "CODE_NOT_VALID"} <= set(report.not_checked)


def test_an_imported_table_judges_and_an_older_one_only_warns(tmp_path: Path) -> None:
    shelf = tmp_path / "tables" / "ramq-rfp"
    version(shelf, "2026-01-01", "01100,,2026-06-30,Examen,Examination\n21212,,,Obturation,Filling\n")
    report = judged(tmp_path, paimt())
    assert [(f.code, f.severity, f.refuses) for f in report.findings] == [
        ("CODE_NOT_VALID", "error", False),  # 01100 ended in June
        ("CODE_NOT_LISTED", "warning", False),  # 71101 may be newer than the table
    ]
    assert "CODE_NOT_VALID" not in report.not_checked
    assert "SECTOR_NOT_VALID" in report.not_checked


def test_gateway_tables_import_keeps_each_version_in_the_state_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "billing_codes@2026-01-01.csv"
    file.write_bytes(b"\xef\xbb\xbf" + HEADER.replace(",", ";").encode() + b"01100;2020-01-01;;Examen;Examination\r\n")
    state = tmp_path / "var"
    words = ["--state-dir", str(state), "--lang", "en", "tables"]
    assert run(*words, "import", str(file)) == 0
    assert run(*words, "import", str(tmp_path), "--from", "2026-02-01") == 0
    assert "billing_codes: 1 codes, from 2026-02-01." in capsys.readouterr().out
    kept = sorted(path.name for path in (state / "tables" / "ramq-rfp").iterdir())
    assert kept == ["billing_codes@2026-01-01.csv", "billing_codes@2026-02-01.csv"]
    assert run(*words, "list") == 0
    listed = capsys.readouterr().out
    assert "2026-02-01" in listed
    assert "reconstructed" in listed
    official = tmp_path / "sectors@2026-01-01.csv"
    official.write_text(HEADER + "01,,,Clinique,Clinic\n", "utf-8")
    assert run(*words, "import", str(official), "--authority", "ours") == 2
    assert run(*words, "import", str(official), "--authority", "official") == 0
    (kept_official,) = catalog.load([state / "schemas", data_dir("schemas")]).families["ramq-rfp"].tables["sectors"]
    assert (kept_official.authority, kept_official.ours, list(kept_official.rows)) == ("official", False, ["01"])
    file.write_text(HEADER + "01100,,,Autre,Other\n", "utf-8")
    assert run(*words, "import", str(file)) == 2  # a version does not change
    assert run(*words, "import", str(file), "--format", "xml") == 2
    assert run(*words, "import", str(file), "--family", "ramq") == 2


@pytest.mark.parametrize(
    "text",
    ["code,label\n01100,x\n", HEADER + "01100,hier,,a,b\n", HEADER + ",,,a,b\n", HEADER + "01100,,\n", "\udce9"],
)
def test_a_file_that_is_no_table_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"codes\.csv"):
        tables.parse(text.encode("utf-8", "surrogateescape"), "codes.csv")


def test_a_locality_is_looked_up_only_where_the_place_is_one(tmp_path: Path) -> None:
    shelf = tmp_path / "tables" / "ramq-rfp"
    shelf.mkdir(parents=True)
    (shelf / "localities@2026-09-01.csv").write_text(HEADER + "23027,,2026-08-31,Ici,Here\n", "utf-8")
    places = sample("ramq-rfp", "valid_dem_paimt_every_kind_but_physicians")
    one = re.search("<lieu_geo>.*?</lieu_geo>", places, re.S)
    assert one is not None
    for kind, place, said in (
        ("2", "23027", []),
        ("3", "23027", ["LOCALITY_NOT_VALID"]),
        ("3", "99999", ["LOCALITY_NOT_LISTED"]),
    ):
        text = re.sub("<typ_id_lieu_geo>.", f"<typ_id_lieu_geo>{kind}", one[0])
        text = re.sub("<id_lieu_geo>[^<]*", f"<id_lieu_geo>{place}", text)
        document = places.replace(one[0], text).encode()
        known = catalog.load([tmp_path / "schemas", data_dir("schemas")])
        report = judge(io.BytesIO(document), "a.xml", known)
        assert {f.code for f in report.findings if f.invoice} == set(said)
        shown = excerpts(io.BytesIO(document), report, known)  # it may be where a patient lives
        assert all(text == "<id_lieu_geo>▒▒▒</id_lieu_geo>" for text in shown.values())
        assert len(shown) == len(report.findings)


def test_a_diagnosis_is_looked_up_in_both_systems_and_never_shown(tmp_path: Path) -> None:
    for family, name in (
        ("ramq-rfp", "valid_dem_paimt_physician_with_every_detail"),
        ("ramq-dp", "valid_DP_RACIN_every_attribute"),
    ):
        shelf = tmp_path / "tables" / family
        shelf.mkdir(parents=True)
        (shelf / "diagnoses@2018-02-14.csv").write_text(HEADER + "V700,,,Examen,Examination\n", "utf-8")
        report = judged(tmp_path, sample(family, name))
        assert {f.code for f in report.findings} == {
            "DIAGNOSIS_NOT_VALID" if family == "ramq-dp" else "DIAGNOSIS_NOT_LISTED"
        }
        assert "0000" not in "".join(f"{f.message} {f.path}" for f in report.findings)
