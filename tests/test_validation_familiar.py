"""A small document written like one before it is judged by its text, and the report is that of every other way."""

from __future__ import annotations

import io
import random
import re
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from support.family import family
from test_validation_agreement import broken
from test_validation_quick import Seen, repeated, seen, slowly, spoiled

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog
from gateway.validation import Limits, cut, familiar, judge, judging
from gateway.validation.ways import ways

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
REQUESTS = [f for f in sorted(SCHEMAS.glob("ramq-*/samples/*.xml")) if not re.search("recev", f.name)]
FEW = SCHEMAS / "ramq-rfp" / "samples" / "valid_dem_paimt_dentist.xml"
TRIES = 120  # raise it and change the seed to look further
SEED = 1


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """Each test begins with nothing learned, and leaves nothing."""
    ways.forget()
    yield
    ways.forget()


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """From now on, whether each document judged was familiar."""
    answers: list[bool] = []
    really = familiar.familiar

    def noted(*given: object) -> object:
        found = really(*given)  # type: ignore[arg-type]
        answers.append(found is not None)
        return found

    monkeypatch.setattr(judging, "familiar", noted)
    return answers


def agree(data: bytes, known: Catalog, monkeypatch: pytest.MonkeyPatch, **options: object) -> Seen:
    """The report, which is that of the slow way."""
    found = seen(data, known, **options)
    assert found == slowly(data, known, monkeypatch, **options), data.decode("utf-8", "replace")
    return found


def plain(sample: Path) -> bytes:
    """A sample without the comment that software does not write."""
    return re.sub(rb"<!--.*?-->\s*", b"", sample.read_bytes(), flags=re.DOTALL)


def like_it(sample: bytes, chance: random.Random) -> bytes:
    """The same document with a digit or a letter changed here and there, in values."""
    changed = bytearray(sample)
    values = [place for found in re.finditer(rb">[^<>]+<|\"[^\"<>]+\"", sample) for place in range(*found.span())]
    for place in chance.sample(values, min(len(values), chance.randint(1, 3))):
        if changed[place : place + 1].isalnum():
            changed[place] = ord(chance.choice("019AZé"[:5]))
    return bytes(changed)


