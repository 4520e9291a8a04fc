"""What the sandbox answers: receivable or not, per request, invoice and line; repeats, modifications, cancellations."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from support.sandbox import (
    INVOICE,
    INVOICE_CODES,
    LINE,
    UNPRICED,
    cancellation,
    catalog,
    drop,
    ids,
    invoice,
    modification,
    old,
    old_name,
    payment,
    price,
    says,
    texts,
    zipped,
)

from gateway.clock import FixedClock
from gateway.sandbox import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    sandbox = Sandbox(tmp_path / "payer", catalog(), FixedClock(datetime(2026, 6, 1, 12, tzinfo=UTC)))
    sandbox.add("18001")
    return sandbox


def answer(sandbox: Sandbox, name: str, data: bytes, number: str = "18001") -> etree._Element:
    reply = drop(sandbox, name, data, number)
    assert reply is not None
    return reply


def test_a_priced_invoice_is_receivable_with_number_token_amount_and_explanation(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1", ["01100", "21211"])))
    assert etree.QName(reply).localname == "dem_paimt_recev"
    assert (texts(reply, "no_dem_ext"), texts(reply, "sta_recev"), says(reply)) == (["D-1"], ["1"], [])
    assert texts(reply, *INVOICE, "no_fact_ext") == ["F-1"]
    [(payer_number, token)] = ids(reply)
    assert (len(payer_number), len(token)) == (11, 8)
    assert (payer_number + token).isdigit()
    expected = [f"{price('ramq-rfp', code) / 100:.2f}" for code in ("01100", "21211")]
    assert texts(reply, *LINE, "mnt_prel") == expected
    assert all(texts(reply, *LINE, "formu_expl"))


def test_an_assistant_gets_half(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1", role="4")))
    assert texts(reply, *LINE, "mnt_prel") == [f"{price('ramq-rfp', '01100') / 200:.2f}"]


def test_a_code_off_the_list_fails_its_line_only(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1", ["01100", UNPRICED])))
    assert texts(reply, *INVOICE, "sta_recev") == ["1"]
    assert texts(reply, *LINE, "sta_recev") == ["1", "2"]
    assert texts(reply, *LINE, "liste_msg_expl_recev", "msg_expl_recev", "cod_msg_expl_recev") == ["9901"]


def test_a_request_is_receivable_when_one_invoice_is(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), invoice("F-2", [UNPRICED])))
    assert texts(reply, "sta_recev") == ["1"]
    assert texts(reply, *INVOICE, "sta_recev") == ["1", "2"]
    assert len(ids(reply)) == 1


def test_a_request_without_a_receivable_invoice_says_1056(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1", [UNPRICED])))
    assert (texts(reply, "sta_recev"), says(reply), ids(reply)) == (["2"], ["1056"], [])


def test_the_dispensing_professional_must_be_the_requester(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), invoice("F-2", practice="231235")))
    assert texts(reply, *INVOICE, "sta_recev") == ["1", "2"]
    assert texts(reply, *INVOICE_CODES) == ["1081"]


def test_the_sender_named_in_the_document_must_be_the_depositor(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), sender="18002"))
    assert (texts(reply, "sta_recev"), texts(reply, *INVOICE_CODES)) == (["2"], ["9904"])


def test_no_sender_is_well_for_a_solo_agency(sandbox: Sandbox) -> None:
    assert texts(answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), sender=None)), "sta_recev") == ["1"]


def test_an_account_of_another_number_is_not_receivable(sandbox: Sandbox) -> None:
    sandbox.add("18001", ["admin:12345"])
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), account="12345"))
    assert texts(reply, "sta_recev") == ["1"]
    reply = answer(sandbox, "D-2.xml", payment("D-2", invoice("F-2")))
    assert texts(reply, *INVOICE_CODES) == ["9905"]


def test_an_invoice_number_twice_in_a_request_counts_once(sandbox: Sandbox) -> None:
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), invoice("F-1")))
    assert texts(reply, *INVOICE, "sta_recev") == ["1", "2"]


def test_a_repeated_request_gets_the_first_reply_again_with_9012(sandbox: Sandbox) -> None:
    first = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    again = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    other_bytes = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-9", ["21211"])))
    for reply in (again, other_bytes):
        assert (says(reply), texts(reply, "sta_recev")) == (["9012"], ["1"])
        assert ids(reply) == ids(first)
        assert texts(reply, *LINE, "mnt_prel") == texts(first, *LINE, "mnt_prel")
    by_bytes = {d.sha256: (d.times, d.processed) for d in sandbox.journal()}
    assert sorted(by_bytes.values()) == [(1, 0), (2, 1)]


def test_a_known_invoice_number_in_a_new_request_keeps_its_first_number(sandbox: Sandbox) -> None:
    first = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    reply = answer(sandbox, "D-2.xml", payment("D-2", invoice("F-1"), invoice("F-2")))
    assert ids(reply)[0] == ids(first)[0]
    assert ids(reply)[1] != ids(first)[0]
    assert texts(reply, *INVOICE_CODES) == ["9012"]


def test_after_not_receivable_the_same_numbers_are_judged_anew(sandbox: Sandbox) -> None:
    answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1", [UNPRICED])))
    reply = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    assert (texts(reply, "sta_recev"), says(reply)) == (["1"], [])


def test_another_sender_may_use_the_same_numbers(sandbox: Sandbox) -> None:
    sandbox.add("18002")
    first = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1")))
    other = answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"), sender="18002"), "18002")
    assert (texts(other, "sta_recev"), says(other)) == (["1"], [])
    assert ids(other) != ids(first)


def test_a_modification_needs_the_token_and_gives_a_new_one(sandbox: Sandbox) -> None:
    [(number, token)] = ids(answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"))))
    wrong = answer(sandbox, "M-1.xml", modification("M-1", number, "00000000", invoice("F-1", ["21211"])))
    assert etree.QName(wrong).localname == "dem_modif_recev"
    assert (texts(wrong, "sta_recev"), texts(wrong, *INVOICE_CODES)) == (["2"], ["9903"])
    right = answer(sandbox, "M-2.xml", modification("M-2", number, token, invoice("F-1", ["21211"])))
    [(same, new_token)] = ids(right)
    assert (same, texts(right, "sta_recev")) == (number, ["1"])
    assert new_token != token
    assert texts(right, *LINE, "mnt_prel") == [f"{price('ramq-rfp', '21211') / 100:.2f}"]
    stale = answer(sandbox, "M-3.xml", modification("M-3", number, token, invoice("F-1")))
    assert texts(stale, "sta_recev") == ["2"]
    again = answer(sandbox, "M-2.xml", modification("M-2", number, token, invoice("F-1", ["21211"])))
    assert (ids(again), says(again)) == (ids(right), ["9012"])


def test_nobody_modifies_another_senders_invoice(sandbox: Sandbox) -> None:
    sandbox.add("18002")
    [(number, token)] = ids(answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"))))
    theirs = cancellation("A-1", (number, token)).replace(b"<id_intvn>18001<", b"<id_intvn>18002<")
    assert texts(answer(sandbox, "A-1.xml", theirs, "18002"), "sta_recev") == ["2"]


def test_a_cancelled_invoice_is_gone_and_its_number_free(sandbox: Sandbox) -> None:
    [(number, token)] = ids(answer(sandbox, "D-1.xml", payment("D-1", invoice("F-1"))))
    reply = answer(sandbox, "A-1.xml", cancellation("A-1", (number, token), ("70000009999", "12345678")))
    assert etree.QName(reply).localname == "dem_annu_recev"
    assert texts(reply, "sta_recev") == ["1"]
    assert texts(reply, *INVOICE, "sta_recev") == ["1", "2"]
    assert ids(reply)[0] == (number, token)
    after = answer(sandbox, "A-2.xml", cancellation("A-2", (number, token)))
    assert (texts(after, "sta_recev"), says(after)) == (["2"], ["1056"])
    anew = answer(sandbox, "D-2.xml", payment("D-2", invoice("F-1")))
    assert ids(anew)[0][0] != number


def test_an_old_document_is_answered_per_invoice(sandbox: Sandbox) -> None:
    xml = old("170105", "180331")
    reply = answer(sandbox, f"{old_name(xml)}.zip", zipped(xml))
    assert etree.QName(reply).localname == "dp_racin_recev"
    assert (texts(reply, "no_dem_ext"), texts(reply, "sta_recev")) == ([old_name(xml)], ["1"])
    assert texts(reply, *INVOICE, "no_fact_ext") == ["18001-8001001-0001", "18001-8001001-0002"]
    assert texts(reply, *INVOICE, "mnt_prel") == ["30.00", "30.00"]


def test_old_services_from_april_2018_on_are_refused_with_956(sandbox: Sandbox) -> None:
    xml = old("180331", "180401")
    reply = answer(sandbox, f"{old_name(xml)}.zip", zipped(xml))
    assert (texts(reply, *INVOICE, "sta_recev"), texts(reply, *INVOICE_CODES)) == (["1", "2"], ["956"])
    late = old("180402", first=7)
    assert texts(answer(sandbox, f"{old_name(late)}.zip", zipped(late)), "sta_recev") == ["2"]


def test_the_same_old_bytes_get_the_first_reply_whatever_the_file_is_called(sandbox: Sandbox) -> None:
    xml = old("170105")
    first = answer(sandbox, f"{old_name(xml)}.zip", zipped(xml))
    again = answer(sandbox, "DP-0000000000000000.zip", zipped(xml))
    assert etree.tostring(first) == etree.tostring(again)


def test_old_bytes_that_claim_to_be_utf_16_are_read(sandbox: Sandbox) -> None:
    xml = old("170105").replace(b'version="1.0"', b'version="1.0" encoding="utf-16"')
    assert texts(answer(sandbox, f"{old_name(xml)}.zip", zipped(xml)), "sta_recev") == ["1"]


@pytest.mark.parametrize(
    ("name", "data", "number"),
    [
        ("D-7.xml", b"<dem_paimt", "D-7"),
        ("D-7.xml", payment("D-8"), "D-7"),
        ("D-7.xml", b'<!DOCTYPE a [<!ENTITY b "c">]>' + payment("D-8", invoice("F-1"))[38:], "D-7"),
        ("D-7.xml", b"<unknown/>", "D-7"),
        ("D-7.xml", b"", "D-7"),
        ("D-7.xml", b"\x00\xff\xfe", "D-7"),
        ("D-7.zip", b"PK\x03\x04nothing", None),
        ("DP-0123456789abcdef.zip", zipped(old("170105"), "b.xml"), "DP-0123456789abcdef"),
        ("DP-0123456789abcdef.zip", zipped(b"<a/>"), "DP-0123456789abcdef"),
        ("D-7.xml", zipped(payment("D-8", invoice("F-1"))), None),
        ("DP-0123456789abcdef.xml", old("170105"), "DP-0123456789abcdef"),
        ("no number here.xml", b"<a/>", None),
    ],
)
def test_what_cannot_be_judged_is_named_by_its_file(
    sandbox: Sandbox, name: str, data: bytes, number: str | None
) -> None:
    reply = answer(sandbox, name, data)
    assert texts(reply, "sta_recev") == ["2"]
    assert says(reply) in (["9902"], ["992"])
    assert texts(reply, "liste_fact_recev") == []
    assert number is None or texts(reply, "no_dem_ext") == [number]
    assert sandbox.journal()[0].processed == 0
