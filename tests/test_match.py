"""Match: whose a reply is, what it changes, and everything doubtful that goes to nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support.returns import Fact, ReturnHouse, parcel, recev, sample, statement

from gateway import messages, stages
from gateway.models import Invoice, Parcel, Reply, Statement, StatementEntry, TransmissionNumber
from gateway.states import RequestState
from gateway.store import status

BOTH = (Fact("F-1", "00000000101", (4500, 9920)), Fact("F-2", "00000000102"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


def held(replies: list[Reply]) -> str | None:
    """Why the one reply is HELD; it is nobody's, and no state of a request moved for it."""
    (reply,) = replies
    assert reply.state == "HELD"
    assert (reply.agency_id, reply.source_id) == (None, None)
    return reply.reason


# -- a reply to a request --


def test_a_reply_that_is_not_valid_rests_with_its_first_finding(house: ReturnHouse) -> None:
    house.transmitted()
    (reply,) = house.answered("D-1.recev.xml", recev("D-1", *BOTH).replace("<sta_recev>1", "<sta_recev>3"))
    with house.store.read() as tx:
        found = status.history(tx, reply.id)[-1].detail["finding"]
    assert (found["code"], found["line"], found["letter"]) == ("SCHEMA_VALUE", 1, None)
    assert "sta_recev" in found["message"]["fr"]


def test_a_receivable_reply_gives_numbers_tokens_and_preliminary_amounts(house: ReturnHouse) -> None:
    request = house.transmitted()
    (reply,) = house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    assert (reply.state, reply.kind, reply.agency_id, reply.source_id) == ("MATCHED", "receivability", "AGE-1", "SRC-1")
    assert (reply.request_id, reply.key) == (request.id, "D-1")
    assert house.now(request).state == "RECEIVABLE"
    first = house.invoice("F-1")
    assert (first.no_fact_ramq, first.jeton_comm, first.preliminary_cents) == ("00000000101", "12345678", 14420)
    assert [s.verdict for s in house.submissions(request)] == ["receivable", "receivable"]
    assert [(x.ordinal, x.number, x.preliminary_cents) for x in house.lines(request)] == [
        (1, 1, 4500),
        (1, 2, 9920),
        (2, 1, 4500),
    ]


def test_a_partly_receivable_request_is_receivable_and_each_invoice_has_its_own_verdict(house: ReturnHouse) -> None:
    request = house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", BOTH[0], Fact("F-2", code="9901")))
    assert house.now(request).state == "RECEIVABLE"
    assert [(s.verdict, s.messages) for s in house.submissions(request)] == [
        ("receivable", []),
        ("not_receivable", ["9901"]),
    ]
    second = house.invoice("F-2")
    assert (second.no_fact_ramq, second.preliminary_cents) == (None, None)


def test_a_request_the_payer_could_not_judge_is_not_receivable_as_a_whole(house: ReturnHouse) -> None:
    request = house.transmitted()
    (reply,) = house.answered("D-1.recev.xml", recev("D-1", code="9902"))
    assert (reply.state, house.now(request).state) == ("MATCHED", "NOT_RECEIVABLE")
    assert {s.verdict for s in house.submissions(request)} == {"not_receivable"}


def test_an_old_system_reply_has_amounts_but_no_payer_number(house: ReturnHouse) -> None:
    text = sample("ramq-dp", "valid_dp_racin_recev_partly_receivable")
    request = house.transmitted(
        "DP-0123456789abcdef",
        ("18003-8045001-0001", "18003-8074001-0002"),
        document="DP_RACIN",
        format="ramq-dp",
        wire_name="DP-0123456789abcdef.zip",
    )
    house.answered("DP-0123456789abcdef.recev.xml", text)
    assert house.now(request).state == "RECEIVABLE"
    assert house.invoice("18003-8045001-0001").preliminary_cents == 5850
    assert house.submissions(request)[1].messages == ["956"]


