"""`make bench`: from a file in the drop folder to every verdict, row and finding stored, beside `xmllint`.

    python bench/stored.py [--rounds 5] [--sizes 10000 100000]

Two stages of a house of its own (SQLite) in one process: collect, validate; nothing is sent. Start-up is in it. What
persisting costs is told beside what judging the same document costs, both taken inside that process: persisting is
making the rows and writing them. Nothing here is a test: it prints, people judge.
"""

from __future__ import annotations

import argparse
import gc
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from judging import SCHEMAS, XSD, document
from measure import Lane, ratio, rounds, table

from gateway import app as house
from gateway import catalog, config
from gateway.clock import SystemClock, today
from gateway.stages.collect import Collect
from gateway.stages.validate import Validate
from gateway.store import staged
from gateway.validation import judge

REGISTRY = """
[[agency]]
name = "Banc d'essai"
kind = "commercial"
payers = ["banc"]
migrated_on = 2016-07-01
  [[agency.number]]
  payer = "banc"
  number = "18001"
  from = 2016-07-01
  [[agency.source]]
  name = "banc"
  pickup = { kind = "folder", path = "lots", finished = "rename", after = "remove" }
  returns = { kind = "folder", path = "retours" }
[[account]]
id = "personal:231236"
kind = "personal"
practitioners = ["231236"]
[[accreditation]]
account = "personal:231236"
agency = "18001"
from = 2012-01-01
"""
CONFIG = """config_version = 1
[[payer]]
name = "banc"
kind = "folder"
environment = "test"
formats = ["ramq-rfp"]
statements = "etat-compte"
deposit = "depot"
returns = "retours-payeur"
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--work", type=Path, metavar="HOUSE", help=argparse.SUPPRESS)
    options.add_argument("--beside", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.work:
        work(chosen.work, chosen.beside)
        return
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        for size in chosen.sizes:
            compare(size, chosen.rounds, Path(name))


def compare(size: int, count: int, folder: Path) -> None:
    """One table: the whole of it and xmllint, on a lot of one size."""
    place, lot, one = folder / f"house-{size}", document("rfp", size, folder), document("rfp", 1, folder)
    xmllint = shutil.which("xmllint") or sys.exit("xmllint is not installed")
    work = [sys.executable, __file__, "--work", str(place)]
    lanes = [
        Lane("xmllint", [xmllint, "--noout", "--stream", "--schema", str(XSD["rfp"]), str(lot)]),
        Lane("drop folder to stored", work, lambda: fresh(place, lot)),
        Lane("start-up: one invoice", work, lambda: fresh(place, one)),
    ]
    seen = rounds(lanes, count)
    print(table(f"stored, {size:,} invoices, {lot.stat().st_size / 1e6:.1f} MB", seen, ["xmllint"]))
    yardstick, whole, start = seen.values()
    alone = median((a.cpu - b.cpu) / max(c.cpu, 1e-9) for a, b, c in zip(whole, start, yardstick, strict=True))
    with_start = ratio(seen, "drop folder to stored", "xmllint", "cpu")
    print(f"- CPU: {with_start:.2f} × xmllint; {alone:.2f} × with the start-up subtracted")
    shares = []
    for _ in range(count):
        fresh(place, lot)
        done = subprocess.run([*work, "--beside", str(lot)], capture_output=True, text=True, check=True)
        shares.append([float(one) for one in done.stdout.splitlines()[-1].split()])
    print(f"- persisting {median(kept / judged for kept, judged in shares):.2f} × judging\n", flush=True)


def fresh(place: Path, lot: Path) -> None:
    """A new house, and the lot in its drop folder."""
    shutil.rmtree(place, ignore_errors=True)
    for box in ("lots", "retours", "depot", "retours-payeur"):
        (place / box).mkdir(parents=True)
    (place / "gateway.toml").write_text(CONFIG)
    (place / "registry.toml").write_text(REGISTRY)
    words = [sys.executable, "-m", "gateway", "registry", "apply", str(place / "registry.toml")]
    subprocess.run([*words, "--config", str(place / "gateway.toml")], check=True, capture_output=True)
    shutil.copy(lot, place / "lots" / "lot.xml.part")
    (place / "lots" / "lot.xml.part").rename(place / "lots" / "lot.xml")


# -- one process --


def work(place: Path, beside: Path | None) -> None:
    """Collect and judge. With the lot `beside`: tell the CPU seconds of persisting, and of judging it once more."""
    kept = 0.0
    really = staged.add

    def timed(store: Any, kind: Any, rows: Iterable[Any]) -> int:
        nonlocal kept
        begun = time.process_time()
        number = really(store, kind, rows)
        kept += time.process_time() - begun
        return number

    staged.add = timed
    with house.open_app(config.load(place / "gateway.toml")) as app:
        gc.freeze()  # as `gateway run` does
        for stage in (Collect(), Validate()):
            for endpoint in stage.endpoints(app.rooms):
                stage.run(app.rooms, endpoint.name)
    assert kept
    if beside is not None:
        known, data = catalog.load([SCHEMAS]), beside.read_bytes()
        begun = time.process_time()
        judge(io.BytesIO(data), beside.name, known, on=today(SystemClock()), sink=[].append)  # as the stage does
        print(kept, time.process_time() - begun)


if __name__ == "__main__":
    main()
