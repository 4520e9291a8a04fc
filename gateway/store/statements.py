"""Statements of account and their entries: the only place that says paid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import col, delete, select

from gateway.models import Reply, Statement, StatementEntry
from gateway.store.engine import Tx, bulk


def known(tx: Tx, payer: str, number: str) -> tuple[Statement, str | None] | None:
    """The statement of this number (no_etat_compte) and the sha256 of its document, when it came before."""
    row = tx.session.exec(
        select(Statement, Reply.sha256)
        .join(Reply, col(Reply.id) == Statement.reply_id)
        .where(Statement.payer == payer, Statement.no_etat_compte == number)
    ).first()
    return (row[0], row[1]) if row else None


def forget_entries(tx: Tx, reply_id: str) -> None:
    """Drop entries that a killed run staged; they never counted."""
    tx.session.execute(delete(StatementEntry).where(col(StatementEntry.reply_id) == reply_id))


def stage_entries(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> int:
    """Add entries. They count once the statement's row exists."""
    return bulk(tx, StatementEntry, rows)


def record(tx: Tx, statement: Statement) -> None:
    """Make a matched statement count, with the entries staged for it."""
    tx.session.add(statement)
    tx.session.flush()
