"""Documents as people have them: a file, or its bytes; one document, or a ZIP of documents."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.platform import as_text
from gateway.report import Report
from gateway.resources import data_dir
from gateway.validation.archive import Archive, is_archive, members, open_member
from gateway.validation.judging import judge

Look = Callable[[Report, BinaryIO], None]
Verdict = Callable[[BinaryIO, str], Report]


def check(
    source: Path | str | bytes,
    *,
    catalog: Catalog | None = None,
    name: str | None = None,
    look: Look | None = None,
    on: date | None = None,
    tolerances: Collection[str] = (),
) -> list[Report]:
    """Judge a document, or every document of a ZIP (`lot.zip!/a.xml`): one report each, in their order.

    `source` is a path, or the bytes themselves; `name` is what reports call it. Without a catalog, the families that
    travel with the program. `look` is shown each report with its document still open, to read from. `on` is today for
    the rules that count from it (limits of submission); without it their codes are in `not_checked`. `tolerances` are
    those of a source (`iso_8859_1`, …). A bad document is
    a report, never an exception. Raises OSError when a file cannot be read, CatalogError when a family is broken.
    """
    known = catalog or shipped()
    with _opened(source) as stream:
        named = name or ("-" if isinstance(source, bytes) else as_text(source))
        return _judged(stream, named, partial(judge, catalog=known, on=on, tolerances=tolerances), look or _nobody)


def check_file(path: Path, catalog: Catalog) -> list[Report]:
    """`check` of a file, against a catalog."""
    return check(path, catalog=catalog)


@cache
def shipped() -> Catalog:
    """The families that travel with the program, read once."""
    return catalogs.load([data_dir("schemas")])


def _nobody(_report: Report, _document: BinaryIO) -> None:
    """Nobody looks."""


def _opened(source: Path | str | bytes) -> AbstractContextManager[BinaryIO]:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _judged(source: BinaryIO, name: str, verdict: Verdict, look: Look) -> list[Report]:
    if not is_archive(source):
        report = verdict(source, name)
        look(report, source)
        return [report]
    archive = members(source, name)
    if archive.findings:
        return [_refused(source, archive)]
    return [_member(source, archive, number, verdict, look) for number in range(len(archive.members))]


def _member(source: BinaryIO, archive: Archive, number: int, verdict: Verdict, look: Look) -> Report:
    member = archive.members[number]
    with open_member(source, member) as stream:
        report = verdict(stream, f"{archive.name}!/{member.name}")
        look(report, stream)
        return report


def _refused(source: BinaryIO, archive: Archive) -> Report:
    source.seek(0)
    digest = hashlib.sha256()
    while block := source.read(1 << 18):
        digest.update(block)
    report = Report(archive.name, digest.hexdigest(), None, None, None, "invalid")
    report.findings, report.findings_total = list(archive.findings), len(archive.findings)
    return report