def test_what_is_like_the_document_before_is_known_by_its_text(
    known: Catalog, met: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    for sample in REQUESTS:
        data = plain(sample)
        on = date(2026, 10, 1)
        first = seen(data, known, on=on)
        assert agree(data, known, monkeypatch, on=on) == first, sample.name
    assert sum(met) > 0.6 * len(REQUESTS)


def test_other_values_are_judged_the_same(known: Catalog, met: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED)
    for _ in range(TRIES):
        sample = plain(chance.choice(REQUESTS))
        seen(sample, known)
        agree(like_it(sample, chance), known, monkeypatch)
    assert sum(met) > TRIES / 2


def test_other_numbers_of_invoices_and_spoiled_ones_are_judged_the_same(
    known: Catalog, met: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED + 1)
    for _ in range(TRIES):
        data = repeated(known, chance.choice(REQUESTS), chance.randint(0, 5), chance, chance.choice([0, 0.05, 0.5]))
        if data is not None:
            agree(data, known, monkeypatch)
    assert sum(met) > TRIES / 4


def test_documents_spoiled_anywhere_are_judged_the_same(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoiled ones too are learned from, where they are right all the same."""
    chance = random.Random(SEED + 2)
    for _ in range(TRIES):
        data = repeated(known, chance.choice(REQUESTS), chance.randint(0, 3), chance)
        if data is None:
            continue
        if chance.random() < 0.5:
            root = xmlsafe.parse(data)
            broken(root, chance)
            data = etree.tostring(root, encoding="UTF-8", xml_declaration=chance.random() < 0.5)
        else:
            data = spoiled(data, chance)
        agree(data, known, monkeypatch)
        agree(like_it(data, chance), known, monkeypatch)


def few(change: Callable[[str], str] = lambda text: text) -> bytes:
    """A right document, changed."""
    return change(plain(FEW).decode()).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<?xml", "<?xml ").replace("<?xml  ", "<?xml\t", 1),
        lambda text: text[:-1] + "<!-- x -->" + text[-1:],
        lambda text: text + "<!-- x -->",
        lambda text: text.replace("<liste_fact>", "<liste_fact><!-- x -->"),
        lambda text: text.replace("<liste_fact>", "<liste_fact> "),
        lambda text: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>', 1),
        lambda text: text.replace("</no_fact_ext>", "&amp;</no_fact_ext>"),
        lambda text: text.replace("</no_fact_ext>", "<![CDATA[1]]></no_fact_ext>"),
        lambda text: text.replace("<no_fact_ext>", "<no_fact_ext>\r\n"),
        lambda text: text.replace("<no_fact_ext>", "<no_fact_ext>\0"),
        lambda text: text.replace("<no_fact_ext>", "<no_fact_ext>]]>"),
        lambda text: text.replace("<prof>", '<prof xmlns:q="urn:q">', 1),
        lambda text: text.replace("<prof>", '<prof xmlns="urn:q">', 1),
        lambda text: text.replace("<prof>", '<prof q:type="a">', 1),
        lambda text: text.replace("</prof>", "</prof>x", 1),
        lambda text: text.replace("</prof>", "</prof><intrus/>", 1),
        lambda text: text.replace("</liste_fact>", "</liste_fact><corps/>"),
        lambda text: text.replace("utf-8", "iso-8859-1").replace("UTF-8", "ISO-8859-1"),
        lambda text: text.replace("utf-8", "utf-16").replace("UTF-8", "UTF-16"),
        lambda text: "\ufeff" + text,
        lambda text: " " + text,
        lambda text: text + " " * 40_000,
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("<no_fact_ext>", "<no_fact_ext>" + "9" * 300),
    ],
)
def test_what_only_looks_familiar_is_judged_the_same(
    change: Callable[[str], str], known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(few(), known)
    agree(few(change), known, monkeypatch)
    agree(few(change), known, monkeypatch)  # once something was learned from it, if anything was
    agree(few(), known, monkeypatch)


def test_bytes_that_are_no_utf_8_are_refused_though_familiar(known: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(few(), known)
    agree(few().replace(b"<no_fact_ext>", b"<no_fact_ext>\xff", 1), known, monkeypatch)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(document_bytes=200),
        Limits(prolog_bytes=16),
        Limits(part_bytes=100),
        Limits(elements=5),
        Limits(depth=2),
        Limits(attributes=0),
        Limits(attributes_together=1),
        Limits(namespaces=0),
        Limits(head_bytes=10),
        Limits(invoices=2),
        Limits(beside=1),
    ],
)
def test_a_familiar_document_keeps_to_other_limits_too(
    limits: Limits, known: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(few(), known)
    agree(few(), known, monkeypatch, limits=limits)
    agree(few(), known, monkeypatch, limits=limits)


def test_another_catalog_does_not_know_what_one_has_learned(
    known: Catalog, met: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(few(), known)
    for other in (family(tmp_path / "other"), Catalog([])):
        assert seen(few(), other)[0]["findings"][0]["code"] == "UNKNOWN_DOCUMENT"
    assert met == [False, False, False]


def test_no_value_of_a_document_is_learned(known: Catalog, met: list[bool]) -> None:
    for sample in REQUESTS:
        seen(plain(sample), known)
    texts = [plain(sample).decode() for sample in REQUESTS]
    values = set(re.findall(r">([^<>\s][^<>]{4,})<", "".join(texts)))
    assert len(values) > 50
    kept = "".join(way.around.begins.pattern + way.around.ends for way in ways.known)
    assert "no_dem_ext" in kept
    assert not [value for value in values if value in kept]


def test_only_so_many_ways_are_learned_and_only_while_it_pays(known: Catalog) -> None:
    for number in range(60):
        seen(few(lambda text, n=number: text.replace("<liste_fact>", "<liste_fact>" + " " * n)), known)  # type: ignore[misc]
    assert len(ways.known) == 16
    before = tuple(ways.known)
    seen(few(lambda text: text.replace("<liste_fact>", "<liste_fact>\n\n")), known)
    assert tuple(ways.known) == before


def test_what_one_thread_has_learned_another_does_not_know(known: Catalog, met: list[bool]) -> None:
    seen(few(), known)
    other = threading.Thread(target=seen, args=(few(), known))
    other.start()
    other.join()
    seen(few(), known)
    assert met == [False, False, True]


def test_a_stream_that_gives_little_at_a_time_is_judged_whole(known: Catalog) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size, 7) if size and size > 0 else size)

    seen(few(), known)
    data = few() + b"<!-- and more -->" * 2000
    assert len(data) > cut.BLOCK
    report = judge(Slow(data), "a.xml", known)
    assert (report.invoices, report.verdict) == (2, "valid")
