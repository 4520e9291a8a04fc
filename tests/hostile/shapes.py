"""X6 to X10: documents of impossible shapes, encodings and beginnings."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator

from support.attacks import Attack
from support.family import NAMESPACE, document, invoice

from hostile.documents import CUT, ENCODING, SIZE, VALID, note

Makes = dict[str, Callable[[], bytes | str]]
MEGA = 1_000_000


def several(prefix: str, count: int, value: str = '""') -> str:
    return " ".join(f"{prefix}{n}={value}" for n in range(count))


def spaces(count: int) -> str:
    return " ".join(f'xmlns:n{n}="u:{n}"' for n in range(count))


def shapes() -> Iterator[Attack]:
    """X6: too deep, too wide, too long, too many."""
    many = [invoice(n) for n in range(300)]
    makes: Makes = {
        "depth 300": lambda: note("<a>" * 300 + "</a>" * 300),
        "depth 240, closed": lambda: note("<a>" * 240 + "x" + "</a>" * 240),
        "attributes 100,000": lambda: note(f"<a {several('a', 100_000)}/>"),
        "attributes 501": lambda: note(f"<a {several('a', 501)}/>"),
        "attributes of 900 elements": lambda: note(f"<a {several('a', 500)}/>" * 900),
        "attributes of the root": lambda: document(*many, attributes=" " + several("a", 60_000)),
        "attributes of the list": lambda: document(*many).replace("<corps>", f"<corps {several('a', 40_000)}>"),
        "namespaces of the root": lambda: document(*many, attributes=" " + spaces(40_000)),
        "namespaces of the list": lambda: document(*many).replace("<corps>", f"<corps {spaces(40_000)}>"),
        "namespaces 101": lambda: document(*many, attributes=" " + spaces(101)),
        "a namespace of 1 MB": lambda: document(*many).replace("<corps>", f'<corps xmlns:n="{"u" * MEGA}">'),
        "a name of 60 KB": lambda: note(f"<{'n' * 60_000}/>"),
        "an attribute's name of 60 KB": lambda: note(f'<a {"n" * 60_000}="1"/>'),
        "a prefix of 60 KB": lambda: note(f'<{"p" * 60_000}:a xmlns:{"p" * 60_000}="u"/>'),
        "an instruction's name of 60 KB": lambda: note(f"<?{'n' * 60_000}?><a/>"),
        "text of 11 MB": lambda: note(f"<a>{'x' * 11 * MEGA}</a>"),
        "a comment of 11 MB": lambda: note(f"<!--{'x' * 11 * MEGA}--><a/>"),
        "an instruction of 11 MB": lambda: note(f"<?p {'x' * 11 * MEGA}?><a/>"),
        "CDATA of 11 MB": lambda: note(f"<a><![CDATA[{'x' * 11 * MEGA}]]></a>"),
        "an attribute of 11 MB": lambda: note(f'<a b="{"x" * 11 * MEGA}"/>'),
        "elements 2,000,000": lambda: note("<a/>" * 2 * MEGA),
        "elements 6,000": lambda: note("<a/>" * 6_000),
        "references 1,000,000": lambda: note(f"<a>{'&#65;' * MEGA}</a>"),
        "a header of 1 MB": lambda: document(*many, head=f'<agence>18001</agence><compte admin="{"1" * MEGA}"/>'),
        "comments before the root": lambda: "<!-- c -->" * 120_000 + VALID,
        "blanks before the root": lambda: "<?xml version='1.0'?>" + " \n" * 600_000 + VALID,
        "blanks after the root": lambda: VALID + " \n" * 3 * MEGA,
        "comments after the root": lambda: VALID + "<!-- -->" * MEGA,
        "lists": lambda: VALID.replace("<total>", f"<corps>{invoice(1)}</corps>" * 70 + "<total>"),
    }
    yield from (Attack("X6", name, make, SIZE) for name, make in makes.items())
    yield Attack("X6", "depth 100,000", lambda: note("<a>" * 100_000), CUT)


def encodings() -> Iterator[Attack]:
    """X7: bytes that are not what they say, or say nothing."""
    declared = '<?xml version="1.0" encoding="{}"?>\n' + VALID
    plain = VALID.encode()

    def with_byte(data: bytes) -> bytes:
        return plain.replace(b"Tremblay-Canari", b"Tremblay" + data, 1)

    wrong: Makes = {
        "UTF-16 without a declaration": lambda: VALID.encode("utf-16"),
        "UTF-16 that says UTF-8": lambda: declared.format("UTF-8").encode("utf-16"),
        "UTF-16 that says Latin-1": lambda: declared.format("ISO-8859-1").encode("utf-16"),
        "UTF-16 without a mark, little": lambda: declared.format("UTF-16").encode("utf-16-le"),
        "UTF-16 without a mark, big": lambda: declared.format("UTF-16").encode("utf-16-be"),
        "UTF-16 that says UTF-16LE": lambda: declared.format("UTF-16LE").encode("utf-16"),
        "UTF-16 with half a pair": lambda: declared.format("UTF-16").encode("utf-16").replace(b"T\0r\0", b"T\0\0\xd8"),
        "UTF-32, little": lambda: declared.format("UTF-32").encode("utf-32"),
        "UTF-32, big, unmarked": lambda: declared.format("UTF-32").encode("utf-32-be"),
        "UTF-32, little, unmarked": lambda: declared.format("UTF-32").encode("utf-32-le"),
        "UTF-7": lambda: declared.format("UTF-7").encode(),
        "UTF-7 without a declaration": lambda: VALID.encode("utf-7").replace(b"<", b"+ADw-"),
        "EBCDIC": lambda: declared.format("cp037").encode("cp037"),
        "Latin-1": lambda: declared.format("ISO-8859-1").encode("latin-1"),
        "Windows-1252": lambda: declared.format("windows-1252").encode("cp1252"),
        "ASCII": lambda: declared.format("US-ASCII").encode(),
        "Shift_JIS": lambda: declared.format("Shift_JIS").encode(),
        "a name of no encoding": lambda: declared.format("x-canari").encode(),
        "an empty name": lambda: declared.format("").encode(),
        "UTF-8 that says Latin-1": lambda: declared.format("latin1").replace("Canari", "É").encode(),
        "Latin-1 that says nothing": lambda: with_byte("é".encode("latin-1")),
        "overlong": lambda: with_byte(b"\xc0\xaf"),
        "overlong, three bytes": lambda: with_byte(b"\xe0\x80\xaf"),
        "lone surrogate": lambda: with_byte(b"\xed\xa0\x80"),
        "pair of surrogates": lambda: with_byte(b"\xed\xa0\xbd\xed\xb8\x80"),
        "beyond Unicode": lambda: with_byte(b"\xf5\x80\x80\x80"),
        "a stray follower": lambda: with_byte(b"\x80"),
        "FE": lambda: with_byte(b"\xfe"),
    }
    yield from (Attack("X7", name, make, ENCODING) for name, make in wrong.items())
    broken: Makes = {
        "NUL": lambda: with_byte(b"\0"),
        "control": lambda: with_byte(b"\x01"),
        "delete among controls": lambda: with_byte(b"\x1b[2J"),
        "not a character": lambda: with_byte("\ufffe".encode()),
        "a sequence cut short": lambda: plain + b"\xe2\x82",
        "UTF-16 of odd length": lambda: declared.format("UTF-16").encode("utf-16")[:-1],
        "two marks": lambda: b"\xef\xbb\xbf" + VALID.encode("utf-8-sig"),
        "NUL by reference": lambda: VALID.replace("Tremblay", "&#0;"),
        "surrogate by reference": lambda: VALID.replace("Tremblay", "&#xD800;"),
        "a mark between elements": lambda: VALID + "\ufeff",
    }
    yield from (Attack("X7", name, make, CUT) for name, make in broken.items())
    yield Attack("X7", "UTF-16 declared", lambda: declared.format("UTF-16").encode(), "UTF16_DECLARED")
    yield Attack(
        "X7", "UTF-16 declared, marked", lambda: declared.format("utf-16").encode("utf-8-sig"), "UTF16_DECLARED"
    )


def cuts() -> Iterator[Attack]:
    """X8: cut everywhere, followed by more, or nothing at all."""
    data = document(*(invoice(n) for n in range(300))).encode()
    yield Attack("X8", "cut at 0/64", lambda: b"", "EMPTY_DOCUMENT")
    for part in range(1, 64):
        yield Attack("X8", f"cut at {part}/64", lambda p=part: data[: len(data) * p // 64], CUT)
    for name, end in {
        "a second root": "<lot/>",
        "itself again": VALID,
        "an end tag": "</lot>",
        "text": "fin",
        "NULs": "\0\0\0",
        "an entity": "&amp;",
        "CDATA": "<![CDATA[]]>",
        "an open comment": "<!--",
        "a declaration": "<?xml version='1.0'?>",
    }.items():
        yield Attack("X8", f"then {name}", lambda e=end: VALID + e, CUT)
    for name, empty in {
        "blanks": b" \r\n\t" * 999,
        "a mark": b"\xef\xbb\xbf",
        "a mark and blanks": b"\xef\xbb\xbf \n",
    }.items():
        yield Attack("X8", f"only {name}", lambda e=empty: e, "EMPTY_DOCUMENT")
    for name, start in {"a comment": "<!-- c -->", "a declaration": '<?xml version="1.0"?>', "a mark": "<"}.items():
        yield Attack("X8", f"nothing but {name}", lambda s=start: s, CUT)


def strangers() -> Iterator[Attack]:
    """X9: what people deposit under the name of a document."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.xml", VALID)
    kinds: Makes = {
        "gzip": lambda: gzip.compress(VALID.encode()),
        "ZIP": sink.getvalue,
        "an empty ZIP": lambda: b"PK\x05\x06" + bytes(18),
        "PDF": lambda: b"%PDF-1.7\n%\xe2\xe3\n1 0 obj",
        "HTML": lambda: "<!DOCTYPE html><html><body>Connexion</body></html>",
        "HTML without a DOCTYPE": lambda: "\n <HTML><body/></HTML>",
        "JSON": lambda: json.dumps({"lot": VALID}),
        "a list in JSON": lambda: "[1]",
        "7z": lambda: b"7z\xbc\xaf\x27\x1c" + bytes(50),
        "RAR": lambda: b"Rar!\x1a\x07\x01" + bytes(50),
        "an old Office document": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
        "a marked page": lambda: b"\xef\xbb\xbf<html></html>",
    }
    yield from (Attack("X9", name, make, "NOT_XML") for name, make in kinds.items())
    yield Attack("X9", "a table", lambda: "no;nom\n1;Canari\n", CUT)
    yield Attack("X9", "a program", lambda: b"\x7fELF" + bytes(60), CUT)