def test_a_receivable_modification_replaces_the_token_and_says_who_modified(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    change = house.transmitted("M-1", ["F-1"], document="dem_modif", about=[house.invoice("F-1")])
    answer = recev("M-1", Fact("F-1", "00000000101", (5000,), "87654321"), kind="modif")
    assert house.answered("M-1.recev.xml", answer)[0].state == "MATCHED"
    invoice = house.invoice("F-1")
    assert (invoice.jeton_comm, invoice.modified_by, invoice.preliminary_cents) == ("87654321", change.id, 5000)
    assert invoice.no_fact_ramq == "00000000101"


def test_a_modification_that_is_not_receivable_changes_nothing_of_the_invoice(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    change = house.transmitted("M-1", ["F-1"], document="dem_modif", about=[house.invoice("F-1")])
    house.answered("M-1.recev.xml", recev("M-1", Fact("F-1", code="1081"), kind="modif"))
    invoice = house.invoice("F-1")
    assert house.now(change).state == "NOT_RECEIVABLE"
    assert (invoice.jeton_comm, invoice.modified_by) == ("12345678", None)


def test_a_receivable_cancellation_cancels_its_invoices(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    about = [house.invoice("F-1"), house.invoice("F-2")]
    cancel = house.transmitted("A-1", (), document="dem_annu", about=about)
    facts = (Fact(None, "00000000101"), Fact(None, "00000000102", code="9903"))
    house.answered("A-1.recev.xml", recev("A-1", *facts, kind="annu"))
    assert [house.invoice(n).cancelled_by for n in ("F-1", "F-2")] == [cancel.id, None]


def test_the_first_answer_given_again_after_a_time_out_is_the_answer(house: ReturnHouse) -> None:
    request = house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH, code="9012"))
    assert house.now(request).state == "RECEIVABLE"


def test_the_same_result_again_is_put_aside_whatever_its_bytes(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    (again,) = house.answered("D-1.recev.xml", recev("D-1", *BOTH, code="9012"))
    assert (again.state, again.agency_id) == ("DISCARDED", None)


def test_the_same_result_after_a_modification_is_still_the_same_result(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    house.transmitted("M-1", ["F-1"], document="dem_modif", about=[house.invoice("F-1")])
    house.answered("M-1.recev.xml", recev("M-1", Fact("F-1", "00000000101", token="87654321"), kind="modif"))
    (again,) = house.answered("D-1.recev.xml", recev("D-1", *BOTH, code="9012"))
    assert again.state == "DISCARDED"
    assert house.invoice("F-1").jeton_comm == "87654321"


def test_a_contradictory_second_answer_is_held_and_changes_nothing(house: ReturnHouse) -> None:
    request = house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    assert held(house.answered("D-1.recev.xml", recev("D-1", *BOTH[:1], Fact("F-2", code="9901")))) == (
        "reply_contradicts"
    )
    assert house.now(request).state == "RECEIVABLE"
    assert house.invoice("F-2").no_fact_ramq == "00000000102"


def test_numbers_sent_again_after_a_refusal_get_their_own_answer_even_if_it_has_the_same_bytes(
    house: ReturnHouse,
) -> None:
    refusal = recev("D-1", Fact("F-1", code="9901"), Fact("F-2", code="9901"))
    first = house.transmitted()
    house.answered("D-1.recev.xml", refusal)
    second = house.transmitted()
    (reply,) = house.answered("D-1.recev.xml", refusal)
    assert [house.now(r).state for r in (first, second)] == ["NOT_RECEIVABLE", "NOT_RECEIVABLE"]
    assert (reply.state, reply.request_id) == ("MATCHED", second.id)


def test_a_reply_for_a_request_being_transmitted_waits_until_the_lease_ends(house: ReturnHouse) -> None:
    request = house.transmitted(state=RequestState.TRANSMITTING)
    (reply,) = house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    assert reply.state == "RECEIVED"
    assert house.matched().again_in is not None
    house.later(seconds=301)
    house.matched()
    assert (house.now(reply).state, house.now(request).state) == ("MATCHED", "RECEIVABLE")


def test_a_late_reply_ends_the_wait_of_a_held_request(house: ReturnHouse) -> None:
    request = house.transmitted(state=RequestState.HELD)
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    assert (house.now(request).state, house.now(request).holds) == ("RECEIVABLE", [])


def test_a_reply_proves_that_an_attempt_before_arrived(house: ReturnHouse) -> None:
    request = house.transmitted(state=RequestState.READY)
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    assert house.now(request).state == "RECEIVABLE"
    assert house.now(request).transmitted_at == house.clock.now()


def test_a_request_that_was_never_tried_has_no_answer(house: ReturnHouse) -> None:
    request = house.transmitted(state=RequestState.READY, attempts=0)
    assert held(house.answered("D-1.recev.xml", recev("D-1", *BOTH))) == "request_not_sent"
    assert house.now(request).state == "READY"


def test_a_reply_to_nothing_we_know_is_held(house: ReturnHouse) -> None:
    assert held(house.answered("D-9.recev.xml", recev("D-9", *BOTH))) == "request_unknown"


def test_a_reply_fetched_under_another_agencys_number_never_reaches_this_ones_request(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    request = house.transmitted()
    assert held(house.answered("D-1.recev.xml", recev("D-1", *BOTH), number="18002")) == "request_unknown"
    assert house.now(request).state == "TRANSMITTED"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("D-1.recev.xml", recev("D-1", *BOTH, Fact("F-3", "00000000103")), "invoice_unknown"),
        ("D-1.recev.xml", recev("D-1", BOTH[0]), "reply_incomplete"),
        ("D-1.recev.xml", recev("D-1", *BOTH, status=2), "reply_contradicts_itself"),
        ("D-1.recev.xml", recev("D-1", BOTH[0], Fact("F-2", code="9901"), status=2), "reply_contradicts_itself"),
        ("D-1.recev.xml", recev("D-1", BOTH[0], BOTH[0], BOTH[1]), "reply_contradicts_itself"),
        ("D-1.recev.xml", recev("D-1", BOTH[0], kind="modif"), "reply_of_another_kind"),
        ("D-2.recev.xml", recev("D-1", *BOTH), "name_disagrees"),
        ("D-1.recev.xml", recev("D-1", *BOTH).replace("<sta_recev>1", "<sta_recev>3"), "reply_invalid"),
        ("D-1.recev.xml", "<!DOCTYPE x>" + recev("D-1", *BOTH), "reply_invalid"),
        ("D-1.recev.xml", "service unavailable", "reply_invalid"),
        ("D-1.recev.xml", "<html><body>maintenance</body></html>", "reply_invalid"),
        ("D-1.recev.xml", sample("ramq-rfp", "valid_dem_paimt_dentist"), "document_unexpected"),
    ],
)
def test_what_is_doubtful_about_a_reply_is_held(house: ReturnHouse, name: str, text: str, reason: str) -> None:
    request, other = house.transmitted(), house.transmitted("D-2", ["F-9"])
    assert held(house.answered(name, text)) == reason
    assert {house.now(r).state for r in (request, other)} == {"TRANSMITTED"}
    assert house.invoice("F-1").no_fact_ramq is None


def test_a_payer_number_that_another_invoice_has_is_held(house: ReturnHouse) -> None:
    house.transmitted()
    house.answered("D-1.recev.xml", recev("D-1", *BOTH))
    house.transmitted("D-2", ["F-9"])
    assert held(house.answered("D-2.recev.xml", recev("D-2", Fact("F-9", "00000000101")))) == "payer_number_taken"


def test_one_bad_reply_stops_no_other(house: ReturnHouse) -> None:
    house.transmitted()
    house.left("A.recev.xml", "not a document")
    house.left("D-1.recev.xml", recev("D-1", *BOTH))
    house.fetched()
    house.archive.erase(next(r for r in house.all(Parcel) if r.name == "A.recev.xml").id)  # even its bytes are lost
    house.matched()
    assert sorted(reply.state for reply in house.all(Reply)) == ["MATCHED", "RECEIVED"]


def test_lines_of_a_large_reply_are_staged_and_a_killed_staging_leaves_nothing_twice(
    house: ReturnHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stages.match.requests.IN_ONE", 2)
    numbers = [f"F-{n}" for n in range(7)]
    request = house.transmitted("D-1", numbers)
    facts = [Fact(number, f"{n:011}") for n, number in enumerate(numbers)]
    house.answered("D-1.recev.xml", recev("D-1", *facts))
    assert len(house.lines(request)) == 7
    assert house.now(request).state == "RECEIVABLE"


# -- statements --


def test_a_statement_goes_to_the_agency_accredited_for_its_account_on_its_date(house: ReturnHouse) -> None:
    house.transmitted(invoices=["F-0001"])
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-0001", "00000000101")))
    (reply,) = house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    assert (reply.state, reply.kind, reply.key) == ("MATCHED", "statement", "EC-2026-000101")
    assert (reply.agency_id, reply.source_id) == ("AGE-1", "SRC-1")
    (known,) = house.all(Statement)
    assert (known.paid_cents, known.total_cents, known.dated, known.entries) == (11600, 10940, date(2026, 10, 8), 5)
    ours = house.invoice("F-0001").id
    entries = sorted(house.all(StatementEntry), key=lambda entry: entry.position)
    assert [entry.invoice_id for entry in entries] == [ours, ours, None, None, None]
    assert [entry.paid_cents for entry in entries] == [4500, 7440, 0, 0, -1000]


def test_entries_of_another_agencys_invoices_are_not_linked(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    house.transmitted(invoices=["F-0001"], agency="AGE-2", number="D-1")
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    assert {entry.invoice_id for entry in house.all(StatementEntry)} == {None}


def test_a_number_used_again_after_a_refusal_means_the_receivable_invoice(house: ReturnHouse) -> None:
    house.transmitted("D-1", ["F-0001"])
    house.answered("D-1.recev.xml", recev("D-1", Fact("F-0001", code="9901")))
    second = house.transmitted("D-2", ["F-0001"])
    house.answered("D-2.recev.xml", recev("D-2", Fact("F-0001", "00000000777")))
    text = statement().replace("<no_fact_ramq>00000000101</no_fact_ramq>", "")
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=text))
    (ours,) = {entry.invoice_id for entry in house.all(StatementEntry)} - {None}
    assert next(i for i in house.all(Invoice) if i.id == ours).request_id == second.id


def test_the_same_statement_again_is_put_aside_and_other_bytes_are_held(house: ReturnHouse) -> None:
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    (again,) = house.answered("EC_18001_2026-10-08_2.zip", parcel(EC=statement()))
    assert again.state == "DISCARDED"
    other = statement().replace("Montant réduit", "Montant changé")
    assert held(house.answered("EC_18001_2026-10-08_3.zip", parcel(EC=other))) == "statement_contradicts"
    assert len(house.all(Statement)) == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<mnt_verse>116.00", "<mnt_verse>116.01", "statement_sums"),
        ("<mnt_total>109.40", "<mnt_total>109.41", "statement_sums"),
        ("<nb_entree>5", "<nb_entree>6", "statement_sums"),
        ("<no_trnsm>18001", "<no_trnsm>18002", "number_disagrees"),
        ("<id_prof>231234", "<id_prof>239999", "statement_account"),
        ("<dat_etat_compte>2026-10-08", "<dat_etat_compte>2015-10-08", "statement_account"),
        ("<mnt_paie>", "<mnt_paye>", "reply_invalid"),
    ],
)
def test_what_is_doubtful_about_a_statement_is_held(house: ReturnHouse, old: str, new: str, reason: str) -> None:
    house.agency("AGE-2", "18002")
    text = statement().replace(old, new)
    assert held(house.answered("EC_18001_2026-10-08.zip", parcel(EC=text))) == reason
    assert house.all(Statement) == []
    assert house.all(StatementEntry) == []


