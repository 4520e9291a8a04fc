"""Practitioners and accounts from a spreadsheet's CSV: what can be read becomes registry entries, every other row is
told with its line, its column, what is wrong and what to do.

Column names in French or English, in any order and case; commas or semicolons; UTF-8 (with or without its mark) or the
cp1252 that spreadsheets of Windows write.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gateway.config.strict import defects
from gateway.errors import ConfigError
from gateway.messages import LANGUAGES, Both, both, why_not
from gateway.registry.file import AccountEntry, AccreditationEntry, PractitionerEntry, RegistryFile

PRACTITIONERS, ACCOUNTS = "practitioners", "accounts"
# Column of the entry → the names it may have in the first row.
_COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        PRACTITIONERS: {
            "number": ("number", "practice number", "numero", "numéro", "numéro de pratique", "no pratique"),
            "name": ("name", "nom"),
            "profession": ("profession",),
            "class": ("class", "classe"),
            "other_number": ("other number", "other_number", "autre numéro", "autre numero"),
            "standing": ("standing", "statut"),
            "standing_from": ("standing from", "standing_from", "statut depuis"),
        },
        ACCOUNTS: {
            "id": ("account", "id", "compte"),
            "kind": ("kind", "genre", "sorte"),
            "practitioners": ("practitioners", "professionnels"),
            "agency": ("agency", "agence"),
            "from": ("from", "du", "depuis"),
            "to": ("to", "au", "jusqu'au"),
        },
    }
)
_NEEDED = MappingProxyType({PRACTITIONERS: ("number", "profession"), ACCOUNTS: ("id", "kind")})


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: registry entries, and why each other row was not."""

    said: RegistryFile
    refused: tuple[Both, ...]
    rows: int
    lines: tuple[int, ...] = ()  # where each accreditation stands


class _Odd(Exception):
    """A cell that cannot be what its column says."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column, self.why = column, why


def read_sheet(file: Path, what: str) -> Sheet:
    """The rows of a CSV file as registry entries. `what`: practitioners or accounts. Raises ConfigError when the file
    cannot be read, or its first row does not name the columns that are needed."""
    rows = _rows(file)
    names = _names(file, what, next(rows, (1, []))[1])
    made, refused, count = _Entries(what), [], 0
    for line, cells in rows:
        count += 1
        values = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()}
        try:
            made.add(line, values)
        except (_Odd, ValidationError) as error:
            refused += _told(file, line, error, values)
    return Sheet(made.file(), tuple(refused), count, tuple(made.lines))


class _Entries:
    """The entries of the rows so far. One account may stand in several rows, each with another accreditation."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._practitioners: dict[str, PractitionerEntry] = {}
        self._accounts: dict[str, AccountEntry] = {}
        self._accreditations: list[AccreditationEntry] = []
        self.lines: list[int] = []

    def add(self, line: int, values: dict[str, str]) -> None:
        """One row. Raises _Odd or ValidationError, and then nothing of it was taken."""
        if self._what == PRACTITIONERS:
            person = _practitioner(values)
            if person.number in self._practitioners:
                raise _Odd("number", "sheet_twice")
            self._practitioners[person.number] = person
            return
        account = _account(values)
        accreditation = _accreditation(account, values)
        before = self._accounts.get(account.id)
        if before is not None and (accreditation is None or not _agree(before, account)):
            raise _Odd("account", "sheet_twice")
        self._accounts[account.id] = before or account
        if accreditation is not None:
            self._accreditations.append(accreditation)
            self.lines.append(line)

    def file(self) -> RegistryFile:
        """All of them as one registry file."""
        return RegistryFile.model_construct(
            practitioners=tuple(self._practitioners.values()),
            accounts=tuple(self._accounts.values()),
            accreditations=tuple(self._accreditations),
        )


def _agree(one: AccountEntry, other: AccountEntry) -> bool:
    """The same account again; its practitioners need not be said again."""
    return one.kind == other.kind and (not other.practitioners or one.practitioners == other.practitioners)


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the line it begins on."""
    try:
        data = file.read_bytes()
    except OSError as error:
        why = why_not(error)
        told = {lang: both("config.unreadable", file=file, why=why[lang])[lang] for lang in LANGUAGES}
        raise ConfigError(told) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    before = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield before + 1, cells
        before = reader.line_num


def _names(file: Path, what: str, header: list[str]) -> list[str | None]:
    """What each column is; None: one we do not read."""
    known = {spelling: name for name, spellings in _COLUMNS[what].items() for spelling in spellings}
    names = [known.get(cell.strip().casefold()) for cell in header]
    if missing := [_COLUMNS[what][name][0] for name in _NEEDED[what] if name not in names]:
        raise ConfigError(both("registry.sheet_header", file=file, columns=", ".join(missing)))
    return names


def _practitioner(values: Mapping[str, str]) -> PractitionerEntry:
    data: dict[str, Any] = {key: values[key] for key in ("number", "name", "profession", "class") if key in values}
    if "other_number" in values:
        data["other_number"] = [{"number": values["other_number"]}]
    if "standing" in values:
        since = {"from": _day(values, "standing_from")} if "standing_from" in values else {}
        data["standing"] = [{"standing": values["standing"], **since}]
    elif "standing_from" in values:
        raise _Odd("standing", "sheet_standing")
    return PractitionerEntry.model_validate(data)


def _account(values: Mapping[str, str]) -> AccountEntry:
    data: dict[str, Any] = {key: values[key] for key in ("id", "kind") if key in values}
    if "practitioners" in values:
        data["practitioners"] = tuple(values["practitioners"].replace("|", " ").replace("/", " ").split())
    return AccountEntry.model_validate(data)


def _accreditation(account: AccountEntry, values: Mapping[str, str]) -> AccreditationEntry | None:
    days = {name: _day(values, name) for name in ("from", "to") if name in values}
    if "agency" not in values:
        if days:
            raise _Odd("agency", "sheet_agency")
        return None
    if "from" not in days:
        raise _Odd("from", "sheet_from")
    return AccreditationEntry.model_validate({"account": account.id, "agency": values["agency"], **days})


def _day(values: Mapping[str, str], column: str) -> date:
    try:
        return date.fromisoformat(values[column])
    except ValueError:
        raise _Odd(column, "sheet_day") from None


def _told(file: Path, line: int, error: _Odd | ValidationError, values: Mapping[str, str]) -> list[Both]:
    """The value itself is not said: the line and the column show where it is."""
    where = f"{file}:{line}"
    if isinstance(error, _Odd):
        return [both(f"registry.{error.why}", file=where, key=error.column)]
    return list(defects(Path(where), dict(values), error))
