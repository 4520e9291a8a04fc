"""A wrong value that is met again where libxml2 refused it is told like the first time, and libxml2 is not asked."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from support.family import document, invoice
from test_validation_certain import DP, SCHEMAS, numbered
from test_validation_quick import agree, both_ways, learn_at_once, repeated, seen

from gateway import catalog
from gateway.catalog import Catalog
from gateway.validation import cut, opening, refused

TRIES = 30  # raise it and change the seed to look further
SEED = 1
WRONG = ["", " ", "x", "0", "9", "66", "000000000000", "é", "2024-02-30", "-1", "1.5", "a" * 70]


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


@pytest.fixture
def own(tmp_path: Path) -> Catalog:
    """A family in which nothing is compared, whose values are texts."""
    return numbered(tmp_path, schema=lambda text: re.sub("<xs:unique.*?</xs:unique>", "", text, flags=re.DOTALL))


@pytest.fixture(autouse=True)
def in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    learn_at_once(monkeypatch)
    monkeypatch.setattr(cut, "BLOCK", 3000)


def told_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on, how many invoices of each block are known to be wrong without libxml2."""
    went: list[int] = []
    really = opening.Opening.open

    def noted(self: opening.Opening, data: bytes) -> object:
        chunk = really(self, data)
        went.append(len(chunk.likewise) if chunk is not None else 0)
        return chunk

    monkeypatch.setattr(opening.Opening, "open", noted)
    return went


def of_lots(*, wrong: int, what: Callable[[int], dict[str, str]], line: Callable[[int], str] = str) -> bytes:
    """400 invoices of one to three lines; of every nth invoice something is wrong."""
    made = []
    for n in range(400):
        bad = n > 20 and n % wrong == 0
        lines = [f"<ligne><n>{line(n) if bad and k == n % 3 else k}</n></ligne>" for k in range(1 + n % 3)]
        made.append(invoice(n, **({"rest": "".join(lines)} | (what(n) if bad else {}))))
    return document(*made).encode()


@pytest.mark.parametrize("wrong", [1, 2, 10])
@pytest.mark.parametrize(
    ("value", "instead"),
    [(b'(?<=<DP )CHN="06"', b'CHN="66"'), (b'ROLE="1"', b'ROLE="7"'), (b' SEXE="F"', b' SEXE="?"')],
)
def test_a_value_refused_once_is_refused_again_without_asking(
    value: bytes, instead: bytes, wrong: int, known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = repeated(known, DP, 300, random.Random(SEED)) or b""
    number = 0

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal number
        number += 1
        return instead if number % wrong == 0 else found[0]

    data = re.sub(value, put, whole)
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, known, patch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] > 20
    assert sum(number > 0 for number in went) > len(went) / 3


@pytest.mark.parametrize(
    "what",
    [
        {"sexe": "X"},
        {"date": "2024-02-30"},
        {"nom": "a" * 21},
        {"prof": "1"},
        {"montant": "abc"},
        {"sexe": ""},
    ],
)
@pytest.mark.parametrize("wrong", [1, 7])
def test_a_text_refused_once_is_refused_again(
    what: dict[str, str], wrong: int, own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = of_lots(wrong=wrong, what=lambda _: what)
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, own, patch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] >= 50
    assert sum(went) > 25


def test_a_text_of_a_line_is_told_on_that_line(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    data = of_lots(wrong=2, what=lambda _: {}, line=lambda _: "x")
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, own, patch)
    agree(ways, data)
    paths = {re.sub(r".*/ligne", "", f["path"]) for f in ways[0][0]["findings"] if f["code"] == "SCHEMA_VALUE"}
    assert paths == {"/n", "[2]/n", "[3]/n"}
    assert sum(went) > 50


def test_two_wrong_values_of_one_invoice_are_both_told(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    several = {"date": "hier", "sexe": "X", "montant": "y"}
    data = of_lots(wrong=3, what=lambda n: several if 100 < n < 200 and n % 2 else {"sexe": "X"})
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, own, patch)
    agree(ways, data)
    assert ways[0][0]["findings_total"] > ways[0][0]["invalid_invoices"] > 100
    assert any(went)


def test_values_that_are_each_wrong_in_their_own_way_are_judged(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "_MOST", 10)
    data = of_lots(wrong=2, what=lambda n: {"date": f"jour {n}"})
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, own, patch)
    agree(ways, data)
    assert not any(went)