def spellings() -> Iterator[Attack]:
    """X10: names and namespaces that are not the right ones."""
    broken = {
        "attribute twice": VALID.replace('serie="S"', 'serie="S" serie="T"', 1),
        "attribute twice by two prefixes": note('<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>'),
        "prefix of an element": VALID.replace("<no>2</no>", "<q:no>2</q:no>"),
        "prefix of an attribute": VALID.replace('serie="S"', 'q:serie="S"'),
        "prefix taken back": note('<p:a xmlns:p=""/>'),
        "xmlns as a prefix": note('<xmlns:a xmlns:xmlns="u"/>'),
        "two colons": note("<a:b:c/>"),
        "a name of digits": VALID.replace("total>", "1total>"),
    }
    yield from (Attack("X10", name, lambda t=text: t, CUT) for name, text in broken.items())
    unknown = {
        "another namespace": VALID.replace(NAMESPACE, "urn:essai:autre"),
        "no namespace": VALID.replace(f' xmlns="{NAMESPACE}"', ""),
        "one blank more": VALID.replace(NAMESPACE, f"{NAMESPACE} "),
        "upper case": VALID.replace(NAMESPACE, NAMESPACE.upper()),
        "root in capitals": VALID.replace("<lot ", "<LOT ").replace("</lot>", "</LOT>"),
        "root with a look-alike": VALID.replace("<lot ", "<lоt ").replace("</lot>", "</lоt>"),
    }
    yield from (Attack("X10", name, lambda t=text: t, "UNKNOWN_DOCUMENT") for name, text in unknown.items())
    odd = ' xmlns:q="urn/>:x" xmlns:r="a b"'
    yield Attack("X10", "namespaces that are no addresses", lambda: document(invoice(1), attributes=odd), CUT)
    inside = {
        "children of no namespace": VALID.replace("<prof>271234</prof>", '<prof xmlns="">271234</prof>'),
        "children of another": VALID.replace("<sexe>", '<sexe xmlns="urn:x">'),
        "the right name elsewhere": VALID.replace("<corps>", '<x:corps xmlns:x="urn:x">').replace(
            "</corps>", "</x:corps>"
        ),
    }
    yield from (Attack("X10", name, lambda t=text: t, "SCHEMA_ELEMENT") for name, text in inside.items())


