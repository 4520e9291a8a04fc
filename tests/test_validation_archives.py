"""A ZIP is opened only when its directory and its bytes hold what they promise."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from support.family import document, family, invoice

from gateway.messages import room
from gateway.validation import ArchiveLimits, check_file, is_archive, members, open_member

FORMS = {  # each of our sentences, whatever fills its places
    key: re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(said["en"])), re.DOTALL)
    for key, said in room("validation").items()
    if key.startswith(("zip_", "name_", "member_"))
}
XML = document(invoice(1)).encode()
Entry = tuple[str | zipfile.ZipInfo, bytes]


def zipped(*entries: Entry, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.comment = comment
        for name, data in entries:
            archive.writestr(name, data)
    return sink.getvalue()


def entry(name: str, *, mode: int = 0o100644, system: int = 3, attributes: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = system
    info.external_attr = mode << 16 | attributes
    return info


def keys(data: bytes, limits: ArchiveLimits | None = None) -> set[str]:
    """Which of our sentences are said about an archive."""
    found = members(io.BytesIO(data), "lot.zip", limits)
    assert not (found.findings and found.members)
    assert all(f.code == "HOSTILE_ARCHIVE" and f.refuses for f in found.findings)
    return {key for f in found.findings for key, form in FORMS.items() if form.fullmatch(f.message["en"])}


def renamed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return data.replace(old, new)


def test_members_of_a_good_archive_are_streamed_and_seekable() -> None:
    data = zipped(("a.xml", XML), ("sous/b.XML", XML), ("sous/", b""), ("__MACOSX/._a.xml", b"x"), (".DS_Store", b"x"))
    source = io.BytesIO(data)
    assert is_archive(source)
    found = members(source, "lot.zip")
    assert (found.findings, [m.name for m in found.members]) == ((), ["a.xml", "sous/b.XML"])
    with open_member(source, found.members[1]) as stream:
        assert stream.read() == XML
        stream.seek(0)
        assert stream.read(4) == XML[:4]


def test_what_is_an_archive_is_told_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    known = family(tmp_path / "schemas")
    lot, lone = tmp_path / "lot.xml", tmp_path / "seul.zip"
    lot.write_bytes(zipped(("a.xml", XML), ("b.xml", b"<lot/>")))
    lone.write_bytes(XML)
    assert [(Path(r.file).name, r.verdict) for r in check_file(lot, known)] == [
        ("a.xml", "valid"),
        ("b.xml", "invalid"),
    ]
    assert check_file(lot, known)[0].file == f"{lot}!/a.xml"
    assert [(r.file, r.verdict) for r in check_file(lone, known)] == [(str(lone), "valid")]


def test_a_refused_archive_is_one_report_of_its_own(tmp_path: Path) -> None:
    lot = tmp_path / "lot.zip"
    lot.write_bytes(zipped(("../a.xml", XML)))
    (report,) = check_file(lot, family(tmp_path / "schemas"))
    assert (report.verdict, report.document, len(report.sha256), report.refused) == ("invalid", None, 64, True)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("../a.xml", "name_upwards"),
        ("a/../../b.xml", "name_upwards"),
        ("..", "name_upwards"),
        ("．．/a.xml", "name_upwards"),
        ("/etc/a.xml", "name_absolute"),
        ("//host/share/a.xml", "name_absolute"),
        ("C:a.xml", "name_absolute"),
        ("c:/a.xml", "name_absolute"),
        ("./a.xml", "name_empty"),
        ("a//b.xml", "name_empty"),
        ("a\nb.xml", "name_invisible"),
        ("a\u202elmx.xml", "name_invisible"),
        ("a\u200b.xml", "name_invisible"),
        (f"{'a' * 300}.xml", "name_long"),
        (f"{'é' * 130}.xml", "name_long"),
        ("a.exe", "member_kind"),
        ("a.zip", "member_kind"),
        ("a.xml.gz", "member_kind"),
        ("a", "member_kind"),
    ],
)
def test_a_name_that_is_more_than_a_label_refuses_the_archive(name: str, key: str) -> None:
    assert key in keys(zipped(("ok.xml", XML), (name, XML)))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b"a-b.xml", b"a\\b.xml", "name_backslash"),
        (b"a-b.xml", b"..\\.xml", "name_backslash"),
        (b"a-b.xml", b"a\0b.xml", "name_nul"),
    ],
)
def test_a_name_that_zipfile_would_mend_is_refused_too(old: bytes, new: bytes, key: str) -> None:
    assert key in keys(renamed(zipped((old.decode(), XML)), old, new))


@pytest.mark.parametrize("other", ["a.xml", "A.XML", "ａ.xml"])
def test_two_members_that_are_one_name_somewhere_are_refused(other: str) -> None:
    data = zipped(("a.xml", XML), ("b.xml" if other == "a.xml" else other, XML))
    assert keys(renamed(data, b"b.xml", b"a.xml") if other == "a.xml" else data) == {"name_twice"}


@pytest.mark.parametrize(
    "info",
    [
        entry("a.xml", mode=stat.S_IFLNK | 0o777),
        entry("a.xml", mode=stat.S_IFCHR | 0o666),
        entry("a.xml", mode=stat.S_IFIFO | 0o666),
        entry("a.xml", mode=stat.S_IFREG | stat.S_ISUID | 0o755),
        entry("a.xml", mode=0, system=0, attributes=0x400),
    ],
)
def test_links_devices_and_privileged_programs_are_refused(info: zipfile.ZipInfo) -> None:
    assert keys(zipped((info, XML))) == {"member_special"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_other_than_deflate_are_refused(method: int) -> None:
    assert keys(zipped(("a.xml", XML), method=method)) == {"member_method"}


def test_encrypted_members_are_refused() -> None:
    data = bytearray(zipped(("a.xml", XML)))
    directory = data.index(b"PK\x01\x02")
    for flags_at in (6, directory + 8):
        data[flags_at] |= 1
    assert keys(bytes(data)) == {"member_encrypted"}


def test_bombs_are_refused_by_what_they_declare() -> None:
    assert keys(zipped(("a.xml", b"<a>" + b" " * (3 << 20)))) == {"member_ratio"}
    noise = bytes(n * n % 251 for n in range(4000))
    small = ArchiveLimits(member_bytes=2000)
    assert keys(zipped(("a.xml", noise)), small) == {"member_large"}
    assert keys(zipped(*((f"{n}.xml", noise) for n in range(3))), ArchiveLimits(total_bytes=10_000)) == {"zip_total"}
    many = zipped(*((f"{n}.xml", XML) for n in range(11)))
    assert keys(many, ArchiveLimits(members=10)) == {"zip_members"}
    assert keys(many, ArchiveLimits(directory_bytes=100)) == {"zip_members"}


def test_members_that_share_their_bytes_are_refused() -> None:
    """The bomb of CVE-2024-0450: many entries of the directory lead to the same data."""
    data = zipped(("a.xml", XML), ("b.xml", XML))
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    overlapping = data[: at + 42] + struct.pack("<L", 0) + data[at + 46 :]
    assert keys(overlapping) & {"member_headers", "member_overlap"}
    same_name = renamed(overlapping, b"b.xml", b"a.xml")
    assert "member_overlap" in keys(same_name)


@pytest.mark.parametrize(
    ("at", "value", "key"),
    [
        (22, struct.pack("<L", len(XML) - 1), "member_headers"),  # local: uncompressed size
        (18, struct.pack("<L", 5), "member_headers"),  # local: compressed size
        (8, struct.pack("<H", 0), "member_headers"),  # local: method
        (30, b"b", "member_headers"),  # local: name
        (0, b"XX", "zip_cut"),
    ],
)
def test_a_local_header_that_contradicts_the_directory_is_refused(at: int, value: bytes, key: str) -> None:
    data = zipped(("a.xml", XML))
    changed = data[:at] + value + data[at + len(value) :]
    assert keys(changed) & {key, "member_headers"}


@pytest.mark.parametrize("declared", [len(XML) - 10, len(XML) + 10])
def test_sizes_that_lie_both_ways_are_refused_when_the_bytes_are_read(declared: int) -> None:
    data = bytearray(zipped(("a.xml", XML)))
    directory = data.index(b"PK\x01\x02")
    for size_at in (22, directory + 24):
        data[size_at : size_at + 4] = struct.pack("<L", declared)
    assert keys(bytes(data)) == {"member_lies"}


def test_a_flipped_bit_in_the_data_is_seen() -> None:
    data = bytearray(zipped(("a.xml", XML), method=zipfile.ZIP_STORED))
    data[60] ^= 1
    assert keys(bytes(data)) == {"member_lies"}


def test_bytes_that_belong_to_no_member_are_refused() -> None:
    data = zipped(("a.xml", XML))
    assert keys(data + b"after") == {"zip_surplus"}
    assert keys(b"PK\x03\x04before" + data) == {"zip_surplus"}
    assert keys(data + data) == {"zip_surplus"}
    assert keys(zipped(("a.xml", XML), comment=b"PK\x05\x06" + b"\0" * 18)) == {"zip_surplus"}
    assert keys(zipped(("a.xml", XML), comment=b"fait par nous")) == set()


def test_odd_end_records_are_refused() -> None:
    data = zipped(("a.xml", XML))
    end = data.index(b"PK\x05\x06")
    for at, value, key in (
        (4, b"\1\0", "zip_parts"),
        (8, b"\5\0", "zip_parts"),
        (8, b"\xff\xff\xff\xff", "zip_64"),
        (16, b"\xff\xff\xff\xff", "zip_64"),
        (12, b"\1\0\0\0", "zip_surplus"),
    ):
        assert keys(data[: end + at] + value + data[end + at + len(value) :]) == {key}


def test_an_archive_without_a_document_says_so() -> None:
    assert keys(zipped()) == {"zip_empty"}
    assert keys(zipped(("dossier/", b""))) == {"zip_empty"}


def test_an_archive_cut_anywhere_is_refused_and_never_raises() -> None:
    data = zipped(*((f"{n}.xml", XML) for n in range(5)))
    for length in range(4, len(data), 7):
        assert members(io.BytesIO(data[:length]), "lot.zip").findings


def test_a_member_that_changes_after_it_was_seen_is_not_given(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.xml", XML), method=zipfile.ZIP_STORED))
    (member,) = members(io.BytesIO(bytes(data)), "lot.zip").members
    data[60] ^= 1
    with pytest.raises(ValueError, match=r"a\.xml"):
        open_member(io.BytesIO(bytes(data)), member)
