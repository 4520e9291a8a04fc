"""Hostile deposits through the whole way: each ends with a report in both languages, is never lost, costs little, and
leaves the neighbour's lot of the same `once` untouched."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from support.town import Agency, Town, town, zipped

ENEMY, NEIGHBOUR = "18001", "18010"
SECONDS, MEGABYTES = 90, 300  # for everything together: no single attack may cost that
VALID = re.compile(r"^[A-Z][A-Z0-9_]+$|^\d{3,4}$")


def attacks(agency: Agency) -> dict[str, bytes]:
    """Files whose names are allowed and whose content is not."""
    lot = agency.lot(seed=90, invoices=3)
    text = lot.decode()
    head, _, body = text.partition("?>")
    start = text.index("<liste_fact>") + len("<liste_fact>")
    root = body.index(">", body.index("<dem_paimt"))

    def inside(more: str) -> bytes:
        return (text[:start] + more + text[start:]).encode()

    def doctype(subset: str, use: str = "") -> bytes:
        return f"{head}?><!DOCTYPE dem_paimt {subset}>{body[: root + 1]}{use}{body[root + 1 :]}".encode()

    attributes = " ".join(f'a{n}=""' for n in range(100_000))
    prefixes = " ".join(f'xmlns:n{n}="u:{n}"' for n in range(20_000))
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    long = "9" * 3_000_000
    return {
        "doctype.xml": doctype(""),
        "laughs.xml": doctype(f'[<!ENTITY l0 "lol">{laughs}]', "&l9;"),
        "external.xml": doctype('[<!ENTITY x SYSTEM "file:///etc/hostname">]', "&x;"),
        "parameter.xml": doctype('[<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;]'),
        "attributes.xml": inside(f"<fact_serv_x {attributes}/>"),
        "namespaces.xml": inside(f"<fact_serv_x {prefixes}/>"),
        "deep.xml": inside("<a>" * 100_000),
        "wide.xml": inside("<a/>" * 100_000),
        "references.xml": inside(f"<a>{'&#65;' * 300_000}</a>"),
        "comment.xml": inside(f"<!--{'x' * 5_000_000}-->"),
        "number.xml": re.sub(r"<no_fact_ext>[^<]*<", f"<no_fact_ext>{long}<", text, count=1)
        .replace("<typ_id_prof>1<", "<typ_id_prof>7<")
        .encode(),
        "numbers.xml": re.sub(
            r"<(no_dem_ext|id_intvn|id_prof|no_versi_logcl_fact)>[^<]*<", rf"<\1>{'8' * 500_000}<", text
        ).encode(),
        "gzip.xml": gzip.compress(lot),
        "pdf.xml": b"%PDF-1.7\n%\xe2\xe3\n" + bytes(range(256)) * 8,
        "html.xml": b"<!DOCTYPE html><html><body>Connexion requise</body></html>",
        "utf7.xml": b'<?xml version="1.0" encoding="UTF-7"?>' + body.encode("utf-7"),
        "utf32.xml": text.encode("utf-32"),
        "utf16.xml": text.encode("utf-16-be"),
        "ebcdic.xml": text.encode("cp037"),
        "latin1.xml": text.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        "nul.xml": inside("\0"),
        "nuls.xml": bytes(100_000),
        "empty.xml": b"",
        "blanks.xml": b" \r\n\t" * 9000,
        "two.xml": lot + lot,
        "bom.xml": b"\xef\xbb\xbf" * 2 + lot,
        "reply.xml": b'<dem_paimt_recev xmlns="urn:ramq-gouv-qc-ca:RFP"><sta_recev>1</sta_recev></dem_paimt_recev>',
        "dates.xml": re.sub(r"<dat_serv_elm_fact>[^<]*<", "<dat_serv_elm_fact>0000-02-31<", text).encode(),
        "sitecustomize.py": b"raise SystemExit\n",
        "gateway.toml": b"config_version = 1\n",
        **{f"cut-{n:02d}.xml": lot[: len(lot) * n // 32] for n in range(1, 32)},
        **archives(lot),
    }


def archives(lot: bytes) -> dict[str, bytes]:
    """One of each family of RELIABILITY Z; every member of these families is test_validation_archives' business."""
    whole = zipped({"a.xml": lot})
    link = zipfile.ZipInfo("a.xml")
    link.external_attr = 0o120777 << 16
    linked = BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return {
        "upwards.zip": zipped({"../a.xml": lot}),
        "bomb.zip": zipped({"a.xml": bytes(60_000_000)}),
        "crowd.zip": zipped({f"{n}.xml": b"<a/>" for n in range(1001)}),
        "link.zip": linked.getvalue(),
        "nested.zip": zipped({"a.zip": whole}),
        "locked.zip": whole.replace(b"PK\x03\x04\x14\0\0", b"PK\x03\x04\x14\0\1").replace(
            b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1"
        ),
        "tail.zip": whole + b"more",
        "half.zip": whole[: len(whole) // 2],
        "nothing.zip": zipped({}),
    }


# What is never taken, as the agency hears of it, and the code.
NEVER_TAKEN = {
    "pipe.xml": "NOT_A_FILE",
    "link.xml": "NOT_A_FILE",
    "nowhere.xml": "NOT_A_FILE",
    "folder.xml": "NOT_A_FILE",
    "hard.xml": "LINKED_TWICE",
    "a\\nb.xml": "UNUSABLE_NAME",
    "\\xff\\xfe.xml": "UNUSABLE_NAME",
    "\\u2028.xml": "UNUSABLE_NAME",
    "a\\\\b.xml": "UNUSABLE_NAME",
    "\\x1b[2J.xml": "UNUSABLE_NAME",
}
# Names that people and programs give, and that are lots like any other.
ODD_NAMES = (
    unicodedata.normalize("NFD", "Été-à-Montréal.xml"),
    "CON.xml",
    "aux",
    "fin. ",
    "-rf.xml",
    "${HOME};id|`id`.xml",
    "%s%n%x.xml",
    "<b>&amp;'\".xml",
    "n" * 251 + ".xml",
    "é" * 125 + "n.xml",
)


def traps(enemy: Agency, neighbour: Agency) -> set[bytes]:
    """Things that are not lots, beside the lots; their names."""
    lots = enemy.home / "lots"
    other = neighbour.home / "other.xml"
    other.write_bytes(neighbour.lot(seed=77))
    os.mkfifo(lots / "pipe.xml")
    (lots / "link.xml").symlink_to(other)
    (lots / "nowhere.xml").symlink_to("/nonexistent")
    (lots / "folder.xml").mkdir()
    os.link(other, lots / "hard.xml")
    for name in (b"a\nb.xml", b"\xff\xfe.xml", "\u2028.xml".encode(), b"a\\b.xml", b"\x1b[2J.xml"):
        Path(os.fsdecode(os.fsencode(lots) + b"/" + name)).write_bytes(b"<a/>")
    with (lots / "endless.xml").open("wb") as sparse:
        sparse.truncate(1 << 40)
    return _listed(lots)


def _listed(folder: Path) -> set[bytes]:
    return {os.fsencode(path.name) for path in folder.iterdir()}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@dataclass
class Aftermath:
    """What the neighbour and the enemy have after one `once`."""

    place: Town
    enemy: Agency
    neighbour: Agency
    deposited: dict[str, bytes]
    trapped: set[bytes]
    seconds: float
    grown: int  # bytes of memory
    said: str

    def reports(self, name: str) -> list[dict[str, Any]]:
        """Every report about a deposited file, whole or by member."""
        rows = self.place.rows(
            "select d.name from distribution d join reply r on r.id = d.reply_id join batch b on b.id = r.batch_id"
            " where r.kind = 'report' and d.kind = 'json' and b.name = ?",
            name,
        )
        return [json.loads(self.enemy.returned()[row["name"]]) for row in rows]


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder, people = tmp_path_factory.mktemp("hostile"), {ENEMY: "personal:231236", NEIGHBOUR: "personal:231237"}
    with town(folder, people, gateway="max_invoices = 20000") as place:
        enemy, neighbour = place.agencies.values()
        trapped = traps(enemy, neighbour)
        deposited = attacks(enemy) | {name: b"<a>" + name.encode() for name in ODD_NAMES}
        for name, data in deposited.items():
            enemy.deposit(name, data)
        neighbour.deposit("honest.xml", neighbour.lot())
        before, began = _peak(), time.process_time()
        with (folder / "said.log").open("w+") as sink, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", sink)
            patch.setattr("sys.stderr", sink)
            place.settle()
            sink.flush()
        said = (folder / "said.log").read_text()
        spent = time.process_time() - began
        yield Aftermath(place, enemy, neighbour, deposited, trapped, spent, _peak() - before, said)


def test_the_neighbours_lot_goes_all_the_way(after: Aftermath) -> None:
    assert after.place.states(after.neighbour) == {"honest.xml": ("RECEIVABLE", None)}
    assert any(name.startswith("recev_") for name in after.neighbour.returned())


def test_nothing_hostile_reaches_the_payer(after: Aftermath) -> None:
    assert {deposit.number for deposit in after.place.payer.journal()} == {NEIGHBOUR}
    assert {state for state, _ in after.place.states(after.enemy).values()} <= {"REFUSED", "HELD"}


def test_everything_together_stays_within_bounds(after: Aftermath) -> None:
    assert after.seconds < SECONDS
    assert after.grown < MEGABYTES << 20
    assert max(len(data) for data in after.enemy.returned().values()) < 2 << 20
    assert max(path.stat().st_size for path in (after.place.folder / "var").glob("gateway.db*")) < 32 << 20


def test_no_traceback_is_said(after: Aftermath) -> None:
    assert "Traceback" not in after.said
    assert "frames" not in after.said
    assert not re.search("lot_not_judged|take_failed|distribution_failed|stage_failed", after.said)


def test_every_file_is_kept_with_its_bytes(after: Aftermath) -> None:
    kept = {path.name: path.read_bytes() for path in (after.enemy.home / "lots" / "recus").iterdir()}
    assert kept == after.deposited


def test_what_is_no_lot_stays_where_it_is_and_is_never_opened(after: Aftermath) -> None:
    assert _listed(after.enemy.home / "lots") == after.trapped | {b"recus"}
    assert "endless.xml" in after.place.states(after.enemy)
    left = "select name, sha256, archive_ref from batch where reason in ('NOT_A_FILE', 'LINKED_TWICE', 'UNUSABLE_NAME')"
    found = after.place.rows(left)
    assert sorted(row["name"] for row in found) == sorted(NEVER_TAKEN)
    assert {(row["sha256"], row["archive_ref"]) for row in found} == {("", "")}
    assert (after.neighbour.home / "other.xml").stat().st_nlink == 2


@pytest.mark.parametrize(("name", "code"), NEVER_TAKEN.items())
def test_what_is_no_lot_is_told_about_once(after: Aftermath, name: str, code: str) -> None:
    (report,) = after.reports(name)
    assert [finding["code"] for finding in report["findings"]] == [code]


@pytest.mark.parametrize(
    "name", sorted([*attacks(Agency("", ENEMY, "personal:231236", Path())), *ODD_NAMES, *NEVER_TAKEN, "endless.xml"])
)
def test_each_attack_has_a_report_with_a_code_and_sentences_in_both_languages(after: Aftermath, name: str) -> None:
    reports = after.reports(name)
    assert reports
    for report in reports:
        found = report["findings"]
        assert found
        for finding in found:
            assert VALID.match(finding["code"])
            assert all(finding[part][lang] for part in ("message", "next") for lang in ("fr", "en"))
            assert len(json.dumps(finding)) < 4000
        assert any(finding["severity"] == "error" for finding in found)
