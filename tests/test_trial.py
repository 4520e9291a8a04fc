"""`gateway trial`: what would become of an agency's exports, told on one page; nothing is sent, moved or set up."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.resources import data_dir

SAMPLES = data_dir("schemas") / "ramq-rfp" / "samples"
VALID, INVALID = SAMPLES / "valid_dem_paimt_dentist.xml", SAMPLES / "invalid_dem_annu_token_of_letters.xml"


def called(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([*map(str, words), "--lang", "en"])
    return int(end.value.code or 0)


def row(page: str, name: str) -> list[int]:
    """The counts of a document type: would go, held, refused, repeated, not judged, not for sending."""
    line = next(line for line in page.splitlines() if line.strip().startswith(name))
    return [int(number) for number in line.split()[len(name.split()) :]]


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """One of every fate, as exports lie in folders."""
    folder = tmp_path / "exports"
    (folder / "2026" / "june").mkdir(parents=True)
    (folder / "a_goes.xml").write_bytes(VALID.read_bytes())
    (folder / "b_same_bytes.xml").write_bytes(VALID.read_bytes())
    (folder / "c_same_number.xml").write_bytes(VALID.read_bytes() + b"\n")
    (folder / "d_held.xml").write_bytes(INVALID.read_bytes())
    (folder / "e_hostile.xml").write_bytes(b"<!DOCTYPE a><a/>")
    with zipfile.ZipFile(folder / "2026" / "june" / "lot.zip", "w") as lot:
        lot.write(next(SAMPLES.glob("valid_dem_paimt_recev_*.xml")), "reply.xml")
    return folder


def test_every_document_is_counted_under_what_would_become_of_it(
    exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.read_bytes() for file in exports.rglob("*") if file.is_file()}
    assert called("trial", exports) == 1
    page = capsys.readouterr().out
    assert row(page, "dem_paimt") == [1, 1, 0, 1, 0, 0]
    assert row(page, "dem_annu") == [0, 1, 0, 0, 0, 0]
    assert row(page, "dem_paimt_recev") == [0, 0, 0, 0, 0, 1]
    assert row(page, "unknown") == [0, 0, 1, 0, 0, 0]
    assert row(page, "in all") == [1, 2, 1, 1, 0, 1]
    for said in ("HOSTILE_DOCTYPE", "SCHEMA_VALUE", "c_same_number.xml (REQUEST_NUMBER_REUSED)", "nothing was sent"):
        assert said in page
    assert {file: file.read_bytes() for file in exports.rglob("*") if file.is_file()} == before


def test_exports_that_would_all_go_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(VALID.read_bytes())
    assert called("trial", tmp_path) == 0


def test_what_cannot_be_read_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("trial", VALID, tmp_path / "gone.xml") == 2
    assert row(capsys.readouterr().out, "unknown") == [0, 0, 0, 0, 1, 0]


def test_the_most_frequent_findings_come_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        (tmp_path / f"{number}.xml").write_bytes(INVALID.read_bytes() + b"\n" * number)
    (tmp_path / "x.xml").write_bytes(b"<!DOCTYPE a><a/>")
    called("trial", tmp_path)
    page = capsys.readouterr().out
    assert page.index("3 × SCHEMA_VALUE") < page.index("1 × HOSTILE_DOCTYPE")


def test_the_whole_page_is_written_for_a_browser_in_both_languages(exports: Path, tmp_path: Path) -> None:
    assert called("trial", exports, "--output", tmp_path / "page.html") == 1
    page = (tmp_path / "page.html").read_text("utf-8")
    for said in ("What would become of these documents", "Ce que ces documents deviendraient", "would go", "partirait"):
        assert said in page
    assert "e_hostile.xml" in page


def test_limits_of_time_are_judged_on_a_day_that_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", VALID) == 0
    assert "SERVICE_IN_FUTURE (" not in capsys.readouterr().out
    called("check", VALID, "--on", "2018-06-01")
    assert "SERVICE_IN_FUTURE (" in capsys.readouterr().out
    assert called("check", VALID, "--on", "2018-06-31") == 2
    assert "--on" in capsys.readouterr().err
