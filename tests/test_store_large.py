"""What is asked of one large request costs as much for each of its invoices as in a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import records
from test_store_history import _row, _steps

from gateway.clock import FixedClock
from gateway.models import Invoice, Request, Submission
from gateway.states import RequestState
from gateway.store import Store, Tx, invoices, paper, past, rhythm
from gateway.store.engine import bulk

FEW, MANY = 50, 400  # invoices of the request
ASKED: Mapping[str, Callable[[Tx, int], object]] = {
    "what payers owe": lambda tx, _: rhythm.owed(tx),
    "which accounts wait for paper": lambda tx, _: paper.waiting(tx),
    "which numbers stand": lambda tx, many: past.standing(tx, records.AGENCY, [f"F-{n}" for n in range(many)]),
    "whose numbers they are": lambda tx, many: invoices.owned_by_own_number(
        tx, [records.AGENCY], "sandbox", [f"F-{n}" for n in range(many)]
    ),
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Store]]:
    made = {many: _answered(tmp_path_factory.mktemp("store") / "gateway.db", many) for many in (FEW, MANY)}
    yield made
    for store in made.values():
        store.close()


@pytest.mark.parametrize("what", ASKED)
def test_an_invoice_costs_the_same_among_many(stores: dict[int, Store], what: str) -> None:
    few, many = (_steps(stores[size], lambda tx, size=size: ASKED[what](tx, size)) for size in (FEW, MANY))  # type: ignore[misc]
    assert few > 5 * FEW
    assert many < 1.5 * MANY / FEW * few, f"{few} steps of the database became {many}"


def _answered(file: Path, many: int) -> Store:
    """One request of so many receivable invoices, on no statement."""
    store = Store.open(file, FixedClock(datetime(2026, 3, 2, 17, tzinfo=UTC)))
    records.settle(store)
    with store.write() as tx:
        lot = records.batch(tx)
        row = _row(tx, lot.id, "DEM-1", "D-1", RequestState.RECEIVABLE)
        bulk(tx, Request, [row | {"account": "personal:231236", "transmitted_at": tx.now}])
        names = {"request_id": "DEM-1", "batch_id": lot.id, "agency_id": records.AGENCY}
        numbers = [{"ordinal": n, "no_fact_ext": f"F-{n}"} for n in range(many)]
        bulk(tx, Invoice, [names | one | {"id": f"FAC-{one['ordinal']:05}", "payer": "sandbox"} for one in numbers])
        asked = {"action": "new", "verdict": "receivable"}
        bulk(tx, Submission, [names | one | asked | {"invoice_id": f"FAC-{one['ordinal']:05}"} for one in numbers])
    return store
