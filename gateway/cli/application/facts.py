"""What a command about applications needs first: which one is meant, and what the registry knows that matters to it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from gateway.applications import AgencyFacts, Book, Known, Progress, Remark, examine
from gateway.applications.known import Held
from gateway.calendars import next_business
from gateway.cli.common import Call
from gateway.errors import ConfigError, GatewayError
from gateway.messages import both
from gateway.models import Application, Credential, Mandate
from gateway.payer import shelves
from gateway.registry import Book as Registry
from gateway.store import Tx, applications, credentials
from gateway.store import registry as rows


class Unclear(GatewayError):
    """Nothing, or more than one thing, is meant."""


def the_one(tx: Tx, call: Call, text: str) -> Application:
    """The application whose id begins or ends so. Raises Unclear."""
    found = applications.matching(tx, text) if text else []
    if not found:
        raise Unclear(call.say("applications.nothing", text=text))
    if len(found) > 1:
        raise Unclear(call.say("applications.several", text=text, ids=", ".join(row.id for row in found)))
    return found[0]


class Desk:
    """The registry, the passwords and the payer's procedures, read once for a command."""

    def __init__(self, tx: Tx, state_dir: Path, day: date) -> None:
        self.tx, self.day = tx, day
        self.book = Book.load(shelves(state_dir))
        self._tables = rows.load(tx)
        self._registry = Registry(self._tables)
        self._passwords: list[Credential] = credentials.every(tx)

    def known(self, application: Application) -> Known:
        """What the registry says that matters to it."""
        account = next((a for a in self._tables.accounts if a.id == application.account_id), None)
        agency = self.by_id(application.agency_id)
        coordinates = self._registry.statement_coordinates(application.account_id, self.day)
        number = application.number or (agency.number if agency else None)
        return Known(
            account_kind=account.kind if account else None,
            users=self._registry.practitioners(application.account_id, self.day),
            held=tuple(
                Held(self._facts(a.agency_id), a.valid_from, a.valid_to)
                for a in self._registry.holders(application.account_id, self.day)
            ),
            mandates=tuple(
                Held(self._facts(m.agency_id), m.valid_from, m.valid_to)
                for m in self._tables.of(Mandate)
                if m.account_id == application.account_id
            ),
            coordinates=coordinates.route if coordinates else None,
            agency=agency,
            credential=next((c.state for c in self._passwords if c.number == number), None),
            others=tuple(a for a in applications.open_for(self.tx, application.account_id) if a.id != application.id),
        )

    def progress(self, application: Application, today: date) -> Progress:
        """How it stands. Raises ConfigError when its procedure is gone."""
        signed = applications.signatures(self.tx, application.id)
        made = examine(application, signed, self.book, self.known(application), today, next_business)
        if made is None:
            raise ConfigError(both("applications.procedure_gone", id=application.id))
        return made

    def account_kind(self, account: str) -> str | None:
        """What the registry says an account is."""
        return next((a.kind for a in self._tables.accounts if a.id == account), None)

    def called(self, practice: str) -> str:
        """The one form of a practice number the registry knows the person by; the number itself of one it does not."""
        return self._registry.known_as(practice, self.day)

    def agency(self, text: str) -> AgencyFacts | None:
        """An active agency by its name or by a transmission number it holds today, at whatever payer; compared as exact
        strings. None when nobody, or more than one, is called so."""
        named = {agency.id for agency in self._registry.agencies() if agency.name == text}
        holding = {id_ for _, number, id_ in self._registry.live_numbers(self.day) if number == text}
        ids = named or holding
        return self._facts(ids.pop()) if len(ids) == 1 else None

    def by_id(self, id_: str | None) -> AgencyFacts | None:
        """An agency by our id."""
        return self._facts(id_) if id_ and any(agency.id == id_ for agency in self._tables.agencies) else None

    def _facts(self, id_: str) -> AgencyFacts:
        agency = self._registry.agency(id_)
        number = self._registry.first_number(id_, self.day)
        recognised = not self._registry.agency_is(id_, "unrecognised", self.day)
        sources = tuple(source.name for source in self._registry.sources(id_))
        return AgencyFacts(agency.id, agency.name, agency.kind, number, recognised, sources)


def overdue(tx: Tx, state_dir: Path, today: date) -> list[dict[str, Any]]:
    """What is late of the applications that wait, one entry each; nothing is read of the payer's procedures when none
    waits. Raises ConfigError when they cannot be read."""
    waiting = [row for row in applications.every(tx) if row.withdrawn_on is None]
    if not waiting:
        return []
    desk = Desk(tx, state_dir, today)
    return [one for row in waiting for one in _late(desk, row, today)]


def _late(desk: Desk, row: Application, today: date) -> list[dict[str, Any]]:
    """An application whose procedure is gone is told too."""
    about = {"id": row.id, "account": row.account_id}
    try:
        remarks = desk.progress(row, today).overdue
    except ConfigError as error:
        return [about | {"code": "procedure_gone", "says": error.both}]
    return [about | {"code": remark.code, "says": remark.both} for remark in remarks]


def tell(call: Call, sign: str, remarks: Iterable[Remark]) -> None:
    """A line for each remark: `!` forbids, `?` is odd."""
    for remark in remarks:
        sys.stdout.write(f"{sign} {remark.both[call.lang]}\n")
