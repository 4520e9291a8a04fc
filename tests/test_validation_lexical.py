"""What is said to fit a type for certain, libxml2 finds right: types, patterns, bounds of every kind, many values."""

from __future__ import annotations

import random
import re
from itertools import chain
from pathlib import Path

import pytest
from lxml import etree

from gateway import xmlsafe
from gateway.validation.lexical import Fit, Lexical
from gateway.validation.patterns import never, translated

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t">
  <xs:simpleType name="code"><xs:restriction base="xs:token"><xs:maxLength value="4"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="date"><xs:restriction base="xs:string"/></xs:simpleType>
  <xs:element name="v">{kind}</xs:element>
  <xs:element name="a"><xs:complexType><xs:attribute name="v">{kind}</xs:attribute></xs:complexType></xs:element>
</xs:schema>"""
BUILT_IN = [
    "string normalizedString token integer nonNegativeInteger positiveInteger long unsignedLong int unsignedInt short",
    "unsignedShort byte unsignedByte decimal date dateTime boolean",
]
NUMBERS = ["minInclusive 0", "maxInclusive 50", "maxInclusive 999", "totalDigits 3", "fractionDigits 0"]
STEPS = [
    *[f"xs:{name}" for name in " ".join(BUILT_IN).split()],
    *[f"xs:string|{facet}" for facet in ("length 3", "minLength 2", "maxLength 5", "minLength 1;maxLength 3")],
    *["xs:string|whiteSpace collapse", "xs:token|minLength 3", "xs:string|enumeration M;enumeration F", "code", "date"],
    *[f"xs:{name}|{facet}" for name in ("integer", "unsignedShort", "int") for facet in NUMBERS],
    *[
        "xs:integer|minInclusive 1",
        "xs:decimal|minInclusive 0",
        "xs:decimal|fractionDigits 2",
        "xs:byte|maxInclusive 50",
    ],
    *["xs:date|pattern [0-9]{4}-[0-9]{2}-[0-9]{2}", "xs:decimal|pattern [0-9]{1,9}(\\.[0-9]{1,2})?"],
    *["xs:positiveInteger|pattern [1-9][0-9]{0,5}", "xs:integer|enumeration 1;enumeration 07"],
]
PATTERNS = [
    r"[0-9]{5}",
    r"[A-Z]{4}[0-9]{6}[A-Z0-9][0-9]",
    r"\S(.*\S)?",
    r"\d+",
    r"a|b|cd",
    r"(ab)*c?",
    r"(ab){2}(cd)?[0-9]{1,3}",
    r"0*[1-9][0-9]*",
    r"[a-c]+[0-9]+x?",
    r"[^a-c]{2}",
    r"[a\-c]+",
    r"[+*.]x",
    r"\.\\\(",
    r"^a$",
    r"[ -~]{1,4}",
    r"[!-Z]+",
    r"",
]
UNKNOWN = [r"\p{L}+", r"[a-z-[aeiou]]", r"\w", r"\i\c*", r"[\s]", r"a\n", r"\D", r"&x", r"[^\d]+", r"[a-\d]"]


def schema(kind: str) -> etree.XMLSchema:
    return xmlsafe.schema_of(xmlsafe.parse(XSD.format(kind=kind).encode()))


def of_type(step: str) -> str:
    """A simple type, written `base|facet value;facet value`."""
    base, _, facets = step.partition("|")
    inside = "".join(
        '<xs:{} value="{}"/>'.format(*facet.partition(" ")[::2]) for facet in (facets.split(";") if facets else ())
    )
    return f'<xs:simpleType><xs:restriction base="{base}">{inside}</xs:restriction></xs:simpleType>'


def values(chance: random.Random) -> list[str]:
    """Right and wrong values of all sorts, and what comes of changing a few of their characters."""
    plain = ["", " ", "a", "M", "F", "0", "1", "7", "07", "50", "51", "999", "1000", "-1", "+5", "128", "32768", "1.5"]
    plain += ["1.", ".5", "1.234", "00.10", "12345", "1234567890123456789", "9" * 30, "true", "false", "TRUE", "a b"]
    plain += [
        "a  b",
        " a",
        "a ",
        "ab",
        "abc",
        "abcabc",
        "cd",
        "ababc",
        "abab12",
        "ababcd7",
        "-",
        "a-c",
        "+x",
        "*x",
        ".x",
        ".\\(",
        "^a$",
    ]
    plain += ["2024-02-29", "2023-02-29", "2023-02-30", "2024-04-31", "2024-12-31", "0000-01-01", "2024-13-01"]
    plain += ["2024-01-01Z", "02024-01-01", "-2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00", "ABCD12345678"]
    plain += [
        "2024-01-01T23:59:60",
        "2024-01-01T12:00:00.5",
        "٣٤",
        "１２３",
        "é",
        "É a",
        "\u00a0a",
        "a\u2028",
        "\U0001f600",
    ]
    signs = "019aZé -.+:T٣'\"]}\u00a0\u2028\t"
    changed = []
    for one in plain * 12:
        at = chance.randrange(len(one) + 1)
        changed.append(one[:at] + chance.choice(signs) + one[at + chance.randrange(2) :])
    return list(dict.fromkeys([*plain, *changed]))


def fits(kind: str, quote: str) -> re.Pattern[str] | None:
    """What is said to fit, as it stands in a document."""
    root = xmlsafe.parse(XSD.format(kind=kind).encode())
    named = {node.get("name", ""): node for node in root if node.tag.endswith("simpleType")}
    holder = root[-1][0][0] if quote else root[-2]
    fit = Lexical(named).fit(holder, quote)
    return re.compile(fit.written(quote) + re.escape(quote or "<")) if fit is not None else None


def is_right(judge: etree.XMLSchema, value: str, quote: str) -> bool:
    """Whether libxml2 finds a value right where it stands as it is written."""
    own = f"={quote}{value}{quote}"
    text = f'<a xmlns="urn:t" v{own}/>' if quote else f'<v xmlns="urn:t">{value}</v>'
    try:
        return judge.validate(xmlsafe.parse(text.encode()))
    except etree.XMLSyntaxError:
        return False


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_whatever_is_said_to_fit_a_type_is_right(quote: str) -> None:
    chance, taken = random.Random(1), 0
    several = values(chance)
    for kind in chain(map(of_type, STEPS), (of_type(f"xs:string|pattern {one}") for one in PATTERNS)):
        fitting, judge = fits(kind, quote), schema(kind)
        assert fitting is not None, kind
        said = [value for value in several if fitting.fullmatch(value + (quote or "<"))]
        assert said, kind
        taken += len(said)
        assert [value for value in said if not is_right(judge, value, quote)] == [], kind
    assert taken > 1000


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("xs:string", "Côté, 12 rue de l’Île"),
        ("xs:string|pattern [A-Z]{4}[0-9]{6}[A-Z0-9][0-9]", "ABCD00000000"),
        ("xs:date|pattern [0-9]{4}-[0-9]{2}-[0-9]{2}", "2024-02-28"),
        ("xs:dateTime", "2024-12-31T23:59:59"),
        ("xs:string|pattern \\S(.*\\S)?", "O'Brien-Cœur de Lion"),
        ("xs:decimal|minInclusive 0", "12.50"),
        ("xs:positiveInteger|pattern [1-9][0-9]{0,5}", "999999"),
    ],
)
def test_what_documents_commonly_hold_is_said_to_fit(kind: str, value: str) -> None:
    fitting = fits(of_type(kind), "")
    assert fitting is not None
    assert fitting.fullmatch(value + "<")


@pytest.mark.parametrize("pattern", UNKNOWN)
def test_nothing_is_said_of_a_pattern_that_is_not_followed(pattern: str) -> None:
    assert translated(pattern, "") is None
    assert "&" in pattern or fits(of_type(f"xs:string|pattern {pattern}"), "") is None


@pytest.mark.parametrize(
    "kind",
    [
        '<xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType>',
        '<xs:simpleType><xs:union memberTypes="xs:int xs:date"/></xs:simpleType>',
        of_type("xs:date|minInclusive 2024-01-01"),
        of_type("xs:anyURI"),
        of_type("xs:ID"),
        of_type("xs:integer|minInclusive 5"),
        of_type("xs:string|maxLength 9999999999"),
        of_type("xs:integer|totalDigits 4294967296"),
        of_type("xs:string|pattern a{9999999999}"),
        of_type("xs:decimal|maxInclusive 5"),
    ],
)
def test_nothing_is_said_of_a_type_that_is_not_followed(kind: str) -> None:
    assert fits(kind, "") is None


@pytest.mark.parametrize(
    "pattern", ["(a*)*", "(a|a)*b", "(a|ab)+", "(a?){30}", "([A-Z]+ ?)*", ".*a.*b", "[0-9]+[0-9a-z]+", "(a{1,2}){2,}"]
)
def test_a_pattern_that_a_value_could_make_slow_is_not_followed(pattern: str) -> None:
    assert translated(pattern, "") is None


def test_no_value_that_fits_holds_a_sign_that_means_more_than_itself() -> None:
    for quote in ("", '"', "'"):
        fitting = fits(of_type("xs:string"), quote)
        assert fitting is not None
        for sign in chain("<>&\t\n\r\x00\x7f\x85\ufffe", quote):
            assert not fitting.fullmatch(f"a{sign}b{quote or '<'}")
            assert re.match(f"[{never(quote)}]", sign)


def test_the_pattern_of_one_place_is_read_from_its_own_schema(tmp_path: Path) -> None:
    """A type of the schema that is called as one of XML Schema's is not taken for it."""
    fitting = fits(of_type("date"), "")
    assert fitting is not None
    assert fitting.fullmatch("no date<")


@pytest.mark.parametrize("pattern", ["[A-Z]{90}[A-Z]{90}[A-Z]{90}", "A" * 270, "(?:A{9}){30}", "A+", "A{270}"])
def test_what_is_cut_elsewhere_does_not_fit(pattern: str) -> None:
    """However a schema says that a value may be long."""
    assert re.fullmatch(pattern, "A" * 270)
    assert not re.match(Fit((pattern,)).written('"'), "A" * 270 + '"')