def test_wrong_values_in_any_places_are_judged_the_same_both_ways(
    known: Catalog, own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED)
    of_dp = repeated(known, DP, 120, chance) or b""
    of_own = of_lots(wrong=1000, what=lambda _: {})
    went = told_again(monkeypatch)
    for n in range(TRIES):
        families, whole = (known, of_dp) if n % 2 else (own, of_own)
        data = spoiled(whole, chance)
        agree(both_ways(data, families, monkeypatch), data)
    assert sum(number > 0 for number in went) > 5 * TRIES


def spoiled(whole: bytes, chance: random.Random) -> bytes:
    """A few names whose values are wrong in some of the places where they stand, each with a few wrong values."""
    names = sorted(set(re.findall(rb'(?: (\w+)="[^"<>]*"|<(\w+)>[^<>]*</)', whole[len(whole) // 3 :])))
    for attribute, element in chance.sample(names, chance.choice([1, 1, 2])):
        wrong: Sequence[str] = chance.sample(WRONG, chance.choice([1, 1, 3]))
        often = chance.choice([0.02, 0.3, 1.0])
        begins = rb' %s="' % attribute if attribute else b"<%s>" % element

        def put(found: re.Match[bytes], *, often: float = often, wrong: Sequence[str] = wrong) -> bytes:
            return found[1] + chance.choice(wrong).encode() if chance.random() < often else found[0]

        third = len(whole) // 3
        whole = whole[:third] + re.sub(rb'(%s)[^"<>]*(?=["<])' % begins, put, whole[third:])
    return whole


def test_wrong_invoices_are_found_among_others_on_their_lines(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    data = of_lots(wrong=30, what=lambda _: {"sexe": "X"}).replace(b"</ligne>", b"</ligne>\n")
    with monkeypatch.context() as patch:
        went = told_again(patch)
        ways = both_ways(data, own, patch)
        other = data.replace(b"</envoi>", b"</envoi >")
        agree(both_ways(other, own, patch), other)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] > 10
    assert any(went)


# -- what a reader found --

LINE = "<ligne><n>1</n></ligne>"


def empty_sex(number: int, **own: str) -> str:
    return invoice(number, rest=LINE, **own).replace("<sexe>F</sexe>", "<sexe/>")


def test_an_empty_element_is_not_taken_for_right_where_another_value_is_wrong(
    own: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [invoice(n, rest=LINE) for n in range(300)]
    made += [empty_sex(n, date="hier") for n in range(300)] + [empty_sex(n) for n in range(300)]
    data = document(*made).encode()
    ways = both_ways(data, own, monkeypatch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] == 600


def test_a_right_value_is_not_blamed_for_a_wrong_one_beside_it(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A date with a time zone is right, but not certainly so."""
    made = [invoice(n, rest=LINE) for n in range(200)]
    made += [invoice(n, date="2024-03-01Z", rest="<ligne><n/></ligne>") for n in range(300)]
    made += [invoice(n, date="2024-03-01Z", rest=LINE) for n in range(300)]
    data = document(*made).encode()
    ways = both_ways(data, own, monkeypatch)
    agree(ways, data)
    assert ways[0][0]["invalid_invoices"] == 300


def test_what_is_remembered_holds_no_element(own: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """An element keeps its whole block in memory."""
    kept: list[refused.Refused] = []
    really = refused.Refused.learn

    def noted(self: refused.Refused, *rest: Any) -> None:
        really(self, *rest)
        kept.append(self)

    monkeypatch.setattr(refused.Refused, "learn", noted)
    seen(of_lots(wrong=2, what=lambda _: {"sexe": "X"}), own)
    refusals = [refusal for one in kept for there in one._known.values() for refusal in there.values()]
    remembered = [wrong for refusal in refusals for wrong in refusal.of_invoice]
    assert remembered
    assert not any(isinstance(arg, etree._Element) for wrong in remembered for arg in wrong.find.args)


def test_a_long_value_is_cut_the_same_way_wherever_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is right or not: the schema here sets numbers no limit."""

    def endless(text: str) -> str:
        text = re.sub("<xs:unique.*?</xs:unique>", "", text, flags=re.DOTALL)
        return text.replace('<xs:element name="no" type="code"/>', '<xs:element name="no" type="xs:string"/>')

    known = numbered(tmp_path, schema=endless)
    for length in (250, 256, 257, 300):
        made = [invoice(n, rest=LINE).replace(f"<no>{n}</no>", f"<no>{'b' * length}</no>") for n in range(200)]
        made[100:150] = [one.replace("<sexe>F<", "<sexe>X<") for one in made[100:150]]
        data = document(*made).encode()
        ways = both_ways(data, known, monkeypatch)
        agree(ways, data)
        assert {len(index.number or "") for index in ways[0][1]} == {min(length, 256)}
