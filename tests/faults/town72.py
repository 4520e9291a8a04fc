"""Three days of a town by a clock that jumps: many agencies, one payer, and one gateway process that stays alive.

python -m faults.town72 FOLDER LOTS SEED        # says how it stands in a line of JSON, and waits for a line
"""

from __future__ import annotations

import gc
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog

from adapters.memory import box
from faults.notebook import Notebook
from faults.unsteady import weather
from gateway.app import App, open_app, shipped_and_own
from gateway.clock import FixedClock, today
from gateway.config import load
from gateway.processes import use_one_heap
from gateway.registry import apply
from gateway.report import Report
from gateway.resident import recover
from gateway.sandbox import Sandbox
from gateway.sandbox.users import DEPOSIT
from gateway.synthetic import LotSpec, generate, lot

STEPS, STEP = 80, timedelta(minutes=54)  # 72 hours
PERIOD = 8  # steps between two looks from outside: a tenth
STATEMENTS = 5  # the step of each period at which the payer issues them
QUIETLY = 100  # steps after the last lot in which everything must come to its end
STAYS = 4  # steps before an agency takes a return away: longer than the longest wait before it is tried again
TURNS = 60  # of the work loop in one step
SHARE = 0.005  # of all operations on mailboxes break
MORNING = datetime(2026, 10, 5, 10, tzinfo=UTC)
BROKEN = ("not_well_formed", "schema")
AGENCY = """
[[agency]]
name = "Agence {number}"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
  [[agency.number]]
  payer = "sandbox"
  number = "{number}"
  from = 2016-07-01
  [[agency.source]]
  name = "logiciel"
  pickup = {{ kind = "{kind}", path = "lots-{number}", finished = "rename", after = "remove", poll = "{poll}s" }}
  returns = {{ kind = "{kind}", path = "retours-{number}" }}
[[account]]
id = "personal:{practice}"
kind = "personal"
practitioners = ["{practice}"]
[[accreditation]]
account = "personal:{practice}"
agency = "{number}"
from = 2012-01-01
"""
PAYER = """config_version = 1
[gateway]
state_dir = "var"
[[payer]]
name = "sandbox"
formats = ["ramq-rfp"]
kind = "{kind}"
environment = "test"
deposit = "depot-{{transmission_number}}"
returns = "reponses-{{transmission_number}}"
on_repeat = "first_answer"
deposits = "swallows"
statements = "etat-compte"
poll = "{poll}s"
returns_finished = "rename"
"""


