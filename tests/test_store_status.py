"""Every deposited invoice has one standing; what is delivered, held or named can be asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from support import records

from gateway.clock import FixedClock
from gateway.identifiers import new_id
from gateway.models import Distribution, Invoice, Reply, Request, Statement, StatementEntry, Submission
from gateway.states import BatchState, ReplyState, RequestState
from gateway.store import Store, Tx, moves, status
from gateway.store.engine import bulk, changed, table_of

S = RequestState


@pytest.fixture(autouse=True)
def _agency(store: Store) -> None:
    records.settle(store)


def deposit(tx: Tx, state: RequestState, *verdicts: str | None, action: str = "new") -> list[str]:
    """A request resting in `state` with one invoice for each verdict; give the invoices' ids."""
    request = records.request(tx, records.batch(tx))
    changed(tx, table_of(Request).update().where(table_of(Request).c.id == request.id).values(state=state))
    invoices = [new_id("FAC") for _ in verdicts]
    places = list(zip(range(1, 100), invoices, verdicts, strict=False))
    common = {"request_id": request.id, "batch_id": request.batch_id, "agency_id": records.AGENCY}
    bulk(
        tx,
        Submission,
        [common | {"ordinal": n, "invoice_id": i, "action": action, "verdict": v} for n, i, v in places],
    )
    if action == "new":
        bulk(tx, Invoice, [common | {"id": i, "ordinal": n, "no_fact_ext": f"F{n}"} for n, i, _ in places])
    return invoices


@pytest.mark.parametrize(
    ("state", "verdict", "standing"),
    [
        (S.REFUSED, None, "refused"),
        (S.READY, None, "pending"),
        (S.HELD, None, "held"),
        (S.SHADOWED, None, "held"),
        (S.TRANSMITTING, None, "sent"),
        (S.TRANSMITTED, None, "sent"),
        (S.CANCELLED, None, "cancelled"),
        (S.RECEIVABLE, "receivable", "receivable"),
        (S.RECEIVABLE, "not_receivable", "not_receivable"),
        (S.RECEIVABLE, None, "sent"),
        (S.NOT_RECEIVABLE, None, "not_receivable"),
        (S.NOT_RECEIVABLE, "not_receivable", "not_receivable"),
    ],
)
def test_an_invoice_stands_where_its_request_and_its_verdict_put_it(
    store: Store, state: RequestState, verdict: str | None, standing: str
) -> None:
    with store.write() as tx:
        deposit(tx, state, verdict)
    with store.read() as tx:
        seen = status.standings(tx)
    assert seen.counts == dict.fromkeys(status.STANDINGS, 0) | {standing: 1}
    assert seen.deposited == 1


def test_a_receivable_cancellation_makes_an_invoice_cancelled(store: Store) -> None:
    with store.write() as tx:
        first, _ = deposit(tx, S.RECEIVABLE, "receivable", "receivable")
        changed(tx, table_of(Invoice).update().where(table_of(Invoice).c.id == first).values(cancelled_by="DEM-9"))
    with store.read() as tx:
        seen = status.standings(tx)
    assert (seen.counts["cancelled"], seen.counts["receivable"]) == (1, 1)


def test_modifications_and_cancellations_are_not_deposited_invoices(store: Store) -> None:
    with store.write() as tx:
        deposit(tx, S.TRANSMITTED, None, action="modify")
        deposit(tx, S.RECEIVABLE, "receivable", action="cancel")
    with store.read() as tx:
        assert status.standings(tx).deposited == 0


def test_rows_staged_before_their_request_do_not_count(store: Store) -> None:
    row = {"request_id": "DEM-0", "ordinal": 1, "batch_id": "LOT-0", "agency_id": records.AGENCY, "action": "new"}
    with store.write() as tx:
        bulk(tx, Submission, [row])
    with store.read() as tx:
        assert status.standings(tx).deposited == 0


