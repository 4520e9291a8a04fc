"""Small records for tests of the store: one agency with one source, and what it deposits."""

from __future__ import annotations

from typing import Any

from gateway.identifiers import new_id
from gateway.models import Agency, Batch, Reply, Request, Source
from gateway.states import BatchState, ReplyState, RequestState
from gateway.store import Store, Tx, moves

AGENCY, SOURCE = "AGE-1", "SRC-1"


def settle(store: Store) -> None:
    """An agency with a source, to hang records on."""
    with store.write() as tx:
        tx.session.add(Agency(id=AGENCY, name="Agence Laurier", kind="commercial", recorded_at=tx.now))
        tx.session.flush()
        tx.session.add(Source(id=SOURCE, agency_id=AGENCY, position=1, name="factsoft"))


def batch(tx: Tx, **values: Any) -> Batch:
    """A batch as collected."""
    record = Batch(
        **{
            "id": new_id("LOT"),
            "agency_id": AGENCY,
            "source_id": SOURCE,
            "name": "lot.xml",
            "size": 10,
            "sha256": "00",
            "archive_ref": "r",
            "state": BatchState.COLLECTED,
            "received_at": tx.now,
        }
        | values
    )
    moves.born(tx, record, "collected")
    return record


def request(tx: Tx, of: Batch, **values: Any) -> Request:
    """A request of a batch, READY unless said otherwise."""
    record = Request(
        **{
            "id": new_id("DEM"),
            "batch_id": of.id,
            "agency_id": AGENCY,
            "source_id": SOURCE,
            "ordinal": 1,
            "payer": "sandbox",
            "number": "18001",
            "sha256": "00",
            "size": 10,
            "archive_ref": "r",
            "state": RequestState.READY,
            "created_at": tx.now,
        }
        | values
    )
    moves.born(tx, record, "validated")
    return record


def reply(tx: Tx, **values: Any) -> Reply:
    """A reply as fetched from the payer."""
    record = Reply(
        **{
            "id": new_id("RET"),
            "kind": "receivability",
            "state": ReplyState.RECEIVED,
            "payer": "sandbox",
            "number": "18001",
            "name": "recev.xml",
            "created_at": tx.now,
        }
        | values
    )
    moves.born(tx, record, "received")
    return record