def test_an_envelope_with_another_number_is_held(house: ReturnHouse) -> None:
    assert held(house.answered("EC_18002_2026-10-08.zip", parcel(EC=statement()))) == "envelope_disagrees"


@pytest.mark.parametrize("number", ["018001", "1800", "18001 ", "１８００１", "180010"])
def test_a_number_that_only_looks_alike_is_another_number(house: ReturnHouse, number: str) -> None:
    assert held(house.answered(f"EC_{number}_2026-10-08.zip", parcel(EC=statement()))) == "envelope_disagrees"
    text = statement().replace("<no_trnsm>18001<", f"<no_trnsm>{number}<")
    (reply,) = house.answered("EC_18001_2026-10-08.zip", parcel(EC=text))
    assert reply.state == "HELD"


def test_a_statement_for_an_account_of_another_agency_reaches_neither(house: ReturnHouse) -> None:
    house.agency("AGE-2", "18002")
    house.account("personal:234567", "AGE-2")
    text = statement().replace("<id_prof>231234", "<id_prof>234567")
    assert held(house.answered("EC_18001_2026-10-08.zip", parcel(EC=text))) == "statement_other_agency"


def test_a_statement_under_a_number_that_changed_hands_since_is_held(house: ReturnHouse) -> None:
    house.agency("AGE-2", None)
    house.number_until("NUM-18001", date(2026, 10, 8))
    house.add(
        TransmissionNumber(
            id="NUM-2",
            payer="sandbox",
            number="18001",
            agency_id="AGE-2",
            valid_from=date(2026, 10, 9),
            recorded_at=house.clock.now(),
        )
    )
    house.later(days=10)
    assert held(house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))) == "number_reassigned"


