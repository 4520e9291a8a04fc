"""Invoices read by columns hold what their elements hold, and what columns let pass each rule lets pass."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from test_validation_quick import agree, both_ways, repeated

from gateway import catalog, xmlsafe
from gateway.catalog import DocumentType
from gateway.validation import cut, quick, sweep
from gateway.validation.columns import Columns
from gateway.validation.facts import Facts
from gateway.validation.flat import Flat
from gateway.validation.plan import plan_for
from gateway.validation.shapes import Row
from gateway.validation.templates import Templates

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
SAMPLES = sorted((SCHEMAS / "ramq-dp" / "samples").glob("valid_DP_RACIN*.xml"))
TRIES = 100  # raise it and change the seed to look further
SEED = 1
CHANGES = [  # of the text of invoices: what some software may write
    ('"', "'"),
    (' ENRG="1"', '\n  ENRG="1"'),
    (' SEXE="F"', ""),
    (' ETAB=""', ""),
    (' UNIT="', ' AUTRE="001" UNIT="'),
    ('PRE="', 'PRE="A&amp;'),
    ('DISP="', 'DISP="&#50;'),
    ("/>", "></ACTE>"),
    ("/>", " />"),
    ("\n", "\r\n"),
    ("\n", "\n    "),
    ("</DP>", "<!-- x --></DP>"),
    ("</DP>", "</DP >"),
    ("<ACTE ", "<!-- <ACTE --><ACTE "),
]


@pytest.fixture(scope="module")
def document() -> DocumentType:
    known = catalog.load([SCHEMAS]).recognise("{http://tempuri.org/DP_DENTI.xsd}DP_RACIN")
    assert known is not None
    return known


@pytest.fixture(autouse=True)
def learned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_FIRST", 0)


@pytest.fixture
def flat(document: DocumentType) -> Flat:
    made = plan_for(document).flat()
    assert made is not None
    return made


def texts() -> Sequence[str]:
    """The invoices of the samples, as they are written; not those with their attributes in another order."""
    found = [one for sample in SAMPLES for one in re.findall(r"<DP .*?</DP>", sample.read_text("utf-8"), re.DOTALL)]
    return [one for one in found if not re.search("AUTOR=.*ADMIS=", one)]


def block(chance: random.Random) -> str:
    """Invoices one after the other, some of them written otherwise."""
    parts = [chance.choice(texts()) for _ in range(chance.randint(2, 12))]
    changes = chance.sample(CHANGES, chance.choice([0, 1, 1, 2]))
    everywhere = chance.random() < 0.5
    for old, new in changes:
        if old not in ("/>",) or new == " />":
            parts = [part.replace(old, new) if everywhere or chance.random() < 0.3 else part for part in parts]
        else:
            parts = [re.sub(r"(<ACTE [^>]*)/>", rf"\1{new}", part) for part in parts]
    return chance.choice(["\n", "", "  "]).join(["", *parts])


def said(rows: Sequence[Row]) -> list[object]:
    return [(line, own[0].values(own[1]), [shape.values(got) for shape, got in lines]) for line, own, lines in rows]


def test_columns_hold_what_the_elements_hold(flat: Flat) -> None:
    chance, read = random.Random(SEED), 0
    for _ in range(TRIES):
        templates = Templates(flat._by_name, flat._invoice, flat.shapes)
        for _ in range(4):
            text = block(chance)
            columns = templates.read(text, 1, learn=True)
            if columns is not None:
                read += 1
                assert said(columns) == said(flat.take(xmlsafe.parse(f"<l>{text}</l>".encode()), {"DP"}) or ()), text
    assert read > TRIES


def test_what_no_template_matches_to_the_last_character_is_not_read(flat: Flat) -> None:
    chance = random.Random(SEED)
    templates = Templates(flat._by_name, flat._invoice, flat.shapes)
    whole = "\n".join(texts())
    assert templates.read(whole, 1, learn=True) is not None
    for put in ("x", "<!-- -->", "<ACTE/>", "</DP>", "\0", "&#32;"):
        at = chance.choice([found.start() for found in re.finditer("<", whole)])
        assert templates.read(whole[:at] + put + whole[at:], 1, learn=False) is None


def test_columns_are_sure_of_nothing_that_a_rule_is_not_sure_of(document: DocumentType, flat: Flat) -> None:
    """Each place where `sure` says no is among those of `unsure`, whatever the values."""
    chance = random.Random(SEED)
    checks = [check for check in plan_for(document).rules.on(date(2018, 3, 1)).open().checks if check.unsure]
    seen = dict.fromkeys([check.rule.code for check in checks], 0)
    for _ in range(TRIES):
        rows = columns(flat, chance)
        days = [chance.choice([date(2018, 1, 17), date(1999, 12, 31), None]) for _ in rows]
        for check in checks:
            assert check.sure is not None
            asked = [p for p, row in enumerate(rows) if check.may_be_about({*row[1][0].fields, "code"})]
            wrong = {p for p in asked if not sweep._is_sure(check, rows[p], days[p])}
            assert wrong <= set(sweep._unsure(check, rows, days)), check.rule.code
            seen[check.rule.code] += bool(wrong)
    assert len(seen) >= 8
    assert all(seen.values()), seen


def test_a_rule_that_covers_another_is_sure_of_nothing_that_the_other_is_not(
    document: DocumentType, flat: Flat
) -> None:
    chance = random.Random(SEED)
    checks = plan_for(document).rules.on(date(2018, 3, 1)).open().checks
    pairs = [(one, other) for one in checks for other in checks if other.rule.function in one.covers]
    assert len(pairs) == 2
    sure = dict.fromkeys(range(len(pairs)), 0)
    for _ in range(TRIES):
        rows = columns(flat, chance)
        days = [chance.choice([date(2018, 1, 17), date(1999, 12, 31), None]) for _ in rows]
        for number, (one, other) in enumerate(pairs):
            mine = [place for place, row in enumerate(rows) if sweep._is_sure(one, row, days[place])]
            assert all(sweep._is_sure(other, rows[place], days[place]) for place in mine), other.rule.code
            assert set(sweep._unsure(other, rows, days)) <= set(sweep._unsure(one, rows, days)), other.rule.code
            sure[number] += len(mine)
    assert min(sure.values()) > TRIES


def test_a_rule_holds_for_an_invoice_where_it_does_by_each_of_its_lines(document: DocumentType, flat: Flat) -> None:
    chance = random.Random(SEED)
    (check,) = [check for check in plan_for(document).rules.on(date(2018, 3, 1)).open().checks if check.each]
    held = [0, 0]
    for row in [row for _ in range(TRIES) for row in columns(flat, chance)]:
        _, (shape, got), lines = row
        below = [one.values(values) for one, values in lines]
        each = check.each is not None and all(check.each.holds(Facts(document, line)) for line in below)
        assert check.holds(Facts(document, shape.values(got), {}, below)) or not each
        held[each] += 1
    assert min(held) > TRIES


def columns(flat: Flat, chance: random.Random) -> Columns:
    """Columns with values that many rules do not like."""
    size = chance.randint(1, 9)
    counts = [chance.choice([1, 1, 2, 3]) for _ in range(size)]

    def some(values: Sequence[str | None], number: int) -> list[str | None]:
        return [chance.choice(values) for _ in range(number)]

    day = (date(2018, 1, 1) + timedelta(chance.randrange(365))).strftime("%j")
    own = {
        "nam": ["CLOE77540694", "CLOE77540693", "CART63570237", "ABCD00022912", "ABCD01023012", "éé", None],
        "born": ["19770406", "19630702", "20000229", "", None],
        "sex": ["F", "M", None],
        "amount": ["020790", "100", "0", "1_0", "", None],
        "attestation": ["8017001", f"8{day}000", None],
        "card_expiry": ["1801", "1712", "9912", "", None],
    }
    below = {
        "code": ["01100", "51900", "21211", None],
        "tooth": ["11", "12", None],
        "role": ["1", "2"],
        "amount": ["100", "020790", "0", None, "x"] if chance.random() < 0.3 else ["50", "100", "020690"],
    }
    if chance.random() < 0.5:
        own |= {"nam": own["nam"][:3], "born": own["born"][:3], "sex": ["F", "M"], "amount": own["amount"][:3]}
    lines = sum(counts)
    return Columns(
        [1] * size,
        {name: some(values, size) for name, values in own.items() if chance.random() < 0.95},
        {name: some(values, lines) for name, values in below.items() if chance.random() < 0.95},
        counts,
        flat.shapes,
    )


def test_lots_in_columns_are_judged_as_invoice_by_invoice(
    document: DocumentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of documents written as the old system's software writes them, with values that rules do not like."""
    chance, used = random.Random(SEED), 0
    really = Templates.read

    def noted(self: Templates, text: str, line: int, *, learn: bool) -> Columns | None:
        nonlocal used
        found = really(self, text, line, learn=learn)
        used += found is not None
        return found

    monkeypatch.setattr(Templates, "read", noted)
    known = catalog.load([SCHEMAS])
    for _ in range(TRIES // 5):
        monkeypatch.setattr(cut, "BLOCK", chance.choice([1500, 4000]))
        data = lot(chance)
        agree(both_ways(data, known, monkeypatch, on=chance.choice([None, date(2018, 2, 20)])), data)
    assert used > TRIES


def lot(chance: random.Random) -> bytes:
    """A document whose invoices differ from the samples' by their values, some of them wrong."""
    invoices = []
    for number in range(chance.randint(8, 60)):
        one = re.sub(r'NCE="\d*"', f'NCE="{chance.choice([number, number, 1]) % 10_000:04d}"', chance.choice(texts()))
        for _ in range(chance.random() < 0.1):
            name, value = chance.choice(re.findall(r'([A-Z_]+)="([^"]*)"', one))
            digit = chance.choice("0123456789X")
            other = value[: chance.randrange(len(value) + 1)] + digit + value[chance.randrange(len(value) + 1) :]
            one = one.replace(f'{name}="{value}"', f'{name}="{other}"', 1)
        invoices.append(one)
    root = '<d:DP_RACIN xmlns:d="http://tempuri.org/DP_DENTI.xsd">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n{chr(10).join(invoices)}\n</d:DP_RACIN>'.encode()


def test_an_empty_number_is_another_one_than_the_document_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "BLOCK", 3000)
    known = catalog.load([SCHEMAS])
    whole = repeated(known, SAMPLES[0], 60, random.Random(SEED)) or b""
    parts = whole.split(b'TRNSM="18003"')
    data = b'TRNSM="18003"'.join(parts[:30]) + b'TRNSM=""' + b'TRNSM=""'.join(parts[30:])
    ways = both_ways(data, known, monkeypatch)
    agree(ways, data)
    assert [f["code"] for f in ways[0][0]["findings"]].count("TRANSMISSION_NUMBER_DIFFERS") > 20
