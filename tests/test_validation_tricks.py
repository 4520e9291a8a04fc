"""Documents and schemas made to be taken for certainly right where they are wrong: each is judged as it deserves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from support.family import HERE, rule
from test_validation_quick import agree, both_ways, learn_at_once, seen, slowly

from gateway import catalog
from gateway.catalog import Catalog
from gateway.validation import cut
from gateway.validation.ways import ways

LINE = '<xs:element name="ligne" minOccurs="0" maxOccurs="unbounded">{}</xs:element>'
NUMBERED = LINE.format(
    '<xs:complexType><xs:sequence><xs:element name="n" type="xs:int"{}/></xs:sequence></xs:complexType>'
)
LETTERS = NUMBERED.replace(
    ' type="xs:int"{}/>',
    '><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{0,2}[A-Z0-9]{1,10}"/></xs:restriction>'
    "</xs:simpleType></xs:element>",
)
TWICE = (
    '<xs:element name="{}"><xs:complexType/></xs:element><xs:element name="g"><xs:complexType><xs:sequence>'
    '<xs:element name="ligne" maxOccurs="unbounded"><xs:complexType><xs:sequence>'
    '<xs:element name="{}" type="xs:string"/></xs:sequence></xs:complexType></xs:element>'
    "</xs:sequence></xs:complexType></xs:element>"
)
NO = '<xs:element name="no" type="xs:string"/>'
FOREIGN = '<xs:import namespace="urn:b" schemaLocation="b.xsd"/>'
UNIQUE = """<xs:unique name="u"><xs:selector xpath="l:ligne" xmlns:l="urn:essai:lot"/>
    <xs:field xpath="l:n" xmlns:l="urn:essai:lot"/></xs:unique>"""
XSI = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
B = ' xmlns:b="urn:b"'


class Trick(NamedTuple):
    """What an invoice holds (by schema), one that is right, one that looks like it and is wrong."""

    body: str
    right: str | tuple[str, ...]  # or several, in turn
    wrong: str
    also: str = ""  # in the element of the invoice
    types: str = ""
    other: str = ""  # the schema of another namespace
    root: str = ""  # attributes of the root
    use: str = "optional"  # of the attribute of an invoice
    odd: str = ""  # another one that is right, among the others


TRICKS = {
    "a comment that looks like elements": Trick(
        NO + '<xs:element name="memo" type="xs:string" minOccurs="0"/>' + NUMBERED.format(""),
        "<no>1</no><!--x/><memo>9</memo--><ligne><n>1</n></ligne>",
        "<no>1</no><!--x/><memo>a--b</memo--><ligne><n>1</n></ligne>",
    ),
    "an instruction that looks like elements": Trick(
        NO + '<xs:element name="memo" type="xs:string" minOccurs="0"/>' + NUMBERED.format(""),
        "<no>1</no><?x/><memo>9</memo?><ligne><n>1</n></ligne>",
        "<no>1</no><?x/><memo>?>9</memo?><ligne><n>99</n></ligne>",
    ),
    "digits of another script": Trick(
        NO + '<xs:element name="nom"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[^\\d]+"/>'
        "</xs:restriction></xs:simpleType></xs:element>" + NUMBERED.format(""),
        "<no>1</no><nom>abc</nom>",
        "<no>1</no><nom>a\u0663b</nom>",
    ),
    "an element of another namespace, called like one of ours": Trick(
        NO
        + '<xs:element name="nom" type="xs:string" minOccurs="0"/>'
        + '<xs:any namespace="##other" processContents="strict"/>',
        "<no>1</no><b:nom>5</b:nom>",
        "<no>1</no><b:nom>abc</b:nom>",
        types=FOREIGN,
        other='<xs:element name="nom" type="xs:int"/>',
        root=B,
    ),
    "lines of two namespaces, in the other order": Trick(
        NO + f'<xs:element name="ligne" type="T"/><xs:group{B} ref="b:g"/>',
        "<no>1</no><ligne><n>1</n></ligne><b:ligne><n>2</n></b:ligne>",
        "<no>1</no><b:ligne><n>2</n></b:ligne><ligne><n>1</n></ligne>",
        types=FOREIGN
        + '<xs:complexType name="T"><xs:sequence><xs:element name="n" type="xs:int"/></xs:sequence></xs:complexType>',
        other='<xs:import namespace="urn:essai:lot" schemaLocation="lot.xsd"/><xs:group name="g"><xs:sequence>'
        '<xs:element name="ligne" type="a:T"/></xs:sequence></xs:group>',
        root=B,
    ),
    "a number that is there without being written": Trick(
        NO + NUMBERED.format(' default="1"'),
        "<no>1</no><ligne><n/></ligne><ligne><n>2</n></ligne>",
        "<no>1</no><ligne><n/></ligne><ligne><n>1</n></ligne>",
        also=UNIQUE,
    ),
    "nothing where nil was said": Trick(
        NO + '<xs:element name="nom" type="xs:string" nillable="true"/>' + NUMBERED.format(""),
        '<no>1</no><nom xsi:nil="true"></nom>',
        '<no>1</no><nom xsi:nil="true">a</nom>',
        root=XSI,
    ),
    "a value that is longer than what is kept": Trick(
        NO + '<xs:element name="nom" type="xs:int"/>' + NUMBERED.format(""),
        "<no>1</no><nom>1</nom>",
        f"<no>{'9' * 400}</no><nom>x</nom>",
    ),
    "a length that no expression can say": Trick(
        NO + '<xs:element name="nom"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="9999999999"/>'
        "</xs:restriction></xs:simpleType></xs:element>" + NUMBERED.format(""),
        "<no>1</no><nom>a</nom>",
        "<no>1</no><nom><a/></nom>",
    ),
    "a required attribute that is not there": Trick(
        NO + NUMBERED.format(""),
        "<no>1</no><ligne><n>1</n></ligne>",
        "<envoi><no>1</no><ligne><n>1</n></ligne></envoi>",
        use="required",
        odd="""<envoi serie="l'a&amp;un"><no>1</no><ligne><n>1</n></ligne></envoi>""",
    ),
    "a required attribute that is not there, where another one is written with an apostrophe": Trick(
        NO + NUMBERED.format(""),
        """<envoi serie="l'un"><no>1</no><ligne><n>1</n></ligne></envoi>""",
        "<envoi><no>1</no><ligne><n>1</n></ligne></envoi>",
        use="required",
    ),
    "values that could be matched in many ways, line after line": Trick(
        NO + LETTERS,
        tuple("<no>1</no>" + "<ligne><n>ABC1</n></ligne>" * lines for lines in range(1, 17)),
        "<no>1</no>" + "<ligne><n>ABC1</n></ligne>" * 15 + "<ligne><n>x</n></ligne>",
    ),
    "an empty invoice before another one": Trick(
        '<xs:element name="no" type="xs:string" minOccurs="0"/>' + NUMBERED.format(""),
        ('<envoi serie="S"/>', "<no>1</no><ligne><n>1</n></ligne>"),
        "<no>1</no><ligne><n>x</n></ligne>",
    ),
    "a number of thousands of digits": Trick(
        NO
        + '<xs:element name="nom"><xs:simpleType><xs:restriction base="xs:integer">'
        + f'<xs:maxInclusive value="{"9" * 5000}"/></xs:restriction></xs:simpleType></xs:element>'
        + NUMBERED.format(""),
        "<no>1</no><nom>1</nom>",
        "<no>1</no><nom>x</nom>",
    ),
    "a text that must be empty": Trick(
        NO
        + '<xs:element name="memo" fixed=""><xs:complexType><xs:simpleContent><xs:extension base="xs:string">'
        + '<xs:attribute name="a"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>'
        + NUMBERED.format(""),
        '<no>1</no><memo a="1"></memo>',
        '<no>1</no><memo a="1">x</memo>',
    ),
    "attributes that must differ, beside elements called alike": Trick(
        NO
        + '<xs:element name="ligne" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>'
        + '<xs:element name="n" type="xs:int"/></xs:sequence><xs:attribute name="n" type="xs:int"/></xs:complexType>'
        + "</xs:element>",
        '<no>1</no><ligne n="1"><n>1</n></ligne><ligne n="2"><n>2</n></ligne>',
        '<no>1</no><ligne n="1"><n>1</n></ligne><ligne n="1"><n>2</n></ligne>',
        also=UNIQUE.replace("l:n", "attribute::n"),
    ),
    "elements that are declared twice": Trick(
        NO + f"<xs:choice><xs:sequence>{TWICE.format('a', 'x')}</xs:sequence>"
        f"<xs:sequence>{TWICE.format('b', 'y')}</xs:sequence></xs:choice>",
        ("<no>1</no><a/><g><ligne><x>1</x></ligne></g>", "<no>1</no><b/><g><ligne><y>1</y></ligne></g>"),
        "<no>1</no><b/><g><ligne><x>1</x></ligne></g>",
    ),
    "a pattern that takes long to say no": Trick(
        NO + '<xs:element name="nom"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="([A-Z]+ ?)+"/>'
        "</xs:restriction></xs:simpleType></xs:element>" + NUMBERED.format(""),
        "<no>1</no><nom>ABC</nom>",
        f"<no>1</no><nom>{'A' * 60}1</nom>",
    ),
}


@pytest.fixture(autouse=True)
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    learn_at_once(monkeypatch)
    ways.forget()


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_in_a_large_document_is_judged_as_it_deserves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "BLOCK", 1000)
    trick, known = TRICKS[name], family(TRICKS[name], tmp_path)
    right = [trick.right] if isinstance(trick.right, str) else [*trick.right]
    for wrong in (1, 60):
        invoices = [*right * (100 // len(right)), *[trick.odd] * bool(trick.odd), *right * (60 // len(right))]
        data = document(trick, [*invoices, *[trick.wrong] * wrong, *right * (30 // len(right))])
        agree(both_ways(data, known, monkeypatch), data)


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_in_a_small_document_is_judged_as_it_deserves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trick, known = TRICKS[name], family(TRICKS[name], tmp_path)
    right = [trick.right] if isinstance(trick.right, str) else [*trick.right]
    odd = [trick.odd] if trick.odd else []
    for number in (1, 2, 40):
        for invoices in [right, right, right, odd, right, [trick.wrong], right, [trick.wrong]]:
            data = document(trick, (invoices * number)[:number])
            assert seen(data, known) == slowly(data, known, monkeypatch), data.decode()


def document(trick: Trick, invoices: list[str]) -> bytes:
    body = "".join(one if one.startswith("<envoi") else f'<envoi serie="S">{one}</envoi>\n' for one in invoices)
    head = "<no>A-1</no><agence>18001</agence>"
    return f'<lot xmlns="urn:essai:lot"{trick.root}>{head}\n<corps>\n{body}</corps></lot>'.encode()


def family(trick: Trick, folder: Path) -> Catalog:
    """A family whose invoices are those of a trick."""
    home = folder / "essai"
    home.mkdir()
    told = (HERE / "catalog.toml").read_text("utf-8")
    told = told.replace('["@serie", "no"]', '"no"').replace('number = "@n"', 'number = "n"')
    files: Mapping[str, str] = {
        "catalog.toml": told,
        "rules.toml": rule("N", "line", 'must = { between = ["number", 1, 9] }', "warning"),
        "lot.xsd": LOT.format(trick=trick),
        "b.xsd": OTHER.format(trick=trick),
    }
    for name, text in files.items():
        (home / name).write_text(text, "utf-8")
    return catalog.load([folder])


LOT = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:essai:lot" targetNamespace="urn:essai:lot"
    elementFormDefault="qualified">{trick.types}
  <xs:element name="lot"><xs:complexType><xs:sequence>
    <xs:element name="no" type="xs:string" minOccurs="0"/><xs:element name="agence" type="xs:string"/>
    <xs:element name="corps"><xs:complexType><xs:sequence>
      <xs:element name="envoi" minOccurs="0" maxOccurs="unbounded">
        <xs:complexType>
          <xs:sequence>{trick.body}</xs:sequence>
          <xs:attribute name="serie" type="xs:string" use="{trick.use}"/>
        </xs:complexType>
        {trick.also}
      </xs:element>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
OTHER = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="urn:essai:lot" targetNamespace="urn:b"
    elementFormDefault="qualified">{trick.other}</xs:schema>"""
