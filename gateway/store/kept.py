"""What a dead process may have left: leases nobody holds any more, and archived bytes no row speaks of."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col, select

from gateway.models import (
    Application,
    Batch,
    Credential,
    DeliveryProof,
    Distribution,
    PaperStatement,
    Parcel,
    Reply,
    Request,
)
from gateway.store.engine import Tx, changed


def end_leases(tx: Tx) -> None:
    """Let every lease end now. Only for a process that holds the instance lock and has not begun."""
    for model in (Request, Reply, Credential):
        changed(tx, update(model).where(col(model.lease_until) > tx.now).values(lease_until=tx.now))


def knows(tx: Tx, ref: str) -> bool:
    """Whether a row speaks of these archived bytes. A ref begins with its owner's id."""
    owner = ref.partition("/")[0]
    columns = {
        "LOT": [
            select(Batch.id).where(Batch.archive_ref == ref, Batch.id == owner),
            *(
                select(Request.id).where(column == ref, Request.batch_id == owner)
                for column in (Request.archive_ref, Request.wire_ref, Request.report_ref)
            ),
        ],
        "RET": [
            select(Reply.id).where(Reply.archive_ref == ref, Reply.id == owner),
            select(Distribution.id).where(Distribution.archive_ref == ref, Distribution.reply_id == owner),
        ],
        "PRV": [select(DeliveryProof.id).where(DeliveryProof.archive_ref == ref, DeliveryProof.id == owner)],
        # Every paper of an application stays, also one that a later one took the place of: events still name it.
        "APP": [select(Application.id).where(Application.id == owner)],
        "PAP": [select(PaperStatement.id).where(PaperStatement.scan_ref == ref, PaperStatement.id == owner)],
    }.get(owner.partition("-")[0], [select(Parcel.id).where(Parcel.archive_ref == ref, Parcel.id == owner)])
    return any(tx.session.exec(query.limit(1)).first() is not None for query in columns)
