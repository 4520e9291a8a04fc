"""Reports and index rows between the two sides: written by one, believed by the other only in their exact form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from itertools import repeat
from sys import intern
from types import NoneType
from typing import Any

from gateway.messages import LANGUAGES
from gateway.report import LISTED, DocumentIndex, Finding, InvoiceIndex, InvoiceRef, Report
from gateway.slots.frames import GarbageError
from gateway.tables import AUTHORITIES

_VERDICTS = ("valid", "invalid", "not_judged")
_SEVERITIES = ("error", "warning", "info")
_LARGEST, _MOST = 1 << 53, 1 << 31  # of an amount; of what is counted: what every database keeps
AT_ONCE = 1000  # rows in one frame
_LONGEST = 1000  # characters of a text in a row: three values of at most 256, joined
_Check = Callable[[Any], bool]


def plain(report: Report) -> dict[str, Any]:
    """A report as JSON has it."""
    return asdict(report)


def _text(value: Any) -> bool:
    return type(value) is str and _can_be_kept(value)


def _can_be_kept(text: str) -> bool:
    """Whether files and every database take it: no NUL, no half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _number(value: Any) -> bool:
    return type(value) is int and -_LARGEST < value < _LARGEST


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _maybe(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _both(value: Any) -> bool:
    return type(value) is dict and sorted(value) == sorted(LANGUAGES) and all(map(_text, value.values()))


def _codes(value: Any) -> bool:
    return type(value) is list and len(value) <= LISTED * 10 and all(map(_text, value))


def _flag(value: Any) -> bool:
    return type(value) is bool


def _table(value: Any) -> bool:
    return type(value) is dict


# By what report.py says a member is; members whose values are fewer than their type's are named below.
_BY_TYPE: dict[str, _Check] = {
    "bool": _flag,
    "int": _count,
    "int | None": _maybe(_number),
    "str": _text,
    "str | None": _maybe(_text),
    "date | None": _maybe(_text),
    "list[str]": _codes,
    "dict[str, str]": _both,
}


def _types(kind: type) -> dict[str, str]:
    """Member → type, as report.py writes it."""
    return {name: str(getattr(said, "__forward_arg__", said)) for name, said in kind.__annotations__.items()}


def _checks(kind: type, **own: _Check) -> dict[str, _Check]:
    return {name: own.get(name) or _BY_TYPE[said] for name, said in _types(kind).items()}


_ROW = _types(InvoiceIndex)
_OF_COLUMN: dict[str, set[type]] = {
    "bool": {bool},
    "int": {int},
    "int | None": {int, NoneType},
    "str | None": {str, NoneType},
    "date | None": {str, NoneType},
}
# What the invoices of a document have in common: kept once, not once for each of a hundred thousand.
_SHARED = ("practice", "account", "kind")
_made = tuple.__new__  # of a row from its values in order: twice as quick as by their names
_OF_INVOICE = _checks(InvoiceRef)
_FINDING = _checks(
    Finding,
    severity=_SEVERITIES.__contains__,
    authority=AUTHORITIES.__contains__,
    line=_maybe(_count),
    column=_maybe(_count),
    invoice=_maybe(_table),
)
_INDEX = _checks(DocumentIndex)
_REPORT = _checks(
    Report,
    authority=_maybe(AUTHORITIES.__contains__),
    verdict=_VERDICTS.__contains__,
    findings=lambda value: type(value) is list and len(value) <= LISTED,
    index=_table,
)


def by_column(rows: Sequence[InvoiceIndex]) -> dict[str, Any]:
    """Index rows as they travel: column by column; one value stands for a column in which all are the same."""
    columns = [one[:1] if one.count(one[0]) == len(one) else one for one in zip(*rows, strict=True)]
    return {"rows": len(rows), "columns": columns}


class Rows:
    """The index rows of one document, as they come: never more than so many, none said twice."""

    def __init__(self, most: int) -> None:
        self._left, self._ordinals = most, set[int]()

    def take(self, said: Mapping[str, Any]) -> list[InvoiceIndex]:
        """The rows of a frame. Raises GarbageError."""
        size, columns = said["rows"], said.get("columns")
        if said.keys() != {"rows", "columns"} or not _count(size) or not 0 < size <= min(self._left, AT_ONCE):
            raise GarbageError("rows")
        if type(columns) is not list or len(columns) != len(_ROW):
            raise GarbageError("rows")
        try:
            values = [_column(name, sort, size, one) for (name, sort), one in zip(_ROW.items(), columns, strict=True)]
        except ValueError as error:  # no such day
            raise GarbageError("row") from error
        self._only_once(values[0])
        return list(map(_made, repeat(InvoiceIndex), zip(*values, strict=True)))

    def _only_once(self, ordinals: Sequence[int]) -> None:
        before = len(self._ordinals)
        self._ordinals.update(ordinals)
        if len(self._ordinals) != before + len(ordinals):
            raise GarbageError("row")
        self._left -= len(ordinals)


def _column(name: str, sort: str, size: int, values: Any) -> Sequence[Any]:
    """One column, as long as all are. Raises GarbageError, ValueError."""
    if type(values) is not list or len(values) not in (1, size):
        raise GarbageError("row")
    kinds = set(map(type, values))
    if not kinds <= _OF_COLUMN[sort] or not _within(sort, kinds, [one for one in values if one is not None]):
        raise GarbageError("row")
    if sort == "date | None" or name in _SHARED:
        share = _day if sort == "date | None" else intern
        once = {value: value if value is None else share(value) for value in set(values)}
        values = [once[value] for value in values]
    return values if len(values) == size else list(values) * size


def _within(sort: str, kinds: set[type], known: Sequence[Any]) -> bool:
    """Whether all are as small as what honest documents hold. One value may stand for many: short ones only."""
    if int in kinds:
        return _BY_TYPE[sort](min(known)) and _BY_TYPE[sort](max(known))
    return str not in kinds or (max(map(len, known)) <= _LONGEST and _can_be_kept("".join(known)))


@lru_cache(maxsize=4096)
def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.isoformat() != text:  # Python knows other forms
        raise ValueError(text)
    return day


def report(said: Any, name: str, sha256: str) -> Report:
    """The report on the document of that name and hash. Raises GarbageError, also for one that contradicts itself."""
    values = _known(said, _REPORT)
    values["findings"] = [_finding(one) for one in values["findings"]]
    values["index"] = DocumentIndex(**_known(values["index"], _INDEX))
    made = Report(**values)
    wrong = any(found.severity == "error" for found in made.findings)
    if (made.file, made.sha256) != (name, sha256) or made.findings_total < len(made.findings):
        raise GarbageError("another document")
    if (made.verdict == "valid" and wrong) or made.invalid_invoices > made.invoices:
        raise GarbageError("contradiction")
    return made


def _finding(said: Any) -> Finding:
    values = _known(said, _FINDING)
    if values["invoice"] is not None:
        values["invoice"] = InvoiceRef(**_known(values["invoice"], _OF_INVOICE))
    return Finding(**values)


def _known(said: Any, checks: Mapping[str, _Check]) -> dict[str, Any]:
    """An object with exactly these members, each as it must be."""
    if type(said) is not dict or said.keys() != checks.keys():
        raise GarbageError("members")
    for name, check in checks.items():
        try:
            believed = check(said[name])
        except TypeError:  # a list where a word belongs
            believed = False
        if not believed:
            raise GarbageError(name)
    return dict(said)
