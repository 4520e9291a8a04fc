"""The store's side of the way back, on every database it must serve."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support import records

from gateway.identifiers import new_id
from gateway.models import Distribution, Invoice, Line, Parcel, Reply, Request, Statement, StatementEntry, Submission
from gateway.states import ReplyState
from gateway.store import Store, Tx, invoices, moves, parcels, replies, statements
from gateway.store.invoices import Verdict


@pytest.fixture
def request_id(store: Store) -> str:
    """A request of two invoices."""
    records.settle(store)
    with store.write() as tx:
        asked = records.request(tx, records.batch(tx), no_dem_ext="D-1", wire_name="D-1.xml", invoices=2)
        for ordinal in (1, 2):
            _submitted(tx, asked, ordinal)
    return asked.id


def _submitted(tx: Tx, asked: Request, ordinal: int) -> None:
    where: dict[str, Any] = {"request_id": asked.id, "ordinal": ordinal, "batch_id": asked.batch_id}
    own = f"F-{ordinal}"
    tx.session.add(Invoice(**where, id=f"FAC-{ordinal}", agency_id="AGE-1", payer="sandbox", no_fact_ext=own))
    tx.session.add(Submission(**where, agency_id="AGE-1", invoice_id=f"FAC-{ordinal}", action="new", no_fact_ext=own))


def test_verdicts_are_written_on_submissions_and_invoices(store: Store, request_id: str) -> None:
    said = [
        Verdict(1, "FAC-1", "new", True, [], "00000000101", "12345678", 4500),
        Verdict(2, "FAC-2", "new", False, ["9901"]),
    ]
    with store.write() as tx:
        invoices.apply(tx, tx.session.get_one(Request, request_id), said)
    with store.read() as tx:
        first, second = (tx.session.get_one(Invoice, f"FAC-{n}") for n in (1, 2))
        assert (first.no_fact_ramq, first.jeton_comm, first.preliminary_cents) == ("00000000101", "12345678", 4500)
        assert second.no_fact_ramq is None
        assert tx.session.get_one(Submission, (request_id, 2)).messages == ["9901"]
        assert invoices.by_payer_number(tx, "sandbox", ["00000000101", "x"]) == {"00000000101": "FAC-1"}
        (owned,) = invoices.owned_by_payer_number(tx, "sandbox", ["00000000101", "x"])["00000000101"]
        assert (owned.id, owned.agency_id) == ("FAC-1", "AGE-1")
        (mine,) = invoices.owned_by_own_number(tx, ["AGE-1", "AGE-2"], "sandbox", ["F-1", "F-2"])["F-2"]
        assert mine.id == "FAC-2"
        assert invoices.owned_by_own_number(tx, ["AGE-2"], "sandbox", ["F-1", "F-2"]) == {}


def test_staged_lines_can_be_staged_again(store: Store, request_id: str) -> None:
    row = {"request_id": request_id, "ordinal": 1, "number": 1, "verdict": "receivable", "preliminary_cents": 1}
    for _ in range(2):
        with store.write() as tx:
            invoices.forget_lines(tx, request_id)
            invoices.add_lines(tx, [row | {"messages": ["1056"]}])
    with store.read() as tx:
        assert tx.session.get_one(Line, (request_id, 1, 1)).messages == ["1056"]


def test_requests_are_found_by_number_and_by_exact_name(store: Store, request_id: str) -> None:
    with store.read() as tx:
        assert [r.id for r in replies.requests_numbered(tx, "sandbox", "18001", "D-1")] == [request_id]
        assert replies.requests_numbered(tx, "sandbox", "018001", "D-1") == []
        assert replies.requests_numbered(tx, "sandbox", "18001", "d-1") == []
        assert [r.id for r in replies.requests_named(tx, "sandbox", "18001", "D-1")] == [request_id]
        assert replies.requests_named(tx, "sandbox", "18001", "D") == []
        assert replies.requests_named(tx, "sandbox", "18001", "D_1") == []


def test_a_parcel_is_known_by_credential_name_and_bytes(store: Store) -> None:
    with store.write() as tx:
        tx.session.add(
            Parcel(
                id="COL-1",
                payer="sandbox",
                number="18001",
                name="a.zip",
                size=1,
                sha256="aa",
                archive_ref="-",
                replies=1,
                received_at=tx.now,
            )
        )
    with store.write() as tx:
        assert parcels.known(tx, "sandbox", "18001", "a.zip", "aa") is not None
        assert parcels.known(tx, "sandbox", "18002", "a.zip", "aa") is None
        assert [p.id for p in parcels.still_there(tx, "sandbox", "18001")] == ["COL-1"]
        parcels.removed(tx, "COL-1")
        tx.session.flush()
        assert parcels.still_there(tx, "sandbox", "18001") == []
        parcels.said_again(tx, "COL-1", 2)
    with store.read() as tx:
        assert tx.session.get_one(Parcel, "COL-1").replies == 3


def test_what_is_put_off_comes_back_in_its_time(store: Store, clock: Any) -> None:
    records.settle(store)
    with store.write() as tx:
        for kind in ("receipt", "report"):
            records.reply(tx, kind=kind, state=ReplyState.MATCHED, agency_id="AGE-1", source_id="SRC-1")
    with store.write() as tx:
        assert len(replies.to_distribute(tx, "SRC-1")) == 2
        assert replies.sources_owed(tx) == {"SRC-1"}
        replies.put_off(tx, "SRC-1", tx.now.replace(year=2027))
    with store.read() as tx:
        assert replies.to_distribute(tx, "SRC-1") == []
        assert replies.next_try(tx, "SRC-1") == clock.now().replace(year=2027)


def test_artefacts_are_known_by_source_and_name(store: Store) -> None:
    records.settle(store)
    with store.write() as tx:
        owed = records.reply(tx, state=ReplyState.MATCHED, agency_id="AGE-1", source_id="SRC-1")
        for kind in ("document", "html"):
            tx.session.add(
                Distribution(
                    id=new_id("DIS"),
                    reply_id=owed.id,
                    agency_id="AGE-1",
                    source_id="SRC-1",
                    kind=kind,
                    name=f"n.{kind}",
                    size=1,
                    sha256="aa",
                    archive_ref="-",
                )
            )
    with store.read() as tx:
        assert [d.kind for d in replies.distributions(tx, owed.id)] == ["document", "html"]
        assert replies.names_taken(tx, "SRC-1", ["n.html", "n.json"]) == {"n.html"}
        assert replies.names_taken(tx, "SRC-2", ["n.html"]) == set()


def test_entries_count_with_their_statement(store: Store) -> None:
    records.settle(store)
    with store.write() as tx:
        owed = records.reply(tx, sha256="aa")
        row = {"reply_id": owed.id, "position": 1, "kind": "PAIE", "paid_cents": -5}
        statements.stage_entries(tx, [row])
        statements.forget_entries(tx, owed.id)
        statements.stage_entries(tx, [row])
        cents = dict.fromkeys(
            ("paid_cents", "withheld_cents", "carried_in_cents", "carried_out_cents", "total_cents"), 2**40
        )
        statements.record(
            tx,
            Statement(
                reply_id=owed.id,
                payer="sandbox",
                no_etat_compte="EC-1",
                dated=date(2026, 10, 8),
                period="202621",
                mode="ACTE",
                system="RFP",
                account="personal:231234",
                agency_id="AGE-1",
                entries=1,
                **cents,
            ),
        )
        moves.move(tx, owed, ReplyState.MATCHED, "matched", agency_id="AGE-1", source_id="SRC-1")
    with store.read() as tx:
        known = statements.known(tx, "sandbox", "EC-1")
        assert known is not None
        assert (known[0].paid_cents, known[1]) == (2**40, "aa")
        assert statements.known(tx, "sandbox", "ec-1") is None
        assert tx.session.get_one(StatementEntry, (owed.id, 1)).paid_cents == -5


def test_the_first_answer_of_a_request_is_the_one_that_was_matched(store: Store, request_id: str) -> None:
    with store.write() as tx:
        first, second = (records.reply(tx) for _ in range(2))
        moves.move(tx, first, ReplyState.HELD, "reply_invalid", request_id=request_id)
        moves.move(tx, second, ReplyState.MATCHED, "matched", request_id=request_id)
    with store.read() as tx:
        answer = replies.answered_by(tx, request_id)
        assert isinstance(answer, Reply)
        assert answer.id == second.id
        assert replies.with_received(tx) == []