def honest() -> Iterator[Attack]:
    """What looks like any of these and is right: it must be let in."""
    prefixed = document(invoice(1)).replace("<", "<p:").replace("<p:/", "</p:").replace("xmlns=", "xmlns:p=")
    declared = '<?xml version="1.0" encoding="{}"?>\n' + VALID.replace("Canari", "Éloïse€")
    spaced = [invoice(n, rest=f'<note><a xmlns="u:{n}"/></note>') for n in range(900)]
    twins: dict[str, Makes] = {
        "X6": {
            "depth 97": lambda: note("<a>" * 96 + "</a>" * 96),
            "attributes 500": lambda: note(f"<a {several('a', 500)}/>"),
            "attributes 15,000": lambda: note(f"<a {several('a', 300)}/>" * 50),
            "namespaces 90": lambda: document(invoice(1), attributes=" " + spaces(90)),
            "elements 4,900": lambda: note("<a/>" * 4_900),
            "text of 3 MB": lambda: note(f"<a>{'x' * 3 * MEGA}</a>"),
            "a header of 50 KB": lambda: document(invoice(1), attributes=f' xmlns:n="{"u" * 50_000}"'),
            "a namespace in each invoice": lambda: document(*spaced),
        },
        "X7": {
            "UTF-8": lambda: declared.format("UTF-8"),
            "utf-8, marked": lambda: declared.format("utf-8").encode("utf-8-sig"),
            "UTF-16, little": lambda: declared.format("UTF-16").encode("utf-16"),
            "UTF-16, big": lambda: b"\xfe\xff" + declared.format("UTF-16").encode("utf-16-be"),
            "beyond the first plane": lambda: VALID.replace("Canari", "\U0001f600"),
        },
        "X8": {"a comment and blanks after the end": lambda: f"{VALID}\n<!-- fin -->\n", "whole": lambda: VALID},
        "X9": {"blanks and a comment before": lambda: f"\n <!-- %PDF {{ -->{VALID}"},
        "X10": {
            "prefixes throughout": lambda: prefixed,
            "a prefix twice": lambda: note('<p:a xmlns:p="u"><p:b xmlns:p="v"/></p:a>'),
        },
    }
    for family, makes in twins.items():
        yield from (Attack(family, name, make) for name, make in makes.items())
