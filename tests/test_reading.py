"""Reading: what a payer's documents say, exactly, and which ones cannot be read."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from gateway import catalog, xmlsafe
from gateway.catalog import Catalog
from gateway.reading import (
    Document,
    PayerError,
    Receivability,
    StatementOfAccount,
    Unreadable,
    read,
    reply_disagrees,
    same_result,
    statement_disagrees,
)
from gateway.reading.fields import to_cents
from gateway.resources import data_dir

SCHEMAS = data_dir("schemas")
READABLE = {"reply": Receivability, "statement": StatementOfAccount, "error": PayerError}


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load([SCHEMAS])


def opened(known: Catalog, data: str) -> Document:
    _, root = next(xmlsafe.events(io.BytesIO(data.encode()), wanted=("start",)))
    document = known.recognise(root.tag)
    assert document is not None
    return read(io.BytesIO(data.encode()), document)


def sample(name: str) -> str:
    (file,) = SCHEMAS.glob(f"*/samples/{name}.xml")
    return file.read_text("utf-8")


def returned(pattern: str) -> list[Path]:
    files = [*SCHEMAS.glob(f"*/samples/{pattern}_*.xml")]
    return [file for file in files if "_recev" in file.name or file.parent.parent.name == "etat-compte"]


@pytest.mark.parametrize("file", returned("valid"), ids=lambda file: file.stem)
def test_every_valid_sample_is_read_and_agrees_with_itself(known: Catalog, file: Path) -> None:
    content = opened(known, file.read_text("utf-8"))
    assert isinstance(content, (Receivability, StatementOfAccount, PayerError))
    if isinstance(content, Receivability):
        assert reply_disagrees(content) is None
    if isinstance(content, StatementOfAccount):
        assert statement_disagrees(content) is None


@pytest.mark.parametrize("file", returned("rule_STATEMENT_TOTALS"), ids=lambda file: file.stem)
def test_a_statement_whose_sums_are_off_disagrees(known: Catalog, file: Path) -> None:
    content = opened(known, file.read_text("utf-8"))
    assert isinstance(content, StatementOfAccount)
    assert statement_disagrees(content) == "statement_sums"


def test_a_statement_is_read_to_the_cent(known: Catalog) -> None:
    content = opened(known, sample("valid_etat_compte_personal_account"))
    assert isinstance(content, StatementOfAccount)
    assert (content.number, content.dated, content.period) == ("EC-2026-000101", date(2026, 10, 8), "202621")
    assert (content.sender, content.account, content.system) == ("18001", "personal:231234", "RFP")
    assert (content.paid_cents, content.withheld_cents, content.carried_in_cents) == (11600, 540, 1200)
    assert (content.carried_out_cents, content.total_cents, content.declared_entries) == (0, 10940, 5)
    assert [entry.paid_cents for entry in content.entries] == [4500, 7440, 0, 0, -1000]
    assert [entry.kind for entry in content.entries] == ["PAIE", "MODIF", "REFUS", "COUR", "AJUST"]
    assert content.entries[1].messages[0].code == "9951"
    assert content.entries[4].payer_number is None


def test_what_entries_have_in_common_is_kept_once(known: Catalog) -> None:
    """A statement of 100,000 entries has a few kinds, codes and days."""
    first, second = (opened(known, sample("valid_etat_compte_personal_account")) for _ in range(2))
    assert isinstance(first, StatementOfAccount)
    assert isinstance(second, StatementOfAccount)
    for one, other in zip(first.entries, second.entries, strict=True):
        assert all(getattr(one, name) is getattr(other, name) for name in ("kind", "code", "service"))
        assert [m.text for m in one.messages if m.text] == [m.text for m in other.messages if m.text]


def test_a_collective_account_is_called_by_its_administrative_number(known: Catalog) -> None:
    content = opened(known, sample("valid_etat_compte_collective_account"))
    assert isinstance(content, StatementOfAccount)
    assert content.account.startswith("admin:")


def test_preliminary_amounts_are_those_of_receivable_lines(known: Catalog) -> None:
    content = opened(known, sample("valid_dp_racin_recev_partly_receivable"))
    assert isinstance(content, Receivability)
    assert [invoice.preliminary_cents for invoice in content.invoices] == [5850, None]
    assert content.invoices[1].messages[0].code == "956"
    assert content.request_number == "DP-0123456789abcdef"


def test_verdicts_alone_tell_whether_two_replies_say_the_same(known: Catalog) -> None:
    text = sample("valid_dp_racin_recev_partly_receivable")
    first, other = opened(known, text), opened(known, text.replace("58.50", "58.51"))
    reworded = opened(known, text.replace("fictif", "autrement dit"))
    assert isinstance(first, Receivability)
    assert isinstance(other, Receivability)
    assert isinstance(reworded, Receivability)
    assert same_result(first, reworded)
    assert not same_result(first, other)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_well_formed"),
        (b"maintenance", "not_well_formed"),
        (b"<!DOCTYPE a><a/>", "doctype"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "doctype"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', "doctype"),
    ],
)
def test_what_begins_no_document_is_unreadable(known: Catalog, data: bytes, reason: str) -> None:
    found = read(io.BytesIO(data), known.document("etat-compte", "etat_compte"))
    assert isinstance(found, Unreadable)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("</total>", "", "not_well_formed"),
        ("116.00", "116.001", "value"),
        ("116.00", "NaN", "value"),
        ("116.00", "Infinity", "value"),
        ("2026-10-08", "2026-13-08", "value"),
        ("<mnt_total>109.40</mnt_total>", "", "value"),
        ("<nb_entree>5", "<nb_entree>five", "value"),
    ],
)
def test_a_damaged_statement_is_unreadable_and_never_half_read(known: Catalog, old: str, new: str, reason: str) -> None:
    content = opened(known, sample("valid_etat_compte_personal_account").replace(old, new))
    assert isinstance(content, Unreadable)
    assert content.reason == reason


def test_a_doctype_inside_is_never_read(known: Catalog) -> None:
    document = known.document("etat-compte", "etat_compte")
    text = '<!DOCTYPE x [<!ENTITY e "1">]>' + sample("valid_etat_compte_personal_account").split("?>", 1)[1]
    assert isinstance(read(io.BytesIO(text.encode()), document), Unreadable)


@pytest.mark.parametrize(
    ("text", "money", "cents"),
    [("45.00", "decimal", 4500), ("-10.5", "decimal", -1050), ("004500", "cents", 4500), ("0", "decimal", 0)],
)
def test_amounts_become_cents_exactly(text: str, money: str, cents: int) -> None:
    assert to_cents(text, money) == cents


@pytest.mark.parametrize("text", ["1.005", "1e-3", "NaN", "inf", "", "1,50"])
def test_what_is_no_amount_to_the_cent_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_cents(text, "decimal")
