"""A small house: real store, archive, catalog and registry rows, with mailboxes in memory that tests look into."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from sqlmodel import SQLModel, col, select
from support import fresh
from support.keys import keyring

from adapters.folder import Folder
from adapters.memory import Box, Memory
from gateway import catalog
from gateway.archive import Archive
from gateway.clock import FixedClock
from gateway.config import Config, GatewayConfig, PayerConfig
from gateway.errors import Denied
from gateway.identifiers import new_id
from gateway.models import (
    Account,
    AccountPractitioner,
    Accreditation,
    Agency,
    AgencyPayer,
    AgencyStanding,
    Batch,
    DeclaredSoftware,
    Reply,
    Request,
    Source,
    TransmissionNumber,
)
from gateway.models.facts import ALWAYS
from gateway.ports import Delivery, Pickup
from gateway.report import Report
from gateway.resources import data_dir
from gateway.stages import Outcome, Rooms
from gateway.stages.collect import Collect
from gateway.stages.transmit import Transmit
from gateway.stages.validate import Validate
from gateway.store import Store
from gateway.validation import judge

LONG_AGO = date(2016, 7, 1)
AUTUMN = datetime(2026, 10, 1, 16, tzinfo=UTC)  # noon in Quebec
SANDBOX: dict[str, Any] = {
    "name": "sandbox",
    "formats": ("ramq-rfp", "ramq-dp"),
    "kind": "memory",
    "environment": "test",
    "on_repeat": {"ramq-rfp": "first_answer", "ramq-dp": "unknown"},
    "deposits": "swallows",
}


class Boxes:
    """Mailboxes over boxes in memory, one by name: `pickup:SRC-1`, `returns:SRC-1`, `deposit:18001`."""

    def __init__(self) -> None:
        self.box: dict[str, Box] = defaultdict(Box)
        self.folder: dict[str, Path] = {}  # of the same names: those that are real folders instead
        self.refusals: dict[str, Denied] = {}  # whose credential cannot be used at all

    @contextmanager
    def pickup(self, source: Source) -> Iterator[Pickup]:
        yield self._box(f"pickup:{source.id}")

    @contextmanager
    def returns(self, source: Source) -> Iterator[Delivery]:
        yield Memory(self.box[f"returns:{source.id}"])

    @contextmanager
    def print_queue(self) -> Iterator[Delivery]:
        yield Memory(self.box["print"])

    @contextmanager
    def payer_deposit(self, payer: str, number: str) -> Iterator[Delivery]:
        if f"deposit:{number}" in self.refusals:
            raise self.refusals[f"deposit:{number}"]
        yield Memory(self.box[f"deposit:{number}"])

    @contextmanager
    def payer_returns(self, payer: str, number: str) -> Iterator[Pickup]:
        yield self._box(f"returns:{number}")

    def payer_login(self, payer: str, number: str, machine: str | None = None) -> None:
        self._box(f"returns:{number}").waiting()

    def _box(self, name: str) -> Pickup:
        return Folder(self.folder[name]) if name in self.folder else Memory(self.box[name])


class House:
    """Everything a stage needs, and short ways to look at what it did."""

    def __init__(self, folder: Path, address: Path | str | None = None, **payer: Any) -> None:
        self.clock = FixedClock(AUTUMN)
        self.boxes = Boxes()
        self.store = Store.open(address or fresh.database(folder / "gateway.db"), self.clock)
        self.archive = Archive(folder / "archive", keyring(self.store))
        self.archive.seal_old()  # as the service does when it starts
        self.collect, self.validate, self.transmit = Collect(), Validate(), Transmit()
        self._catalog = catalog.load([data_dir("schemas")])
        self.configure(folder, **payer)
        self.agency("AGE-1", "18001")
        self.account("personal:231234", "AGE-1")

    def configure(self, folder: Path, *, gateway: dict[str, Any] | None = None, **payer: Any) -> None:
        payers = (PayerConfig(**SANDBOX | payer),)
        config = Config(GatewayConfig(state_dir=folder, **gateway or {}), payers)
        self.rooms = Rooms(
            config, self.store, self.archive, self._catalog, self.clock, self.boxes, "worker-1", self._judge
        )

    def _judge(self, owner: str, source: BinaryIO, name: str, **how: Any) -> Report:
        """In this process, by the catalog of the moment; tests/test_slots.py has the processes."""
        return judge(source, name, self.rooms.catalog, **how)

    def with_broken_schema(self, folder: Path) -> None:
        """The new system's schema is damaged."""
        own = folder / "schemas"
        shutil.copytree(data_dir("schemas") / "ramq-rfp", own / "ramq-rfp")
        (own / "ramq-rfp" / "rfp.xsd").write_text("<damaged", "utf-8")
        self._catalog = catalog.load([own, data_dir("schemas")])
        self.rooms = replace(self.rooms, catalog=self._catalog)

    def with_shipped_schemas(self) -> None:
        """It was repaired."""
        self._catalog = catalog.load([data_dir("schemas")])
        self.rooms = replace(self.rooms, catalog=self._catalog)

    def close(self) -> None:
        self.store.close()

    # -- the registry --

    def agency(
        self, id_: str, number: str | None, *, kind: str = "commercial", migrated: date | None = LONG_AGO
    ) -> None:
        now = self.clock.now()
        facts: list[SQLModel] = [Agency(id=id_, name=f"Agence {id_}", kind=kind, recorded_at=now)]
        if migrated:
            standing = {"id": f"AST-{id_}", "agency_id": id_, "standing": "migrated"}
            facts.append(AgencyStanding(**standing, valid_from=migrated, recorded_at=now))
        facts.append(AgencyPayer(agency_id=id_, position=1, payer="sandbox"))
        if number:
            facts.append(self._number(number, id_))
        source = id_.replace("AGE", "SRC")
        facts.append(Source(id=source, agency_id=id_, position=1, name="factsoft", pickup={"finished": "rename"}))
        self.add(*facts)

    def number(self, number: str, agency: str) -> None:
        self.add(self._number(number, agency))

    def _number(self, number: str, agency: str) -> TransmissionNumber:
        fact = {"id": f"NUM-{number}", "payer": "sandbox", "number": number, "agency_id": agency}
        return TransmissionNumber(**fact, valid_from=LONG_AGO, recorded_at=self.clock.now())

    def number_until(self, fact: str, last: date) -> None:
        """A number's last day, learned now."""
        with self.store.write() as tx:
            old = tx.session.get_one(TransmissionNumber, fact)
            values = {name: getattr(old, name) for name in ("payer", "number", "agency_id", "valid_from")}
            old.superseded_at = tx.now
            tx.session.add(TransmissionNumber(id=f"{fact}-closed", valid_to=last, recorded_at=tx.now, **values))

    def account(self, id_: str, agency: str, *practices: str, since: date = LONG_AGO) -> None:
        now = self.clock.now()
        kind = "personal" if id_.startswith("p") else "admin_collective"
        facts: list[SQLModel] = [Account(id=id_, kind=kind, recorded_at=now)]
        for practice in practices:
            fact = {"id": f"APR-{id_}-{practice}", "account_id": id_, "practice": practice}
            facts.append(AccountPractitioner(**fact, valid_from=ALWAYS, recorded_at=now))
        self.add(*facts, self._accreditation(id_, agency, since))

    def accredit(self, account: str, agency: str, since: date) -> None:
        self.add(self._accreditation(account, agency, since))

    def _accreditation(self, account: str, agency: str, since: date) -> Accreditation:
        fact = {"id": f"ACC-{account}-{agency}", "account_id": account, "agency_id": agency}
        return Accreditation(**fact, valid_from=since, recorded_at=self.clock.now())

    def source(self, **values: Any) -> None:
        """Change the first agency's source, or the software it declared."""
        declared = {word: values.pop(word) for word in ("developer", "software") if word in values}
        if declared:
            self.declares(**declared)
        with self.store.write() as tx:
            source = tx.session.get_one(Source, "SRC-1")
            for name, value in values.items():
                setattr(source, name, value)

    def declares(self, source: str = "SRC-1", **said: str | None) -> None:
        """What a source declared is different from now on; what is not said stays as it was."""
        mine = (col(DeclaredSoftware.source_id) == source, col(DeclaredSoftware.superseded_at).is_(None))
        with self.store.write() as tx:
            before = tx.session.exec(select(DeclaredSoftware).where(*mine)).one_or_none()
            values: dict[str, Any] = {"developer": None, "name": None}
            if before is not None:
                values, before.superseded_at = {"developer": before.developer, "name": before.name}, tx.now
            values |= {"name" if word == "software" else word: value for word, value in said.items()}
            if values["name"] is not None:
                days = {"valid_from": ALWAYS, "recorded_at": tx.now}
                tx.session.add(DeclaredSoftware(id=new_id("DSO"), source_id=source, **values, **days))

    def add(self, *records: SQLModel) -> None:
        with self.store.write() as tx:
            for record in records:
                tx.session.add(record)
                tx.session.flush()  # in this order: later ones name earlier ones

    # -- the flow --

    def deposit(self, name: str, data: bytes | str, source: str = "SRC-1") -> None:
        self.boxes.box[f"pickup:{source}"].put(name, data if isinstance(data, bytes) else data.encode())

    def collected(self, source: str = "SRC-1") -> Outcome:
        return self.collect.run(self.rooms, source)

    def judged(self, agency: str = "AGE-1") -> Outcome:
        return self.validate.run(self.rooms, agency)

    def sent(self, number: str = "18001") -> Outcome:
        return self.transmit.run(self.rooms, f"sandbox:{number}")

    def given(self, name: str, data: bytes | str, source: str = "SRC-1") -> list[Request]:
        """Deposit, collect and judge; the requests that came of it."""
        self.deposit(name, data, source)
        before = {request.id for request in self.all(Request)}
        self.collected(source)
        self.judged(source.replace("SRC", "AGE"))
        return [request for request in self.all(Request) if request.id not in before]

    def later(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    # -- what came of it --

    def all(self, model: type[Any]) -> list[Any]:
        with self.store.read() as tx:
            return sorted(tx.session.exec(select(model)), key=lambda record: str(getattr(record, "id", "")))

    def request(self, number: str) -> Request:
        (found,) = (request for request in self.all(Request) if request.no_dem_ext == number)
        return found

    def states(self) -> dict[str, str]:
        """Every request's number and state."""
        return {str(request.no_dem_ext): request.state for request in self.all(Request)}

    def replies(self, kind: str) -> list[Reply]:
        return [reply for reply in self.all(Reply) if reply.kind == kind]

    def batch(self) -> Batch:
        (found,) = self.all(Batch)
        return found

    def kept(self, ref: str | None) -> bytes:
        with self.archive.open(ref or "") as stream:
            return stream.read()

    def at_the_payer(self, number: str = "18001") -> dict[str, bytes]:
        return {name: kept.data for name, kept in self.boxes.box[f"deposit:{number}"].files.items()}


def sample(family: str, name: str) -> str:
    """A sample document that travels with the program."""
    return (data_dir("schemas") / family / "samples" / f"{name}.xml").read_text("utf-8")


def paimt(number: str = "D-1", *, first: str = "F-1", second: str = "F-2", sender: str = "18001") -> str:
    """A payment request of two invoices, on the personal account 231234."""
    text = sample("ramq-rfp", "valid_dem_paimt_dentist").replace("2026-0914-001", number)
    text = text.replace("F-0001", first).replace("F-0002", second)
    return text.replace("<id_intvn>18001</id_intvn>", f"<id_intvn>{sender}</id_intvn>")


def annu(number: str = "A-1", first: str = "00000000101", second: str = "00000000102") -> str:
    """A cancellation of two invoices."""
    text = sample("ramq-rfp", "valid_dem_annu_two_invoices").replace("2026-0921-001", number)
    return text.replace("00000000101", first).replace("00000000102", second)


def zipped(**members: str) -> bytes:
    """A ZIP; a member's name is its key with `.xml`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.xml", text)
    return target.getvalue()
