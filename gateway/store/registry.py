"""The registry's rows: read all at once, added and changed only by a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import delete, select, update
from sqlmodel import SQLModel, col

from gateway.models import (
    Account,
    AccountPractitioner,
    Accreditation,
    Agency,
    AgencyPayer,
    Source,
    TransmissionNumber,
)
from gateway.store import moves
from gateway.store.engine import Tx

Row = TypeVar("Row", bound=SQLModel)
Record = Agency | TransmissionNumber | Source | Account | Accreditation  # what events tell of


@dataclass(slots=True)
class Tables:
    """Every row of the registry, withdrawn facts left out. Copies: changing them changes nothing."""

    agencies: list[Agency] = field(default_factory=list)
    payers: list[AgencyPayer] = field(default_factory=list)
    numbers: list[TransmissionNumber] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    practitioners: list[AccountPractitioner] = field(default_factory=list)
    accreditations: list[Accreditation] = field(default_factory=list)


def load(tx: Tx) -> Tables:
    """The whole registry in seven queries, however large it is."""
    return Tables(
        agencies=_every(tx, Agency, Agency.name),
        payers=_every(tx, AgencyPayer, AgencyPayer.position),
        numbers=[n for n in _every(tx, TransmissionNumber, TransmissionNumber.number) if n.retracted_at is None],
        sources=_every(tx, Source, Source.position),
        accounts=_every(tx, Account, Account.id),
        practitioners=_every(tx, AccountPractitioner, AccountPractitioner.practice),
        accreditations=[a for a in _every(tx, Accreditation, Accreditation.id) if a.retracted_at is None],
    )


def _every(tx: Tx, model: type[Row], order: Any) -> list[Row]:
    columns = [getattr(model, name) for name in model.model_fields]
    return [model(**row) for row in tx.session.execute(select(*columns).order_by(order)).mappings()]


def add(tx: Tx, row: Record, reason: str, detail: dict[str, Any]) -> None:
    """Insert a row and tell of it."""
    tx.session.add(row)
    tx.session.flush()
    moves.note(tx, row, reason, detail)


def change(tx: Tx, row: Record, changes: dict[str, Any], reason: str, detail: dict[str, Any]) -> None:
    """Change columns of the row that `row` is a copy of, and tell of it."""
    model = type(row)
    tx.session.execute(update(model).where(col(model.id) == row.id).values(**changes))
    moves.note(tx, row, reason, detail)


def set_payers(tx: Tx, agency: Agency, payers: Iterable[str], detail: dict[str, Any]) -> None:
    """Make these the payers of the agency, in this order, and tell of it."""
    tx.session.execute(delete(AgencyPayer).where(col(AgencyPayer.agency_id) == agency.id))
    tx.session.add_all(AgencyPayer(agency_id=agency.id, position=n, payer=p) for n, p in enumerate(payers, 1))
    moves.note(tx, agency, "payers_set", detail)


def set_practitioners(tx: Tx, account: Account, practices: Iterable[str], detail: dict[str, Any]) -> None:
    """Make these the practitioners of the account, and tell of it."""
    tx.session.execute(delete(AccountPractitioner).where(col(AccountPractitioner.account_id) == account.id))
    tx.session.add_all(AccountPractitioner(account_id=account.id, practice=practice) for practice in practices)
    moves.note(tx, account, "practitioners_set", detail)
