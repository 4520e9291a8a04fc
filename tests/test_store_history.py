"""What is asked for each request, reply, look and login costs the same whatever came before: nothing is read over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import records

from gateway.clock import FixedClock
from gateway.models import Credential, CredentialAttempt, Parcel, Request, StatementEntry, Submission
from gateway.states import RequestState
from gateway.store import Store, Tx, closing, credentials, deadlines, lanes, parcels, replies, requests, rhythm
from gateway.store.engine import bulk

PAYER, NUMBER = "sandbox", "18001"
SHORT, LONG = 20, 400  # requests that came before
# What is asked → how. A lot of new invoices, a modification, an answer by its number or its name, a look, a login.
ASKED: Mapping[str, Callable[[Tx], object]] = {
    "whether new invoices wait for others": lambda tx: lanes.awaits_another(tx, _request(tx, "new")),
    "whether a modification waits for others": lambda tx: lanes.awaits_another(tx, _request(tx, "modify")),
    "which request bears a number": lambda tx: replies.requests_numbered(tx, PAYER, NUMBER, "D-7"),
    "which request has a name": lambda tx: replies.requests_named(tx, PAYER, NUMBER, "D-7"),
    "which parcels still lie there": lambda tx: parcels.still_there(tx, PAYER, NUMBER),
    "what an agency has held": lambda tx: requests.held(tx, records.AGENCY),
    "what waits in a lane": lambda tx: lanes.in_state(tx, PAYER, NUMBER, RequestState.READY),
    "the logins of the last hour": lambda tx: credentials.spent(tx, _credential(tx), tx.now - timedelta(hours=1)),
    "what is open": deadlines.open_invoices,
    "what is open of what an alert is about": lambda tx: deadlines.open_invoices(tx, alerted=True),
    "what may be closed": lambda tx: closing.closable(tx, 10),
    "what payers owe": rhythm.owed,
    "how many logins failed": lambda tx: credentials.failures(tx, _credential(tx)),
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Store]]:
    """Two databases that differ in what came before only."""
    made = {}
    for past in (SHORT, LONG):
        made[past] = _lived(tmp_path_factory.mktemp("store") / "gateway.db", past)
    yield made
    for store in made.values():
        store.close()


@pytest.mark.parametrize("what", ASKED)
def test_a_long_past_costs_nothing(stores: dict[int, Store], what: str) -> None:
    short, long = (_steps(stores[past], ASKED[what]) for past in (SHORT, LONG))
    assert long < 1.5 * short + 50, f"{short} steps of the database became {long}"


def _steps(store: Store, ask: Callable[[Tx], object]) -> int:
    """How much the database does for it: instructions of its machine."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    with store.read() as tx:
        driver = tx.session.connection().connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, 1)
        try:
            ask(tx)
        finally:
            driver.set_progress_handler(None, 0)
    return done


def _request(tx: Tx, action: str) -> Request:
    return tx.session.get_one(Request, f"DEM-{action}")


def _credential(tx: Tx) -> Credential:
    return tx.session.get_one(Credential, "CRE-1")


def _lived(file: Path, past: int) -> Store:
    """A lot with two requests to send, after so many that were answered, fetched and logged in for."""
    store = Store.open(file, FixedClock(datetime(2026, 3, 2, 17, tzinfo=UTC)))
    records.settle(store)
    with store.write() as tx:
        lot = records.batch(tx).id
        credential = {"id": "CRE-1", "payer": PAYER, "number": NUMBER, "state": "ACTIVE", "created_at": tx.now}
        tx.session.add(Credential(**credential))
        tx.session.flush()
        earlier = [_row(tx, lot, f"DEM-{n:05d}", f"D-{n}", RequestState.RECEIVABLE, tx.now) for n in range(past)]
        bulk(tx, Request, [*(_row(tx, lot, f"DEM-{a}", a, RequestState.READY) for a in ("new", "modify")), *earlier])
        named = {"DEM-new": None, "DEM-modify": "R-1"} | {row["id"]: f"R-{n}" for n, row in enumerate(earlier)}
        bulk(tx, Submission, [_submission(lot, *which) for which in named.items()])
        bulk(tx, StatementEntry, [_entry(n) for n in range(past)])
        bulk(tx, Parcel, [_parcel(tx, n) for n in range(past)])
        bulk(tx, CredentialAttempt, [_login(tx, n) for n in range(past)])
    return store


def _row(
    tx: Tx, lot: str, id_: str, number: str, state: RequestState, closed: datetime | None = None
) -> dict[str, Any]:
    names = {"id": id_, "batch_id": lot, "agency_id": records.AGENCY, "source_id": records.SOURCE, "ordinal": 1}
    wire = {"payer": PAYER, "number": NUMBER, "no_dem_ext": number, "wire_name": f"{number}.xml", "attempts": 1}
    kept = {"sha256": "00", "size": 10, "archive_ref": "r", "state": state, "created_at": tx.now}
    kept |= {"closed_at": closed, "transmitted_at": closed}
    return names | wire | kept


def _submission(lot: str, request: str, payer_number: str | None) -> dict[str, Any]:
    names = {"request_id": request, "ordinal": 1, "batch_id": lot, "agency_id": records.AGENCY}
    return names | {"action": "modify" if payer_number else "new", "no_fact_ramq": payer_number}


def _entry(ordinal: int) -> dict[str, Any]:
    return {"reply_id": "RET-1", "position": ordinal, "invoice_id": f"FAC-{ordinal}", "kind": "PAIE", "paid_cents": 1}


def _parcel(tx: Tx, ordinal: int) -> dict[str, Any]:
    names = {"id": f"COL-{ordinal}", "payer": PAYER, "number": NUMBER, "name": f"{ordinal}.zip", "sha256": "00"}
    return names | {"size": 10, "archive_ref": "r", "received_at": tx.now, "removed_at": tx.now}


def _login(tx: Tx, ordinal: int) -> dict[str, Any]:
    at = tx.now - timedelta(days=1, minutes=ordinal)
    mine = {"id": f"A-{ordinal}", "credential_id": "CRE-1", "slot": "current", "generation": 0}
    return mine | {"at": at, "outcome": "proved"}