def agencies(lots: int) -> dict[str, str]:
    """Transmission number → practice number: fifty, fewer for a short look."""
    return {f"{18001 + n}": f"{231001 + n}" for n in range(max(3, min(50, lots // 20)))}


class Days:
    """The three days."""

    def __init__(self, folder: Path, lots: int, seed: int, steps: int) -> None:
        self._folder, self._lots, self._steps, self._chance = folder, lots, steps, random.Random(f"{seed}/lots")
        self._agencies, self._clock = agencies(lots), FixedClock(MORNING)
        self._notebook = Notebook(folder / "notebook.sqlite")
        self._payer = Sandbox(folder / "payer", shipped_and_own(folder), self._clock)
        self._seen: dict[tuple[str, str], int] = {}  # (number, name) of a return → the step it was first seen at
        self._others = re.compile(rb"(?<![0-9A-Za-z])(?:%s)(?![0-9A-Za-z])" % "|".join(self._agencies).encode())

    def live(self) -> None:
        with self._gateway() as app:
            weather.share = SHARE
            for step in range(self._steps):
                for ordinal in range(self._before(step), self._before(step + 1)):
                    self._deposit(ordinal)
                self._step(app, step)
                if (step + 1) % PERIOD == 0:
                    self._tell(step + 1)
            for step in range(self._steps, self._steps + QUIETLY):
                if self._at_rest():
                    break
                self._step(app, step)
            self._collect(step + STAYS)
            self._tell(step, last=True)

    def _before(self, step: int) -> int:
        """How many lots were deposited before this step began."""
        return min(step, self._steps) * self._lots // self._steps

    @contextmanager
    def _gateway(self) -> Iterator[App]:
        facts = {"kind": "faults.unsteady:open_mailbox", "poll": int(STEP.total_seconds())}
        (self._folder / "gateway.toml").write_text(PAYER.format(**facts))
        with open_app(load(self._folder / "gateway.toml"), clock=self._clock) as app:
            said = "".join(AGENCY.format(number=n, practice=p, **facts) for n, p in self._agencies.items())
            (self._folder / "registry.toml").write_text(said)
            plan = apply(app.store, self._folder / "registry.toml", app.config, app.catalog)
            assert not plan.refusals, plan.text("en")
            for number, practice in self._agencies.items():
                password = self._payer.add(number, [f"personal:{practice}"])
                app.credentials.set_current("sandbox", number, password)
            _judging_in_one_slot(app)
            recover(app)
            yield app
            app.loop.close()

    def _step(self, app: App, step: int) -> None:
        for _ in range(TURNS):
            if not app.loop.tick():
                break
        self._collect(step)
        self._answer()
        if step % PERIOD == STATEMENTS:
            self._payer.issue_statements(today(self._clock))
        self._clock.advance(STEP)

    def _deposit(self, ordinal: int) -> None:
        """One agency's lot: mostly a document of one or two invoices, sometimes several, sometimes nothing right."""
        number = self._chance.choice(list(self._agencies))
        fault = (self._chance.choice(BROKEN),) if self._chance.random() < 0.05 else ()
        several = self._chance.random() < 0.1
        practice = self._agencies[number]
        own = {"format": "ramq-rfp", "agency": number, "practice": practice, "account": f"personal:{practice}"}
        specs = [
            LotSpec(**own, invoices=self._chance.randint(1, 2), seed=2 * ordinal + second, faults=fault)  # type: ignore[arg-type]
            for second in range(1 + several)
        ]
        sink = BytesIO()
        if several:
            lot(specs, sink)
        else:
            generate(specs[0], sink)
        name = f"lot-{ordinal:06d}.{'zip' if several else 'xml'}"
        self._notebook.deposited(name, number, sink.getvalue(), right=not fault)
        box(f"lots-{number}").put(name, sink.getvalue())

    def _answer(self) -> None:
        """The payer takes what was sent to it, and lays its answers where they are fetched."""
        for number in self._agencies:
            sent, returns = box(f"depot-{number}").files, self._payer.returns(number)
            for name in list(sent):
                (returns.parent / DEPOSIT / name).write_bytes(sent.pop(name).data)
        self._payer.recover()
        self._payer.process()
        for number in self._agencies:
            for file in sorted(self._payer.returns(number).iterdir()):
                if file.name not in box(f"reponses-{number}").files:
                    box(f"reponses-{number}").put(file.name, file.read_bytes())
                    file.unlink()

    def _collect(self, step: int) -> None:
        """Each agency takes its returns away after a while, and looks whether they speak of another one."""
        for number in self._agencies:
            files = box(f"retours-{number}").files
            for name in list(files):
                if step - self._seen.setdefault((number, name), step) >= STAYS:
                    del self._seen[number, name]
                    data = files.pop(name).data
                    strangers = {found.decode() for found in self._others.findall(data)} - {number}
                    self._notebook.returned(name, number, data, strangers)

    def _lying(self) -> int:
        """Files on their way: deposited, sent, answered."""
        lying = sum(len(box(f"{where}-{n}").files) for n in self._agencies for where in ("lots", "depot", "reponses"))
        return lying + sum(len(list(self._payer.returns(number).iterdir())) for number in self._agencies)

    def _at_rest(self) -> bool:
        with sqlite3.connect(self._folder / "var" / "gateway.db") as db:
            busy = db.execute(
                "select (select count(*) from batch where state = 'COLLECTED')"
                " + (select count(*) from request where state in ('READY', 'TRANSMITTING', 'TRANSMITTED'))"
                " + (select count(*) from reply where state in ('RECEIVED', 'MATCHED', 'DISTRIBUTING'))"
            ).fetchone()[0]
        db.close()
        return not busy and not self._lying()

    def _tell(self, step: int, *, last: bool = False) -> None:
        gc.collect()
        said = {
            "hours": round(step * STEP / timedelta(hours=1), 1),
            "lots": self._before(step),
            "last": last,
            "broken": dict(weather.struck),
            "lying": self._lying(),
            **_size(),
        }
        print(json.dumps(said), flush=True)
        sys.stdin.readline()


def _judging_in_one_slot(app: App) -> None:
    """Documents are judged in a process beside this one, as in production, but in one for all: slots are kept for one
    owner each, and fifty agencies in turn would start a process for every lot."""
    turn = threading.Lock()

    def judge(_owner: str, *what: Any, **how: Any) -> Report:
        with turn:
            return app.slots.judge("town", *what, **how)

    app.loop.rooms = replace(app.rooms, judge=judge)


def _size() -> dict[str, float]:
    """What this process holds: resident memory in MiB, open files, threads, files in its temporary folder."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "memory": round(pages * os.sysconf("SC_PAGESIZE") / 2**20, 1),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": sum(1 for _ in Path("/proc/self/task").iterdir()),
        "temporary": sum(len(files) for _, _, files in os.walk(tempfile.gettempdir())),
    }


if __name__ == "__main__":
    use_one_heap()  # as `resident.working` does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    weather.seed = int(sys.argv[3])
    Days(Path(sys.argv[1]), *map(int, (*sys.argv[2:], STEPS)[:3])).live()
