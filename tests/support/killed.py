"""A house on disk and the processes that run it, some of them told to die at a named point."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from gateway import platform
from gateway.app import open_app, shipped_and_own, working
from gateway.clock import SystemClock, today
from gateway.config import load
from gateway.registry import apply
from gateway.sandbox import Sandbox
from gateway.stages.match import requests, statements
from gateway.synthetic import LotSpec, generate, lot
from gateway.validation import judge

KILLED = 137
AGENCIES = {"18001": "personal:231236", "18003": "personal:251111"}
REGISTRY = """
[[agency]]
name = "Agence A"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
on_invalid = "salvage"
set_aside = "invalid"
  [[agency.number]]
  payer = "sandbox"
  number = "18001"
  from = 2016-07-01
  [[agency.source]]
  name = "a"
  software = { developer = "18001", name = "FactSoft", salvage_agreed = 2016-07-01 }
  pickup = { kind = "folder", path = "18001/lots", finished = "rename", after = "move" }
  returns = { kind = "folder", path = "18001/retours" }
[[agency]]
name = "Cabinet B"
kind = "solo"
payers = ["sandbox"]
  [[agency.number]]
  payer = "sandbox"
  number = "18003"
  from = 2012-01-01
  [[agency.source]]
  name = "b"
  pickup = { kind = "folder", path = "18003/lots", finished = "rename", after = "remove" }
  returns = { kind = "folder", path = "18003/retours" }
[[account]]
id = "personal:231236"
kind = "personal"
practitioners = ["231236"]
[[account]]
id = "personal:251111"
kind = "personal"
practitioners = ["251111"]
[[accreditation]]
account = "personal:231236"
agency = "18001"
from = 2012-01-01
[[accreditation]]
account = "personal:251111"
agency = "18003"
from = 2012-01-01
"""
FIRST = LotSpec(format="ramq-rfp", agency="18001", invoices=2, seed=1, practice="231236", account="personal:231236")
OTHER = LotSpec(format="ramq-rfp", agency="18001", invoices=1, seed=2, practice="231236", account="personal:231236")
BROKEN = LotSpec(
    format="ramq-rfp", agency="18001", invoices=1, seed=3, practice="231236", account="personal:231236",
    faults=("not_well_formed",),
)  # fmt: skip
PARTLY = LotSpec(
    format="ramq-rfp", agency="18001", invoices=2, seed=5, practice="231236", account="personal:231236",
    faults=("schema",),
)  # fmt: skip
OLD = LotSpec(
    format="ramq-dp", document="DP_RACIN", agency="18003", invoices=2, seed=4,
    practice="251111", account="personal:251111",
)  # fmt: skip


@dataclass
class House:
    """One gateway, its agencies' folders, and a payer that outlives the gateway's deaths."""

    folder: Path
    payer: Sandbox
    deposited: dict[str, bytes]  # path below the folder → bytes
    lives: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    def issue_statements(self) -> None:
        self.payer.process()
        self.payer.issue_statements(today(SystemClock()))


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Registered, with temporary passwords, and a lot in each agency's folder."""
    payer = Sandbox(folder / "payer", shipped_and_own(folder), SystemClock())
    for number in AGENCIES:
        for box in ("lots", "retours"):
            (folder / number / box).mkdir(parents=True)
    (folder / "registry.toml").write_text(REGISTRY)
    passwords = {number: payer.add(number, [account]) for number, account in AGENCIES.items()}
    port = payer.start()
    try:
        head = 'config_version = 1\n[gateway]\nstate_dir = "var"\n'
        (folder / "gateway.toml").write_text(head + payer.payer_block(port))
        with open_app(load(folder / "gateway.toml")) as app:
            plan = apply(app.store, folder / "registry.toml", app.config, app.catalog)
            assert not plan.refusals, plan.text("en")
            for number, password in passwords.items():
                app.credentials.set_temporary("sandbox", number, password)
        yield House(folder, payer, _deposit(folder))
    finally:
        payer.stop()


def _deposit(folder: Path) -> dict[str, bytes]:
    archive, single = BytesIO(), BytesIO()
    lot([FIRST, OTHER, BROKEN, PARTLY], archive)
    generate(OLD, single)
    made = {"18001/lots/a.zip": archive.getvalue(), "18003/lots/b.xml": single.getvalue()}
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return made


class Later(SystemClock):
    """The machine's clock, some minutes on: what waits to be tried again need not be waited for."""

    def __init__(self, minutes: int) -> None:
        self._by = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return super().now() + self._by


def _child(config: str, point: str | None, hit: int, minutes: int) -> None:
    """What a gateway process does: everything that is due, or as much of it as it lives to do."""
    left = [hit]

    def die(passed: str) -> None:
        if passed == point:
            left[0] -= 1
            if left[0] == 0:
                os._exit(KILLED)

    platform.listen(die if point else None)
    requests.IN_ONE = statements.IN_ONE = 1  # every reply is large: its rows are staged in pieces
    with working(load(Path(config)), clock=Later(minutes)) as app:
        if point and not point.startswith(("collect", "validate")):  # where lots are not judged, or were
            app.loop.rooms = replace(app.rooms, judge=lambda _, *what, **how: judge(*what, app.catalog, **how))
        app.loop.once()
        app.loop.close()


def forks() -> multiprocessing.context.ForkServerContext:
    """Processes forked from a warm parent that has no threads: a start costs milliseconds."""
    here = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.killed"])
    return context


def live(house: House, point: str | None = None, hit: int = 1) -> int:
    """Run the gateway once in a process of its own, a quarter of an hour after its last life; give its exit code."""
    process = forks().Process(target=_child, args=(str(house.config), point, hit, 15 * house.lives))
    house.lives += 1
    process.start()
    process.join(90)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode if process.exitcode is not None else -1
