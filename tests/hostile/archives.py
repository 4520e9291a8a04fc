"""Z1 to Z4 and Z6: archives that lie, swell, overlap or lead elsewhere. Each names the sentence that must refuse it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from support.attacks import Attack
from support.family import document, invoice
from support.zips import DESCRIPTOR, UTF8, Entry, pack

XML = document(invoice(1)).encode()
GOOD = Entry(b"bon.xml", XML)


def _named(name: bytes | str) -> bytes:
    raw = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else name
    return pack(GOOD, Entry(raw, XML))


def names() -> Iterator[Attack]:
    """Z1."""
    wrong: dict[str, tuple[bytes | str, ...]] = {
        "name_upwards": (
            *("../a.xml", "../../../../etc/cron.d/a.xml", "a/../../b.xml", "..", "a/..", "．．/a.xml", "‥/a.xml"),
            "a/\uff0e\uff0e/b.xml",
        ),
        "name_absolute": ("/etc/a.xml", "//host/share/a.xml", "C:a.xml", "c:/a.xml", "／etc/a.xml", "Ｃ:/a.xml"),
        "name_backslash": ("..\\a.xml", "a\\b.xml", "\\\\host\\a.xml", "\\\\?\\C:\\a.xml", "a＼b.xml", "C:\\a.xml"),
        "name_nul": (b"a.xml\0.exe", b"\0", b"a\0/../b.xml"),
        "name_empty": ("file:///etc/a.xml", "./a.xml", "a//b.xml", ".", "", "a/./b.xml"),
        "name_invisible": (
            *("a\nb.xml", "a\rb.xml", "a\x1b[2Jb.xml", "a\u202elmx.xml", "a\u200b.xml", "a\u2028.xml", "\ufeffa.xml"),
            "a\u00adb.xml",
        ),
        "name_long": ("a" * 252 + ".xml", "a" * 4096 + ".xml", "é" * 130 + ".xml", "a/" * 999 + "b", "ﷺ" * 20 + ".xml"),
        "member_kind": ("a.exe", "a.xml.gz", "a", "a.xsd", "a.xml ", "a.xml.", ".htaccess", "a.xml:stream"),
    }  # fmt: skip
    for key, bad in wrong.items():
        for name in bad:
            yield Attack("Z1", f"{key} {name[:30]!r}", lambda n=name: _named(n), key)
    for first, second in (
        *(("a.xml", "a.xml"), ("a.xml", "A.XML"), ("a.xml", "ａ.xml"), ("é.xml", "e\u0301.xml"), ("ß.xml", "ss.xml")),
        *(("ﬁn.xml", "fin.xml"), ("a.xml", "a.xml/")),
    ):
        both = [Entry(name.encode(), XML if name[-1] != "/" else b"") for name in (first, second)]
        yield Attack("Z1", f"twice {first} {second}", lambda e=both: pack(*e), "name_twice")


def lies() -> Iterator[Attack]:
    """Z2."""
    two = (GOOD, Entry(b"deux.xml", XML))
    yield from _bombs(two)
    for what, value in {
        "sign": b"PK\x03\x05",
        "name": b"mal.xml",
        "flags": 0,
        "method": 0,
        "size": len(XML) - 1,
        "packed": 5,
    }.items():
        yield Attack(
            "Z2",
            f"local {what}",
            lambda w=what, v=value: pack(GOOD, Entry(b"b.xml", XML, local={w: v})),
            "member_headers",
        )
    for change in (-10, 10, 1 << 20):
        for local in ({}, {"size": len(XML) + change}):
            lie = {"size": len(XML) + change}
            key = "member_headers" if not local else "member_ratio" if change > 1000 else "member_lies"
            yield Attack(
                "Z2",
                f"size {change:+} {bool(local)}",
                lambda c=lie, o=local: pack(Entry(data=XML, central=c, local=o)),
                key,
            )
    crc = {"crc": zlib.crc32(XML) ^ 1}
    yield Attack("Z2", "a wrong sum", lambda: pack(Entry(data=XML, central=crc, local=crc)), "member_lies")
    yield Attack("Z2", "a wrong sum in one place", lambda: pack(Entry(data=XML, local=crc)), "member_headers")
    yield Attack(
        "Z2",
        "packed longer",
        lambda: pack(Entry(data=XML, central={"packed": 999}, local={"packed": 999})),
        "member_overlap",
    )
    for name, data in {
        "before": pack(*two, before=b"PK\x03\x04" + bytes(60)),
        "after": pack(*two, after=b"after"),
        "a second archive": pack(*two) + pack(GOOD),
        "a second end record": pack(*two, comment=b"PK\x05\x06" + bytes(18)),
        "between": pack(GOOD, Entry(b"deux.xml", XML, gap=b"?" * 40)),
        "before the first": pack(Entry(b"un.xml", XML, gap=b"PK\x03\x04" + bytes(40))),
        "a hidden member": _hidden(),
    }.items():
        yield Attack("Z2", f"bytes {name}", lambda d=data: d, "zip_surplus")
    for name, end, key in (
        ("entries fewer", {"entries": 1}, "zip_surplus"),
        ("entries more", {"entries": 3}, "zip_surplus"),
        ("entries here", {"here": 1}, "zip_parts"),
        ("another disk", {"disk": 1}, "zip_parts"),
        ("zip64 entries", {"entries": 0xFFFF}, "zip_64"),
        ("zip64 offset", {"offset": 0xFFFFFFFF}, "zip_64"),
        ("zip64 size", {"size": 0xFFFFFFFF}, "zip_64"),
        ("directory short", {"size": 46}, "zip_surplus"),
        ("offset low", {"offset": 0}, "zip_surplus"),
        ("60,000 entries", {"entries": 60_000}, "zip_members"),
    ):
        yield Attack("Z2", name, lambda e=end: pack(*two, end=e), key)
    large = struct.pack("<2H2Q", 1, 16, len(XML), len(XML))
    yield Attack(
        "Z2",
        "zip64 member",
        lambda: pack(Entry(data=XML, extra=large, central={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF})),
        "member_headers",
    )
    other = b"\x01" + struct.pack("<L", zlib.crc32(b"a.xml")) + b"../b.xml"
    renamed = struct.pack("<2H", 0x7075, len(other)) + other
    yield Attack("Z2", "another name beside", lambda: pack(Entry(data=XML, extra=renamed)), "member_headers")
    accents = Entry("é.xml".encode("cp437"), XML, flags=0, extra=renamed)
    yield Attack("Z2", "a bad name beside", lambda: pack(accents), "member_headers")


def _hidden() -> bytes:
    """A whole member that the directory does not know."""
    whole = pack(Entry(b"cache.xml", XML))
    return pack(GOOD, Entry(b"deux.xml", XML, gap=whole[: whole.index(b"PK\x01\x02")]))


def _bombs(two: tuple[Entry, ...]) -> Iterator[Attack]:
    yield Attack("Z2", "ratio", lambda: pack(Entry(data=b" " * (3 << 20))), "member_ratio")
    yield Attack("Z2", "8 MB of nothing", lambda: pack(Entry(data=bytes(8_000_000))), "member_ratio")
    yield Attack(
        "Z2",
        "declared 3 GB",
        lambda: pack(Entry(data=XML, central={"size": 3 << 30}, local={"size": 3 << 30})),
        "member_large",
    )
    yield Attack("Z2", "many 1 MB", lambda: pack(*(_mega(n) for n in range(501))), "zip_total")
    yield Attack(
        "Z2", "1,001 members", lambda: pack(*(Entry(f"{n}.xml".encode(), method=0) for n in range(1001))), "zip_members"
    )
    yield Attack(
        "Z2",
        "all in one place",
        lambda: pack(GOOD, *(Entry(b"bon.xml", XML, central={"offset": 0}) for _ in range(200))),
        "member_overlap",
    )
    yield Attack("Z2", "quoted overlap", _quoted, "member_overlap")
    yield Attack(
        "Z2",
        "a member in the directory",
        lambda: pack(*two, Entry(b"trois.xml", XML, central={"offset": 1 << 20})),
        "member_headers",
    )


def _mega(number: int) -> Entry:
    says = {"size": 1 << 20}
    return Entry(f"{number}.xml".encode(), XML, central=says, local=says)


def _quoted(count: int = 30) -> bytes:
    """Each member's stored block quotes the header of the next one, so that all share the same bytes at the end."""
    kernel = bytes(30_000)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = squeeze.compress(kernel) + squeeze.flush()
    crc, size, headers, tail = zlib.crc32(kernel), len(kernel), [], body
    for number in reversed(range(count)):
        name = f"{number:02d}.xml".encode()
        header = (
            struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, UTF8, 8, 0, 0x21, crc, len(tail), size, len(name), 0) + name
        )
        headers.append((name, crc, len(tail), size, len(header) + len(tail)))
        whole = header + tail
        quote = b"\0" + struct.pack("<2H", len(header), len(header) ^ 0xFFFF)
        crc, size, tail = zlib.crc32(kernel, zlib.crc32(header)), size + len(header), quote + whole
    body = tail[5:]
    entries = b""
    for name, crc, packed, size, from_end in reversed(headers):
        fields = (
            b"PK\x01\x02",
            788,
            20,
            UTF8,
            8,
            0,
            0x21,
            crc,
            packed,
            size,
            len(name),
            0,
            0,
            0,
            0,
            0,
            len(body) - from_end,
        )
        entries += struct.pack("<4s6H3L5H2L", *fields) + name
    return body + entries + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(body), 0)