def test_a_new_system_statement_for_an_agency_that_has_not_migrated_is_held(house: ReturnHouse) -> None:
    house.agency("AGE-3", "18003", migrated=None)
    house.account("personal:233333", "AGE-3")
    text = statement().replace("<no_trnsm>18001", "<no_trnsm>18003").replace("<id_prof>231234", "<id_prof>233333")
    zipped = parcel(EC=text)
    assert held(house.answered("EC_18003_2026-10-08.zip", zipped, number="18003")) == "statement_for_unmigrated"
    old = text.replace("<cod_syst>RFP", "<cod_syst>ANC").replace("9951", "951").replace("9952", "952")
    old = old.replace("EC-2026-000101", "EC-2026-000102")
    (reply,) = house.answered("EC_18003_2026-10-09.zip", parcel(EC=old), number="18003")
    assert (reply.state, reply.agency_id) == ("MATCHED", "AGE-3")


def test_the_payers_word_that_there_is_no_statement_is_held_with_its_code(house: ReturnHouse) -> None:
    (reply,) = house.answered("EC_18001_2026-10-08.xml", sample("etat-compte", "valid_Erreurs_DS_nothing_to_give"))
    assert (reply.state, reply.kind, reply.reason) == ("HELD", "statement", "payer_error")


def test_each_statement_of_a_parcel_stands_for_itself(house: ReturnHouse) -> None:
    members = {"EC-1": statement("EC-1"), "EC-2": statement("EC-2").replace("<nb_entree>5", "<nb_entree>4")}
    replies = house.answered("EC_18001_2026-10-08.zip", parcel(**members))
    assert sorted((reply.state, reply.name) for reply in replies) == [("HELD", "EC-2.xml"), ("MATCHED", "EC-1.xml")]


