"""What no limit can take any more is closed for good, and nothing else is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support import records

from gateway.identifiers import new_id
from gateway.models import Invoice, Request, Statement, StatementEntry, Submission
from gateway.states import RequestState
from gateway.store import Store, Tx, closing, deadlines
from gateway.store.engine import bulk, changed, table_of

S = RequestState
OPEN = [
    (S.READY, None),
    (S.HELD, None),
    (S.SHADOWED, None),
    (S.TRANSMITTING, None),
    (S.TRANSMITTED, None),
    (S.REFUSED, None),
    (S.RECEIVABLE, "receivable"),
    (S.RECEIVABLE, "not_receivable"),
    (S.RECEIVABLE, None),
    (S.NOT_RECEIVABLE, "not_receivable"),
]


@pytest.fixture(autouse=True)
def _agency(store: Store) -> None:
    records.settle(store)


def deposited(tx: Tx, state: RequestState, *invoices: tuple[str, str | None], action: str = "new") -> str:
    """A request resting in `state`, with these numbers and what the payer said of each; its id."""
    request = records.request(tx, records.batch(tx), transmitted_at=tx.now)
    row = table_of(Request)
    changed(tx, row.update().where(row.c.id == request.id).values(state=state))
    common = {"request_id": request.id, "batch_id": request.batch_id, "agency_id": records.AGENCY}
    each = [common | {"ordinal": n, "invoice_id": new_id("FAC")} for n in range(1, len(invoices) + 1)]
    said = [{"action": action, "no_fact_ext": number, "verdict": verdict} for number, verdict in invoices]
    bulk(tx, Submission, [one | more for one, more in zip(each, said, strict=True)])
    if action == "new":
        ids = [{k: v for k, v in one.items() if k != "invoice_id"} | {"id": one["invoice_id"]} for one in each]
        bulk(tx, Invoice, [one | {"no_fact_ext": more["no_fact_ext"]} for one, more in zip(ids, said, strict=True)])
    return request.id


def shown(tx: Tx, *numbers: str, whole: bool = True) -> None:
    """A statement shows these invoices; it is still being read unless `whole`."""
    reply, row = new_id("RET"), table_of(Invoice)
    ids = tx.session.scalars(row.select().with_only_columns(row.c.id).where(row.c.no_fact_ext.in_(numbers)))
    entries = [{"reply_id": reply, "position": n, "invoice_id": one} for n, one in enumerate(ids, 1)]
    bulk(tx, StatementEntry, [one | {"kind": "PAIE", "paid_cents": 1} for one in entries])
    if whole:
        bulk(tx, Statement, [_statement(reply)])


def _statement(reply: str) -> dict[str, Any]:
    cents = dict.fromkeys(("paid", "withheld", "carried_in", "carried_out", "total"), 0)
    names = {"no_etat_compte": reply, "period": "1", "mode": "A", "system": "RFP", "account": "personal:231234"}
    own = {"reply_id": reply, "payer": "sandbox", "dated": date(2026, 3, 1), "agency_id": records.AGENCY}
    return own | names | {f"{name}_cents": value for name, value in cents.items()}


def closed(store: Store) -> list[str]:
    """Close what can be closed; which requests that were."""
    with store.write() as tx:
        found = closing.closable(tx, 10)
        closing.close(tx, found)
    return found


@pytest.mark.parametrize(("state", "verdict"), OPEN)
def test_what_a_limit_may_still_take_stays_open(store: Store, state: RequestState, verdict: str | None) -> None:
    with store.write() as tx:
        deposited(tx, state, ("F-1", verdict))
    assert closed(store) == []
    with store.read() as tx:
        assert len(deadlines.open_invoices(tx)) == 1


def test_a_request_closes_when_a_statement_shows_the_last_of_its_invoices(store: Store) -> None:
    with store.write() as tx:
        mine = deposited(tx, S.RECEIVABLE, ("F-1", "receivable"), ("F-2", "receivable"))
        shown(tx, "F-1")
        shown(tx, "F-2", whole=False)
    assert closed(store) == []
    with store.write() as tx:
        shown(tx, "F-2")
    assert closed(store) == [mine]
    assert closed(store) == []
    with store.read() as tx:
        assert tx.session.get_one(Request, mine).closed_at is not None
        assert deadlines.open_invoices(tx) == []


def test_what_was_cancelled_or_given_up_or_only_changes_others_closes(store: Store) -> None:
    with store.write() as tx:
        mine = [
            deposited(tx, S.RECEIVABLE, ("F-1", "receivable")),
            deposited(tx, S.CANCELLED, ("F-2", None)),
            deposited(tx, S.RECEIVABLE, ("F-1", "receivable"), action="cancel"),
        ]
        row = table_of(Invoice)
        changed(tx, row.update().where(row.c.no_fact_ext == "F-1").values(cancelled_by=mine[2]))
    assert sorted(closed(store)) == sorted(mine)


def test_a_refused_one_closes_when_its_number_was_deposited_later(store: Store) -> None:
    with store.write() as tx:
        first = deposited(tx, S.NOT_RECEIVABLE, ("F-1", "not_receivable"))
    assert closed(store) == []
    with store.write() as tx:
        deposited(tx, S.READY, ("F-1", None))
    assert closed(store) == [first]


def test_one_that_was_receivable_before_keeps_a_later_refusal_open(store: Store) -> None:
    """It may be cancelled, and then the refused one has something to lose."""
    with store.write() as tx:
        deposited(tx, S.RECEIVABLE, ("F-1", "receivable"))
        row = table_of(Invoice)
        changed(tx, row.update().values(no_fact_ramq="10000000001"))
        deposited(tx, S.NOT_RECEIVABLE, ("F-1", "not_receivable"))
    assert closed(store) == []


def test_each_invoice_of_a_request_may_be_settled_in_its_own_way(store: Store) -> None:
    with store.write() as tx:
        mine = deposited(tx, S.RECEIVABLE, ("F-1", "receivable"), ("F-2", "not_receivable"), ("F-3", "receivable"))
        shown(tx, "F-1")
        deposited(tx, S.READY, ("F-2", None))
    assert closed(store) == []
    with store.write() as tx:
        row = table_of(Invoice)
        changed(tx, row.update().where(row.c.no_fact_ext == "F-3").values(cancelled_by="DEM-9"))
    assert closed(store) == [mine]


def test_what_was_sent_again_stays_open_until_a_statement_shows_it(store: Store) -> None:
    """The second attempt may be refused, and then the first has something to lose again."""
    with store.write() as tx:
        first = deposited(tx, S.RECEIVABLE, ("F-1", "receivable"))
        again = deposited(tx, S.TRANSMITTED, ("F-1-R1", None))
        row = table_of(Request)
        changed(tx, row.update().where(row.c.id == again).values(replaces=first))
    assert closed(store) == []
    with store.read() as tx:
        assert [one.request_id for one in deadlines.open_invoices(tx)] == [again]
    with store.write() as tx:
        changed(tx, row.update().where(row.c.id == again).values(state=S.NOT_RECEIVABLE))
    with store.read() as tx:
        assert {one.request_id for one in deadlines.open_invoices(tx)} == {first, again}
    with store.write() as tx:
        shown(tx, "F-1")
    assert closed(store) == [first]


def test_what_a_statement_that_is_still_being_read_names_is_not_sent_again(store: Store) -> None:
    with store.write() as tx:
        mine = deposited(tx, S.RECEIVABLE, ("F-1", "receivable"))
        shown(tx, "F-1", whole=False)
    assert closed(store) == []
    with store.read() as tx:
        assert deadlines.sent(tx, mine) == []
        assert deadlines.open_invoices(tx, of=mine) == []


def test_no_more_are_closed_at_once_than_one_transaction_takes(store: Store) -> None:
    with store.write() as tx:
        for _ in range(12):
            deposited(tx, S.CANCELLED, ("F-1", None))
    assert [len(closed(store)) for _ in range(3)] == [10, 2, 0]
