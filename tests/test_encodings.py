"""ISO-8859-1 and Windows-1252 where a source is allowed them: the same findings at the same places, the same bytes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.family import document, family, invoice
from support.house import House, paimt

from gateway.catalog import Catalog
from gateway.cli import main
from gateway.registry.words import TOLERANCES
from gateway.report import Report
from gateway.validation import encoding, judge

DECLARED = '<?xml version="1.0" encoding="{}"?>\n'
NAMES = {"iso_8859_1": "ISO-8859-1", "windows_1252": "windows-1252", "utf8": "UTF-8"}
# Accented letters before the defect, on its line: a byte in one encoding, two in the other, a column in both.
SMALL = document(invoice(1, nom="Élodie Bérubé"), invoice(2, nom="Zoë Lefrançois", rest="<ça>1</ça>", sexe="X"))
LARGE = document(*(invoice(n, nom="Noël Gagné-Hébert", **({"sexe": "X"} if n % 97 == 0 else {})) for n in range(900)))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return family(tmp_path_factory.mktemp("schemas"))


def judged(known: Catalog, data: bytes, *tolerances: str) -> Report:
    return judge(io.BytesIO(data), "a.xml", known, tolerances=tolerances)


def written(text: str, name: str) -> bytes:
    return (DECLARED.format(NAMES[name]) + text).encode(NAMES[name])


def places(report: Report) -> list[tuple[object, ...]]:
    return [(f.code, f.line, f.column, f.path, f.invoice) for f in report.findings]


def test_the_registry_knows_every_tolerance() -> None:
    assert set(TOLERANCES) == set(encoding.TOLERANCES)


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", ["iso_8859_1", "windows_1252"])
def test_a_tolerated_encoding_has_the_findings_and_places_of_utf_8(name: str, text: str, known: Catalog) -> None:
    expected = judged(known, written(text, "utf8"))
    found = judged(known, written(text, name), name)
    assert places(found) == places(expected) != []
    assert (found.verdict, found.invoices, found.invalid_invoices) == (
        "invalid",
        expected.invoices,
        expected.invalid_invoices,
    )
    assert found.sha256 == hashlib.sha256(written(text, name)).hexdigest(), "of the bytes as they are"


@pytest.mark.parametrize("name", ["iso_8859_1", "windows_1252"])
@pytest.mark.parametrize("allowed", [(), ("utf16_declared",), ("other",)])
def test_without_its_own_tolerance_it_is_refused(name: str, allowed: tuple[str, ...], known: Catalog) -> None:
    other = next(iter({"iso_8859_1", "windows_1252"} - {name}))
    report = judged(known, written(SMALL, name), *(other if word == "other" else word for word in allowed))
    (found,) = report.findings
    assert (found.code, report.refused) == ("HOSTILE_ENCODING", True)
    assert NAMES[name] in found.message["en"]


@pytest.mark.parametrize(
    "data",
    [
        SMALL.encode("latin-1"),  # not declared
        DECLARED.format("UTF-8").encode() + SMALL.encode("latin-1"),  # declared otherwise
        DECLARED.format("ISO-8859-1").encode("utf-8-sig") + SMALL.encode(),  # marked otherwise
        (DECLARED.format("ISO-8859-1") + SMALL).encode("utf-16"),
        (DECLARED.format("ISO-8859-15") + SMALL).encode("iso-8859-15"),
        (DECLARED.format("windows-1252") + SMALL).encode("cp1252").replace(b"\xc9", b"\x81"),  # no character
    ],
    ids=["undeclared", "declared-utf-8", "marked-utf-8", "utf-16", "iso-8859-15", "undefined-byte"],
)
def test_a_tolerance_forgives_nothing_else(data: bytes, known: Catalog) -> None:
    report = judged(known, data, "iso_8859_1", "windows_1252")
    assert (report.findings[0].code, report.refused) == ("HOSTILE_ENCODING", True)


@pytest.mark.parametrize("text", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", ["iso_8859_1", "windows_1252"])
def test_utf_8_that_is_declared_as_something_else_is_warned_of(name: str, text: str, known: Catalog) -> None:
    lying = DECLARED.format(NAMES[name]).encode() + text.encode()
    (warning,) = [found for found in judged(known, lying, name).findings if found.code == "ENCODING_DOUBTFUL"]
    assert (warning.severity, warning.line, NAMES[name] in warning.message["fr"]) == ("warning", 1, True)
    for honest in (written(text, name), written(document(invoice(1)), name)):  # the second: nothing but ASCII
        assert "ENCODING_DOUBTFUL" not in [found.code for found in judged(known, honest, name).findings]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def test_what_goes_to_the_payer_are_the_bytes_that_were_deposited(house: House) -> None:
    text = paimt().replace('encoding="UTF-8"', 'encoding="windows-1252"')
    data = text.replace("F-1", "F-1").encode("cp1252")
    assert house.given("a.xml", data)[0].reason == "HOSTILE_ENCODING"
    house.source(tolerances=["windows_1252"])
    (request,) = house.given("b.xml", data)
    assert (request.state, request.wire_sha256) == ("READY", hashlib.sha256(data).hexdigest())
    assert house.kept(request.wire_ref) == data


def test_a_check_allows_what_the_source_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(paimt().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("latin-1"))
    codes = []
    for allowed in ([], ["--allow", "windows_1252"], ["--allow", "windows_1252", "--allow", "iso_8859_1"]):
        with pytest.raises(SystemExit) as done:
            main(["check", str(file), "--format", "json", *allowed])
        codes.append(done.value.code)
        assert json.loads(capsys.readouterr().out)
    assert codes == [1, 1, 0]
    with pytest.raises(SystemExit) as done:
        main(["check", str(file), "--allow", "iso_8859_2", "--lang", "en"])
    assert done.value.code == 2
    assert "iso_8859_1" in capsys.readouterr().err