def test_entries_of_a_large_statement_are_staged_and_count_once(
    house: ReturnHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stages.match.statements.IN_ONE", 2)
    house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement()))
    assert len(house.all(StatementEntry)) == 5


def test_every_reason_has_a_sentence_and_a_next_step() -> None:
    source = "".join(
        file.read_text("utf-8")
        for pattern in ("match/*.py", "../reading/agreement.py")
        for file in Path(stages.__file__).parent.glob(pattern)
    )
    reasons = set(re.findall(r'(?:Doubt\(|return |SAYS_AGAIN = |else )"([a-z_]+)"', source))
    known = messages.room("match")
    assert {"statement_sums", "reply_contradicts", "says_again", "name_disagrees"} <= reasons
    missing = {reason for reason in reasons if not {reason, f"{reason}_next"} <= set(known)}
    assert missing == {"unknown", "not_receivable"}  # a kind and a verdict


def test_the_payers_own_words_never_enter_the_database(house: ReturnHouse, tmp_path: Path) -> None:
    house.transmitted(invoices=["F-1", "F-2"])
    house.answered("D-1.recev.xml", recev("D-1", BOTH[0], Fact("F-2", code="9901")).replace("Fictif.", "ZQXW07112318"))
    told = {"Non couvert (fictif)": "ZQXW07112318"}
    assert house.answered("EC_18001_2026-10-08.zip", parcel(EC=statement(**told)))[0].state == "MATCHED"
    house.distributed()
    house.store.close()
    assert any(b"ZQXW07112318" in data for name, data in house.at_the_agency().items() if name.endswith(".json"))
    assert not [file.name for file in tmp_path.glob("gateway.db*") if b"ZQXW0711" in file.read_bytes()]