def specials() -> Iterator[Attack]:
    """Z3."""
    modes = {
        "link": 0o120777,
        "character device": 0o020666,
        "block device": 0o060666,
        "pipe": 0o010666,
        "socket": 0o140666,
        "set user": 0o104755,
        "set group": 0o102755,
        "unknown type": 0o170644,
    }
    for name, mode in modes.items():
        yield Attack("Z3", name, lambda m=mode: pack(GOOD, Entry(b"b.xml", XML, mode=m)), "member_special")
    yield Attack(
        "Z3", "a link of DOS", lambda: pack(Entry(data=XML, mode=0, system=0, attributes=0x400)), "member_special"
    )
    yield Attack("Z3", "a link called a folder", lambda: pack(GOOD, Entry(b"b/", b"", mode=0o120777)), "member_special")
    yield Attack(
        "Z3",
        "a link called clutter",
        lambda: pack(GOOD, Entry(b"__MACOSX/._b.xml", b"/etc", mode=0o120777)),
        "member_special",
    )


def closed() -> Iterator[Attack]:
    """Z4: archives in archives, locked ones, methods nobody needs."""
    inner = pack(GOOD)
    for name in ("a.zip", "a.tar.gz", "a.7z", "a.jar", "a.docx"):
        yield Attack("Z4", name, lambda n=name: pack(GOOD, Entry(n.encode(), inner)), "member_kind")
    for flag in (0x1, 0x40, 0x2000, 0x41):
        yield Attack(
            "Z4", f"locked {flag:#x}", lambda f=flag: pack(GOOD, Entry(data=XML, flags=UTF8 | f)), "member_encrypted"
        )
    for method in (1, 6, 9, 12, 14, 93, 95, 98, 99):
        yield Attack("Z4", f"method {method}", lambda m=method: pack(GOOD, Entry(data=XML, method=m)), "member_method")


