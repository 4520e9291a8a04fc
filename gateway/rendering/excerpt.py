"""The line of a document that a finding is about, without anything that could be a patient's.

Only what the catalog names as a key and does not mark as personal keeps its value, and only while the value looks like
a number, a date or a code; everything else is covered, so that element and attribute names remain.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from gateway.catalog import Catalog, DocumentType, Locator
from gateway.report import Report

Place = tuple[int, int]  # line and column, from 1
Excerpts = Mapping[tuple[str, int, int], str]  # the report's file, line, column → what stands there
COVER = "▒▒▒"
_WIDTH = 160  # code points of the source looked at
_BLOCK = 1 << 16
_XML_NAME = r"[^\W\d][\w.:-]*"
_ATTRIBUTE = re.compile(rf"""({_XML_NAME})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_TAG = re.compile(
    rf"""<(?P<end>/?)(?P<name>{_XML_NAME})(?P<attributes>(?:\s+{_XML_NAME}\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?P<close>/?>)"""
)
_NAME = re.compile(rf"<({_XML_NAME})")
_HARMLESS = re.compile(r"(?=.*[0-9])[0-9A-Za-z._:+-]{1,40}")
_INSURED = re.compile(r"[A-Za-z]{3,4}[ -]?[0-9]{4}[ -]?[0-9]{2,4}")  # how an insured person's number looks


def excerpts(source: BinaryIO, report: Report, catalog: Catalog) -> dict[tuple[str, int, int], str]:
    """What stands at the places of the report's findings, covered. Nothing for a document that was not recognised, or
    is not UTF-8: what it holds is anybody's guess."""
    # Only a finding with a path is about an element; where a document breaks, anything may stand.
    places = {(f.line, f.column) for f in report.findings if f.line and f.column and f.path}
    if not places or report.format is None or report.document is None:
        return {}
    shown = _shown(catalog.document(report.format, report.document, version=report.version))
    found = _texts(source, places)
    return {(report.file, *place): covered(text, shown) for place, text in found if text.startswith("<")}


def covered(text: str, shown: frozenset[str]) -> str:
    """The beginning of a source text that starts with a start tag; values only of the names in `shown`."""
    first = _TAG.match(text)
    if first is None or first["end"]:
        name = _NAME.match(text)
        return f"<{name[1]} {COVER}" if name else COVER
    tag = _tag(first, shown)
    if first["close"] == "/>":
        return tag
    value, less, rest = text[first.end() :].partition("<")
    if not value.strip():
        return tag
    end = _TAG.match(less + rest)
    whole = end is not None and end["end"] and end["name"] == first["name"]
    return tag + (_value(value, first["name"], shown) if whole else COVER) + (end[0] if whole and end else "")


def _tag(tag: re.Match[str], shown: frozenset[str]) -> str:
    pairs = (
        f' {name}="{_value(double or single, name, shown)}"'
        for name, double, single in _ATTRIBUTE.findall(tag["attributes"])
    )
    return f"<{tag['name']}{''.join(pairs)}{tag['close']}"


def _value(value: str, name: str, shown: frozenset[str]) -> str:
    if not value or name == "xmlns" or name.startswith("xmlns:"):
        return value
    known = name.rpartition(":")[2] in shown and _HARMLESS.fullmatch(value) and not _INSURED.fullmatch(value)
    return value if known else COVER


def _shown(document: DocumentType) -> frozenset[str]:
    """Local names of the catalog's keys that are not personal."""
    parts = [document.fields, *(part.fields for part in (document.invoice, document.line) if part)]
    names = {path.rpartition("/")[2].lstrip("@") for fields in parts for path in _paths(fields.values())}
    return frozenset(name for name in names - document.personal if "*" not in name)


def _paths(locators: Iterable[Locator]) -> Iterator[str]:
    for locator in locators:
        yield from locator


def _texts(source: BinaryIO, places: Iterable[Place]) -> Iterator[tuple[Place, str]]:
    """What begins at each place, up to the end of its line; the document is read once, in blocks."""
    source.seek(0)
    reader = io.TextIOWrapper(source, "utf-8-sig", errors="replace", newline=None)
    try:
        yield from _walk(reader, sorted(places))
    finally:
        reader.detach()


def _walk(reader: io.TextIOWrapper, places: list[Place]) -> Iterator[tuple[Place, str]]:
    window, line, column = reader.read(_BLOCK), 1, 1  # the place where the window begins
    for wanted in places:
        while True:
            at, line, column = _advance(window, line, column, wanted)
            window = window[at:]
            if len(window) < _WIDTH and (more := reader.read(_BLOCK)):
                window += more
            elif (line, column) != wanted and window:
                window = window[len(window) :]
            else:
                break
        if (line, column) == wanted:
            yield wanted, window[:_WIDTH].partition("\n")[0]


def _advance(window: str, line: int, column: int, wanted: Place) -> tuple[int, int, int]:
    """How far into the window the wanted place is (or its end), and the place that is."""
    at = 0
    while line < wanted[0]:
        end = window.find("\n", at)
        if end < 0:
            return len(window), line, column + len(window) - at
        at, line, column = end + 1, line + 1, 1
    step = min(max(0, wanted[1] - column), len(window) - at)
    return at + step, line, column + step
