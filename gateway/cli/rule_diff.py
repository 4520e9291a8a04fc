"""`gateway rules diff OLD NEW`: what other schemas and rules would say of the same documents, given or archived."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import typer

from gateway import catalog as catalogs
from gateway.catalog import Catalog
from gateway.cli.common import Call, show_json
from gateway.cli.find import the_one
from gateway.cli.house import opened
from gateway.cli.judged import files_in
from gateway.clock import SystemClock, today
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.models import Batch, Request
from gateway.report import LISTED, Report
from gateway.resources import data_dir
from gateway.store import Tx, deposits, status
from gateway.validation import check

_Key = tuple[int, str, str, str]  # ordinal of the invoice (0: the document), its number, code, severity


@dataclass
class Change:
    """What becomes different for one document."""

    file: str
    verdict: tuple[str, str]
    gained: list[_Key] = field(default_factory=list)
    lost: list[_Key] = field(default_factory=list)
    capped: bool = False  # more findings than a report lists: some changes may not be seen

    @property
    def any(self) -> bool:
        return self.verdict[0] != self.verdict[1] or bool(self.gained or self.lost)


def diff(
    ctx: typer.Context,
    old: Path = typer.Argument(..., help="rules.diff_old", metavar="OLD"),
    new: Path = typer.Argument(..., help="rules.diff_new", metavar="NEW"),
    over: list[Path] = typer.Option([], "--over", help="rules.diff_over", metavar="DIR"),
    archived: bool = typer.Option(False, "--archived", help="rules.diff_archived"),
    lots: list[str] = typer.Option([], "--lot", help="rules.diff_lot", metavar="ID"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> int:
    call: Call = ctx.obj
    files = files_in(over)
    if not files and not archived and not lots:
        raise ConfigError(both("rules.diff_nothing"))
    before, after, day = families(old), families(new), today(SystemClock())
    seen = list(changes(files, before, after, day))
    if archived or lots:
        seen += archived_changes(call, [] if archived else lots, before, after, day)
    found = [change for change in seen if change.any]
    if as_json:
        show_json([asdict(change) for change in found])
    else:
        for change in found:
            typer.echo("\n".join(_lines(call, change)))
        verdicts = sum(change.verdict[0] != change.verdict[1] for change in found)
        typer.echo(call.say("rules.diff_summary", documents=len(seen), changed=len(found), verdicts=verdicts))
    return 1 if found else 0


def families(folder: Path) -> Catalog:
    """The families of a folder, or of the folder that holds this family; the shipped ones where it has none."""
    return catalogs.load([folder.parent if (folder / "catalog.toml").exists() else folder, data_dir("schemas")])


def changes(files: Sequence[Path], old: Catalog, new: Catalog, on: date) -> Iterator[Change]:
    """Judge every document by both, one file after the other."""
    for file in files:
        pairs = zip(check(file, catalog=old, on=on), check(file, catalog=new, on=on), strict=True)
        yield from (compare(before, after) for before, after in pairs)


def archived_changes(call: Call, lots: Sequence[str], old: Catalog, new: Catalog, on: date) -> Iterator[Change]:
    """The same, over these lots or requests of the archive, without any over every lot that was ever deposited; one at
    a time lies in the clear, in a private folder. Raises Ambiguous."""
    with opened(call) as app, tempfile.TemporaryDirectory() as folder:
        with app.store.read() as tx:
            rows = [_kept(tx, call, lot) for lot in lots] or deposits.every(tx)
            kept = [(row.id, _name(row), row.archive_ref) for row in rows if row.archive_ref]
        file = Path(folder) / "lot"
        for id_, name, ref in kept:
            with app.archive.open(ref) as source, file.open("wb") as target:
                shutil.copyfileobj(source, target)
            for change in changes([file], old, new, on):
                change.file = change.file.replace(str(file), f"{id_} {name}", 1)
                yield change


def _kept(tx: Tx, call: Call, text: str) -> Batch | Request:
    row = status.record(tx, the_one(tx, call, text, ("batch", "request")))
    assert isinstance(row, Batch | Request)  # of these kinds only
    return row


def _name(row: Batch | Request) -> str:
    return row.name if isinstance(row, Batch) else row.no_dem_ext or row.member or ""


def compare(before: Report, after: Report) -> Change:
    """What the second report says that the first does not, and the other way round."""
    was, is_ = Counter(_keys(before)), Counter(_keys(after))
    return Change(
        file=after.file,
        verdict=(before.verdict, after.verdict),
        gained=sorted((is_ - was).elements()),
        lost=sorted((was - is_).elements()),
        capped=max(before.findings_total, after.findings_total) > LISTED,
    )


def _keys(report: Report) -> Iterator[_Key]:
    for found in report.findings:
        of = found.invoice
        yield (of.ordinal if of else 0, (of.number if of else None) or "", found.code, found.severity)


def _lines(call: Call, change: Change) -> Iterator[str]:
    before, after = (call.say(f"rendering.verdict_{verdict}") for verdict in change.verdict)
    yield f"{change.file}: {before}" + (f" → {after}" if before != after else "")
    for sign, keys in (("+", change.gained), ("-", change.lost)):
        for ordinal, number, code, severity in keys:
            of = call.say("rules.diff_invoice", ordinal=ordinal, number=number) if ordinal else ""
            yield f"  {sign} {code} ({call.say(f'rendering.severity_{severity}')}) {of}".rstrip()
    if change.capped:
        yield f"  {call.say('rules.diff_capped', listed=LISTED)}"
