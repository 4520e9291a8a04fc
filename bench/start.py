"""What `gateway check` costs before it judges: one small document, start to verdict, beside Python with lxml; and
many files with one process and with two."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Lane, ratio, rounds, table
from whole_way import GATEWAY, document

BARE = "python -c 'import lxml.etree'"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        small(document(folder, 3, 1), chosen.rounds)
        beside(document(folder, 2_000, 2), folder / "many", chosen.rounds)


def small(file: Path, count: int) -> None:
    """The goal: at most 8 times as long as the bare import."""
    lanes = [
        Lane(BARE, [sys.executable, "-c", "import lxml.etree"]),
        Lane("gateway check", [*GATEWAY, "check", str(file)]),
        Lane("gateway check --format json", [*GATEWAY, "check", "--format", "json", str(file)]),
        Lane("gateway check --format html", [*GATEWAY, "check", "--format", "html", str(file)]),
    ]
    print(table("one document of 3 invoices, start to verdict", rounds(lanes, count), [BARE]))


def beside(file: Path, folder: Path, count: int) -> None:
    """The goal: two processes cost at most 1.75 times the CPU of one."""
    folder.mkdir()
    for number in range(8):
        shutil.copyfile(file, folder / f"{number}.xml")
    lanes = [Lane(f"--jobs {jobs}", [*GATEWAY, "check", "--jobs", str(jobs), str(folder)]) for jobs in (1, 2)]
    seen = rounds(lanes, count)
    print(table("8 files of 2,000 invoices", seen, ["--jobs 1"]))
    print(f"CPU of --jobs 2, × --jobs 1: {ratio(seen, '--jobs 2', '--jobs 1', 'cpu'):.2f}\n")


if __name__ == "__main__":
    main()
