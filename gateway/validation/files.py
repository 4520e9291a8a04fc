"""Files as `gateway check` is given them: a document, or a ZIP of documents."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from gateway.catalog import Catalog
from gateway.report import Report
from gateway.validation.archive import Archive, is_archive, members, open_member
from gateway.validation.judging import judge


def check_file(path: Path, catalog: Catalog) -> list[Report]:
    """The report of a document, or of every document of a ZIP (`lot.zip!/a.xml`). Raises OSError when the file cannot
    be read."""
    with path.open("rb") as source:
        if not is_archive(source):
            return [judge(source, str(path), catalog)]
        archive = members(source, str(path))
        if archive.findings:
            return [_refused(source, archive)]
        return [_member(source, archive, number, catalog) for number in range(len(archive.members))]


def _member(source: BinaryIO, archive: Archive, number: int, catalog: Catalog) -> Report:
    member = archive.members[number]
    with open_member(source, member) as stream:
        return judge(stream, f"{archive.name}!/{member.name}", catalog)


def _refused(source: BinaryIO, archive: Archive) -> Report:
    source.seek(0)
    digest = hashlib.sha256()
    while block := source.read(1 << 18):
        digest.update(block)
    report = Report(archive.name, digest.hexdigest(), None, None, None, "invalid")
    report.findings, report.findings_total = list(archive.findings), len(archive.findings)
    return report
