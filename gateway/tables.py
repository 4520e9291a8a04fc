"""Code tables (billing codes, sectors, places, context elements, messages), in versions by the day they hold from.

One version is one CSV file, `<table>@<YYYY-MM-DD>.csv`: the header `code,from,to,label_fr,label_en`, UTF-8, comma or
semicolon; `from` and `to` (both included) may be empty. A first line `# official` (letter, reconstructed, ours) says
whose word it is. `# ours` marks the small sets that travel with the program: they are examples, and never say that a
code is missing. See docs/rules.md.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from gateway.errors import CatalogError, ConfigError
from gateway.messages import LANGUAGES, both
from gateway.platform import private_dir, write_private

COLUMNS = ("code", "from", "to", "label_fr", "label_en")
AUTHORITIES = ("official", "letter", "reconstructed", "ours")
_OURS, _UNMARKED = "ours", "reconstructed"
_MARK = re.compile(rf"# ({'|'.join(AUTHORITIES)})\s*\n")
_FILE = re.compile(r"([a-z][a-z0-9_]*)@([0-9]{4}-[0-9]{2}-[0-9]{2})\.csv")


@dataclass(frozen=True, slots=True)
class Row:
    """One code between two days; an open end has none."""

    start: date | None
    to: date | None
    label: Mapping[str, str]

    def holds(self, day: date) -> bool:
        return (self.start or date.min) <= day <= (self.to or date.max)


@dataclass(frozen=True)
class Table:
    """One version of one table, read when it is first asked."""

    file: Path
    name: str
    since: date

    @cached_property
    def authority(self) -> str:
        """Whose word it is, as its first line says."""
        with self.file.open(encoding="utf-8-sig") as lines:
            mark = _MARK.match(lines.readline())
        return mark[1] if mark else _UNMARKED

    @property
    def ours(self) -> bool:
        """Whether it is an example that travels with the program."""
        return self.authority == _OURS

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Code → when it holds. Raises CatalogError: somebody changed a file that was kept whole."""
        try:
            return parse(self.file.read_bytes(), self.file.name)
        except ConfigError as error:
            raise CatalogError(str(error)) from error


Tables = Mapping[str, Sequence[Table]]  # name → versions, oldest first


def load(folders: Iterable[Path]) -> Tables:
    """Every version in these folders. Where an operator's version of a table is there, ours do not count."""
    found: dict[str, dict[date, Table]] = defaultdict(dict)
    for folder in folders:
        for file in sorted(folder.glob("*@*.csv")):
            if match := _FILE.fullmatch(file.name):
                since = date.fromisoformat(match[2])
                found[match[1]].setdefault(since, Table(file, match[1], since))
    return {name: _counting([known[since] for since in sorted(known)]) for name, known in found.items()}


def labels(known: Tables, name: str) -> dict[str, Mapping[str, str]]:
    """What the newest version of a table calls each code."""
    versions = known.get(name, ())
    return {code: rows[-1].label for code, rows in versions[-1].rows.items()} if versions else {}


def _counting(versions: list[Table]) -> list[Table]:
    return [table for table in versions if not table.ours] or versions


def parse(data: bytes, name: str) -> dict[str, list[Row]]:
    """The rows of a CSV file. Raises ConfigError, naming the line."""
    try:
        text = data.decode("utf-8-sig")
        text = text[mark.end() :] if (mark := _MARK.match(text)) else text
    except UnicodeDecodeError as error:
        raise ConfigError(both("tables.not_utf8", file=name)) from error
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    if [column.strip().lower() for column in reader.fieldnames or ()] != list(COLUMNS):
        raise ConfigError(both("tables.header", file=name, columns=delimiter.join(COLUMNS)))
    reader.fieldnames = list(COLUMNS)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in reader:
        code = (row["code"] or "").strip()
        try:
            label = {lang: row[f"label_{lang}"].strip() for lang in LANGUAGES}
            rows[code].append(Row(_day(row["from"]), _day(row["to"]), label))
        except (ValueError, AttributeError) as error:  # a date that is none; a column that is not there
            raise ConfigError(both("tables.row", file=name, line=reader.line_num)) from error
        if not code or None in row:
            raise ConfigError(both("tables.row", file=name, line=reader.line_num))
    return dict(rows)


def _day(text: str) -> date | None:
    return date.fromisoformat(text.strip()) if text.strip() else None


def keep(source: Path, shelf: Path, name: str, since: date, authority: str = _UNMARKED) -> int:
    """Keep a file as the version of table `name` that holds from `since`; give how many codes it has. `authority` is
    whose word it is, where its first line does not say it. Raises OSError, and ConfigError when it is no such table, or
    that version is kept already with other bytes."""
    data = source.read_bytes()
    codes = len(parse(data, source.name))
    text = data.decode("utf-8-sig")
    data = (text if _MARK.match(text) else f"# {authority}\n{text}").encode()
    for folder in (shelf.parent.parent, shelf.parent, shelf):
        private_dir(folder)
    target = shelf / f"{name}@{since}.csv"
    if _FILE.fullmatch(target.name) is None:
        raise ConfigError(both("tables.name", name=name))
    try:
        write_private(target, data)
    except FileExistsError as error:
        if target.read_bytes() != data:
            raise ConfigError(both("tables.kept", name=name, since=since)) from error
    return codes
