"""The registry's rows, read all at once: as known now, or on an earlier moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Table, and_, or_, select
from sqlmodel import SQLModel, col

from gateway import models
from gateway.models import Account, Agency, AgencyPayer, RegistryToken, Source
from gateway.models.facts import STAGED, Fact
from gateway.store.engine import Tx, table_of

Row = TypeVar("Row", bound=SQLModel)
AnyFact = TypeVar("AnyFact", bound=Fact)


@dataclass(slots=True)
class Tables:
    """The registry at one moment. Agencies and sources are copies: changing them changes nothing. All others are bare
    rows, thousands of them, that have their model's attributes and cannot be changed."""

    agencies: list[Agency] = field(default_factory=list)
    payers: list[AgencyPayer] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    practitioners: list[models.Practitioner] = field(default_factory=list)
    groups: list[models.PracticeGroup] = field(default_factory=list)
    developers: list[models.Developer] = field(default_factory=list)
    facts: dict[type[Fact], list[Any]] = field(default_factory=dict)

    def of(self, family: type[AnyFact]) -> list[AnyFact]:
        """The facts of one family, by subject and first day."""
        return cast("list[AnyFact]", self.facts.setdefault(family, []))


def token(tx: Tx) -> str:
    """What this transaction reads of the registry, in one word: the same word, the same rows."""
    return str(tx.session.execute(select(col(RegistryToken.token))).scalar_one())


def load(tx: Tx, known: datetime | None = None) -> Tables:
    """The whole registry, in one query a table however large it is: what is believed now, or was just before the
    moment `known`. Of agencies, sources and their like only their being there is dated: their settings are today's."""
    agencies = [Agency(**row._mapping) for row in _rows(tx, Agency, "name", known)]
    there = {agency.id for agency in agencies}
    return Tables(
        agencies=agencies,
        payers=[row for row in _rows(tx, AgencyPayer, "position") if row.agency_id in there],
        sources=[Source(**row._mapping) for row in _rows(tx, Source, "position") if row.agency_id in there],
        accounts=_rows(tx, Account, "id", known),
        practitioners=_rows(tx, models.Practitioner, "id", known),
        groups=_rows(tx, models.PracticeGroup, "name", known),
        developers=_rows(tx, models.Developer, "id", known),
        facts={family: _believed(tx, family, known) for family in Fact.__subclasses__()},
    )


def history(tx: Tx, family: type[AnyFact], column: str, values: Iterable[str]) -> list[AnyFact]:
    """Every version of the facts whose `column` has one of the values, the first recorded first; superseded too."""
    table = table_of(family)
    meant = and_(table.c[column].in_(list(values)), table.c.recorded_at < STAGED)
    found = tx.session.execute(select(*table.c).where(meant).order_by(table.c.recorded_at, table.c.id))
    return cast("list[AnyFact]", found.all())


def _rows(tx: Tx, model: type[Row], order: str, known: datetime | None = None) -> list[Any]:
    table = table_of(model)
    query = select(*table.c).order_by(table.c[order])
    if "recorded_at" in table.c:
        query = query.where(table.c.recorded_at < (known or STAGED))
    return list(tx.session.execute(query).all())


def _believed(tx: Tx, family: type[Fact], known: datetime | None) -> list[Any]:
    table = table_of(family)
    order = [table.c[name] for name in (*family.SUBJECT, "valid_from", "id")]
    return list(tx.session.execute(select(*table.c).where(_at(table, known)).order_by(*order)).all())


def _at(table: Table, known: datetime | None) -> ColumnElement[bool]:
    """Recorded and not superseded: now, or just before a moment."""
    if known is None:
        return and_(table.c.recorded_at < STAGED, table.c.superseded_at.is_(None))
    return and_(table.c.recorded_at < known, or_(table.c.superseded_at.is_(None), table.c.superseded_at >= known))


def lasting_numbers(tx: Tx, today: date) -> set[tuple[str, str]]:
    """Every (payer, number) that somebody holds on that day or later."""
    table = table_of(models.TransmissionNumber)
    lasts = or_(table.c.valid_to.is_(None), table.c.valid_to >= today)
    found = tx.session.execute(select(table.c.payer, table.c.number).where(_at(table, None), lasts))
    return {(row.payer, row.number) for row in found}


def active_agencies(tx: Tx) -> list[str]:
    """The ids of the agencies that are served."""
    table = table_of(Agency)
    active = and_(table.c.active, table.c.recorded_at < STAGED)
    return list(tx.session.execute(select(table.c.id).where(active).order_by(table.c.id)).scalars())
