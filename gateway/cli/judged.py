"""Which files are meant, and what judging one of them gives a person to see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from gateway.catalog import Catalog
from gateway.cli.common import Call, raw_config
from gateway.messages import Both, both, why_not
from gateway.platform import as_text
from gateway.rendering.excerpt import excerpts
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation import check

DOCUMENTS = frozenset({".xml", ".zip"})


@dataclass
class Outcome:
    """What judging one file gave: a report for each document in it, or why it could not be read."""

    file: Path
    reports: list[Report] = field(default_factory=list)
    excerpts: dict[tuple[str, int, int], str] = field(default_factory=dict)
    why: Both | None = None


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files meant: a file is itself, a folder every document below it. Each once, in the order given."""
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(sorted(_below(path)) if path.is_dir() else [path]))
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.suffix.lower() in DOCUMENTS and file.is_file():
            yield file


def judge_file(
    file: Path, *, catalog: Catalog, on: date | None, look: bool, tolerances: Collection[str] = ()
) -> Outcome:
    """Judge one file; `look` also takes what stands at the places of its findings."""
    outcome = Outcome(file)

    def take(report: Report, document: BinaryIO) -> None:
        if look and report.findings:
            outcome.excerpts.update(excerpts(document, report, catalog))

    if file.exists() and not file.is_file():  # a pipe would never end
        return unreadable(file, both("system.not_a_file"))
    try:
        outcome.reports = check(file, catalog=catalog, on=on, look=take, tolerances=tolerances)
    except OSError as error:
        return unreadable(file, why_not(error))
    return outcome


def unreadable(file: Path, why: Both) -> Outcome:
    """A file nobody could judge: never valid."""
    return Outcome(file, [Report(as_text(file), "", None, None, None, "not_judged")], why=why)


def catalog_folders(call: Call) -> list[Path]:
    """The state folder's own families before the shipped ones; the configuration is not judged for this."""
    folder = call.state_dir
    if folder is None:
        try:
            raw = raw_config(str(call.config_file) if call.config_file else None)
            folder = (call.config_file or Path("gateway.toml")).parent / raw["gateway"]["state_dir"]
        except (OSError, KeyError, TypeError, ValueError):
            folder = Path("var")
    return [folder / "schemas", data_dir("schemas")]
