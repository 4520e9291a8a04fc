"""A town to attack: agencies with their folders, a gateway in this process, a payer behind real SFTP."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from gateway.app import App, open_app, shipped_and_own
from gateway.clock import FixedClock, today
from gateway.config import load
from gateway.registry import apply
from gateway.resident import recover
from gateway.sandbox import Sandbox
from gateway.synthetic import LotSpec, generate

NOON = datetime(2026, 11, 2, 17, tzinfo=UTC)
_AGENCY = """
[[agency]]
name = "{name}"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
{numbers}
  [[agency.source]]
  name = "logiciel"
  pickup = {{ kind = "folder", path = "{home}/lots", finished = "rename", after = "{after}" }}
  returns = {{ kind = "folder", path = "{home}/retours" }}
"""
_NUMBER = '  [[agency.number]]\n  payer = "sandbox"\n  number = "{number}"\n  from = {since}\n'
_ACCOUNT = """
[[account]]
id = "{account}"
kind = "personal"
practitioners = ["{practice}"]
[[accreditation]]
account = "{account}"
agency = "{agency}"
from = 2012-01-01
"""


@dataclass
class Agency:
    """One agency. `home`: the folder that holds its `lots` and `retours`."""

    name: str
    number: str
    account: str  # personal:…
    home: Path
    after: str = "move"

    @property
    def practice(self) -> str:
        return self.account.partition(":")[2]

    def deposit(self, name: str, data: bytes | str) -> Path:
        """Lay a finished file into the agency's deposit folder."""
        path = self.home / "lots" / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def returned(self) -> dict[str, bytes]:
        """What lies in its returns."""
        return {path.name: path.read_bytes() for path in (self.home / "retours").iterdir()}

    def lot(self, seed: int = 1, invoices: int = 1, **more: Any) -> bytes:
        """A valid request of its own; `more` as LotSpec has it."""
        own = {"format": "ramq-rfp", "agency": self.number, "practice": self.practice, "account": self.account}
        sink = io.BytesIO()
        generate(LotSpec(**own | {"seed": seed, "invoices": invoices} | more), sink)
        return sink.getvalue()


@dataclass
class Town:
    """Everything that runs, and what came of it."""

    folder: Path
    clock: FixedClock
    payer: Sandbox
    app: App
    agencies: Mapping[str, Agency]  # by transmission number
    passwords: dict[str, str] = field(default_factory=dict)  # the temporary ones

    def once(self) -> None:
        """What `gateway once` does, without a process of its own."""
        recover(self.app)
        self.app.loop.once()

    def settle(self) -> None:
        """Until the payer has answered everything and nothing lies in its return boxes any more."""
        self.once()
        for _ in range(5):
            self.payer.process()
            if not any(any(self.payer.returns(number).iterdir()) for number in self.agencies):
                return
            self.once()
        raise AssertionError("the payer's return boxes never empty")

    def statements(self) -> None:
        """One statement cycle, all the way."""
        self.payer.issue_statements(today(self.clock))
        self.settle()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """The database, seen with our own eyes."""
        with closing(sqlite3.connect(f"file:{self.folder}/var/gateway.db?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def states(self, agency: Agency) -> dict[str, tuple[str, str | None]]:
        """State and reason of each of an agency's requests, by the name of the deposited file."""
        found = self.rows(
            "select b.name, b.state as lot, r.state, r.reason, b.agency_id from batch b"
            " left join request r on r.batch_id = b.id join agency a on a.id = b.agency_id where a.name = ?",
            agency.name,
        )
        return {row["name"]: (row["state"] or row["lot"], row["reason"]) for row in found}

    def apply(self, text: str) -> None:
        """Change the registry."""
        file = self.folder / "registry.toml"
        file.write_text(text, encoding="utf-8")
        plan = apply(self.app.store, file, self.app.config, self.app.catalog)
        assert not plan.refusals, plan.text("en")


def registry(agencies: Sequence[Agency], since: date = date(2016, 7, 1)) -> str:
    """The registry file of these agencies, each accredited for its own account."""
    parts = [
        _AGENCY.format(
            name=agency.name,
            home=agency.home.name,
            after=agency.after,
            numbers=_NUMBER.format(number=agency.number, since=since),
        )
        for agency in agencies
    ]
    parts += [_ACCOUNT.format(account=a.account, practice=a.practice, agency=a.number) for a in agencies]
    return "".join(parts)


@contextmanager
def town(
    folder: Path,
    agencies: Mapping[str, str],
    *,
    gateway: str = "",
    machines: bool = False,
    between: Callable[[int], int] = int,
    begun: datetime | None = None,
    **sandbox: Any,
) -> Iterator[Town]:
    """A running town; `agencies`: number → personal account. `gateway`: more lines of [gateway]. `machines`: the payer
    makes machine identifiers, and nobody logs in without one; `between` opens what stands before the door where they
    are made: given its port, it tells the one to go to. `begun`: the folder holds a town that was closed then, and goes
    on."""
    clock = FixedClock(begun or NOON)
    payer = Sandbox(folder / "payeur", shipped_and_own(folder), clock, **sandbox)
    people = {
        number: Agency(f"Agence {chr(65 + place)}", number, account, folder / f"agence-{number}")
        for place, (number, account) in enumerate(agencies.items())
    }
    passwords = {} if begun else _settled(payer, list(people.values()))
    port = payer.start()
    try:
        (folder / "gateway.toml").write_text(
            f'config_version = 1\n[gateway]\nstate_dir = "var"\n{gateway}\n'
            + payer.payer_block(port, machines=between(payer.machines.start()) if machines else 0)
        )
        with open_app(load(folder / "gateway.toml"), clock=clock) as app:
            place = Town(folder, clock, payer, app, people, passwords)
            if not begun:
                place.apply(registry(list(people.values())))
            for number, password in passwords.items():
                app.credentials.set_temporary("sandbox", number, password)
            yield place
            app.loop.close()
    finally:
        payer.stop()


def _settled(payer: Sandbox, people: Sequence[Agency]) -> dict[str, str]:
    """Their folders are made, and the payer knows them; their temporary passwords."""
    for agency in people:
        for box in ("lots", "retours"):
            (agency.home / box).mkdir(parents=True)
    return {agency.number: payer.add(agency.number, [agency.account]) for agency in people}


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these members."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()
