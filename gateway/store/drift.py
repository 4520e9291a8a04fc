"""Requests whose document names another software than their source declared."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, func, select

from gateway.models import FindingRow, Request
from gateway.store.engine import Tx

CODE = "SOFTWARE_DRIFT"


class Drift(NamedTuple):
    """What one source's documents say instead: developer, software and version as they stand there."""

    source_id: str
    software: str
    requests: int
    last: datetime  # aware UTC


def by_source(tx: Tx) -> list[Drift]:
    """Every source that drifts and what its documents say, the newest first."""
    newest = func.max(col(Request.created_at))
    found = tx.session.exec(
        select(Request.source_id, func.coalesce(Request.software, ""), func.count(col(Request.id).distinct()), newest)
        .join(FindingRow, col(FindingRow.request_id) == col(Request.id))
        .where(FindingRow.code == CODE)
        .group_by(col(Request.source_id), func.coalesce(Request.software, ""))
        .order_by(newest.desc())
    )
    return [Drift(*row) for row in found]