def test_receivable_invoices_are_on_a_statement_or_outstanding(store: Store) -> None:
    with store.write() as tx:
        paid, staged, cancelled = deposit(tx, S.RECEIVABLE, "receivable", "receivable", "receivable")
        changed(tx, table_of(Invoice).update().where(table_of(Invoice).c.id == cancelled).values(cancelled_by="DEM-9"))
        entries = [(paid, "RET-1"), (paid, "RET-1"), (cancelled, "RET-1"), (None, "RET-1"), (staged, "RET-staged")]
        bulk(
            tx,
            StatementEntry,
            [
                {"reply_id": reply, "position": n, "invoice_id": invoice, "kind": "PAIE", "paid_cents": 100}
                for n, (invoice, reply) in enumerate(entries)
            ],
        )
        bulk(tx, Statement, [_statement("RET-1")])
    with store.read() as tx:
        seen = status.standings(tx)
    assert (seen.counts["receivable"], seen.on_statements, seen.outstanding) == (2, 1, 1)


def _statement(reply_id: str) -> dict[str, Any]:
    cents = dict.fromkeys(("paid", "withheld", "carried_in", "carried_out", "total"), 0)
    return {
        "reply_id": reply_id,
        "payer": "sandbox",
        "no_etat_compte": "1",
        "dated": date(2026, 3, 1),
        "period": "1",
        "mode": "A",
        "system": "RFP",
        "account": "personal:231234",
        "agency_id": records.AGENCY,
    } | {f"{name}_cents": value for name, value in cents.items()}


def test_records_are_counted_by_state(store: Store) -> None:
    with store.write() as tx:
        first, second = records.batch(tx), records.batch(tx)
        moves.move(tx, first, BatchState.VALIDATED, "validated")
        records.request(tx, second)
    with store.read() as tx:
        assert status.states(tx, records.Batch) == {"COLLECTED": 1, "VALIDATED": 1}
        assert status.states(tx, Request) == {"READY": 1}
        assert status.states(tx, Reply) == {}


def test_only_what_was_delivered_is_told_as_delivered(store: Store, clock: FixedClock) -> None:
    with store.write() as tx:
        reply = records.reply(tx)
        common = {"reply_id": reply.id, "agency_id": records.AGENCY, "source_id": records.SOURCE, "size": 1}
        common |= {"archive_ref": "r", "sha256": "ab"}
        for n, (kind, moment) in enumerate([("html", clock.now() + timedelta(1)), ("document", clock.now())]):
            tx.session.add(Distribution(id=f"D{n}", kind=kind, name=f"n.{kind}", delivered_at=moment, **common))
        tx.session.add(Distribution(id="D9", kind="json", name="n.json", **common))
    with store.read() as tx:
        told = status.deliveries(tx)
    assert [(d.number, d.kind, d.artefact, d.name) for d in told] == [
        ("18001", "receivability", "document", "n.document"),
        ("18001", "receivability", "html", "n.html"),
    ]


def test_everything_held_is_listed_with_its_reason_oldest_first(store: Store) -> None:
    with store.write() as tx:
        reply = records.reply(tx)
        moves.move(tx, reply, ReplyState.HELD, "no_request")
        batch = records.batch(tx)
        moves.move(tx, batch, BatchState.HELD, "damaged")
        request = records.request(tx, batch, state=S.HELD, reason="ACCOUNT_UNKNOWN")
        records.request(tx, batch)
    with store.read() as tx:
        told = status.held(tx)
    assert [(h.kind, h.id, h.reason) for h in told] == [
        ("reply", reply.id, "no_request"),
        ("batch", batch.id, "damaged"),
        ("request", request.id, "ACCOUNT_UNKNOWN"),
    ]


def test_a_number_finds_every_record_it_may_mean(store: Store) -> None:
    with store.write() as tx:
        batch = records.batch(tx, name="mars.zip")
        one = records.request(tx, batch, no_dem_ext="F1")
        (invoice,) = deposit(tx, S.READY, None)
        reply = records.reply(tx)
    with store.read() as tx:
        assert {(f.kind, f.id, f.state) for f in status.find(tx, "F1")} == {
            ("request", one.id, "READY"),
            ("invoice", invoice, ""),
        }
        assert [(f.kind, f.id, f.agency_id) for f in status.find(tx, "mars.zip")] == [
            ("batch", batch.id, records.AGENCY)
        ]
        assert [f.kind for f in status.find(tx, reply.id)] == ["reply"]
        assert status.find(tx, "nothing") == []