def cuts() -> Iterator[Attack]:
    """Z6: cut in and between all headers."""
    data = pack(GOOD, Entry(b"deux.xml", XML), comment=b"fin")
    second, directory, end = data.index(b"PK\x03\x04", 4), data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    places = {
        "in the first header": 20,
        "in the first name": 33,
        "in the first data": 60,
        "before the second": second,
        "in the second header": second + 20,
        "before the directory": directory,
        "in the directory": directory + 30,
        "before the end record": end,
        "in the end record": end + 12,
        "in the comment": len(data) - 1,
    }
    for name, place in places.items():
        key = "zip_surplus" if name == "in the comment" else "zip_cut"
        yield Attack("Z6", name, lambda p=place: data[:p], key)
    for part in range(1, 16):
        yield Attack("Z6", f"at {part}/16", lambda p=part: data[: (end * p) // 16], "zip_cut")
    yield Attack("Z6", "the end record alone", lambda: pack(), "zip_empty")
    yield Attack("Z6", "folders alone", lambda: pack(Entry(b"dossier/", b"", 0)), "zip_empty")


def honest() -> Iterator[Attack]:
    """Archives that people's tools make: they must be let in."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Été à Montréal.xml", XML)
        archive.writestr("sous/dossier/b.XML", XML)
        archive.writestr("sous/", b"")
    utf8 = b"\x01" + struct.pack("<L", zlib.crc32("é.xml".encode("cp1252"))) + "é.xml".encode()
    accents = Entry("é.xml".encode("cp1252"), XML, flags=0, extra=struct.pack("<2H", 0x7075, len(utf8)) + utf8)
    info = b"\x01" + struct.pack("<L", zlib.crc32(b"a.xml")) + b"a.xml"
    same = struct.pack("<2H", 0x7075, len(info)) + info
    twins = {
        "Z1": {
            "accents and folders": sink.getvalue(),
            "what systems add": pack(GOOD, Entry(b"__MACOSX/._a.xml"), Entry(b".DS_Store"), Entry(b"sous/Thumbs.db")),
            "a name of 255 bytes": pack(Entry(b"n" * 251 + b".xml", XML)),
            "dots that lead nowhere": pack(Entry(b"a..b...c.xml", XML), Entry(b"...xml.xml", XML)),
        },
        "Z2": {
            "stored": pack(Entry(data=XML, method=0)),
            "sizes that follow": pack(
                Entry(data=XML, flags=UTF8 | DESCRIPTOR), Entry(b"b.xml", XML, flags=UTF8 | DESCRIPTOR)
            ),
            "a comment": pack(GOOD, comment=b"fait par nous"),
            "1,000 members": pack(*(Entry(f"{n}.xml".encode(), XML) for n in range(1000))),
            "1 MB that packs well": pack(Entry(data=XML + b" " * 900_000)),
            "its name in UTF-8 beside": pack(accents),
            "its own name beside": pack(Entry(data=XML, extra=same)),
        },
        "Z3": {
            "a program's permissions": pack(Entry(data=XML, mode=0o100755)),
            "DOS": pack(Entry(data=XML, mode=0, system=0, attributes=0x20)),
        },
        "Z4": {"deflate levels": pack(Entry(data=XML, flags=UTF8 | 0x2))},
        "Z6": {"whole": pack(GOOD, Entry(b"deux.xml", XML), comment=b"fin")},
    }
    for family, each in twins.items():
        yield from (Attack(family, name, lambda d=data: d) for name, data in each.items())
