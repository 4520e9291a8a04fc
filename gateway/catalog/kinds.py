"""What a catalog says: families, their kinds of documents, the parts of these, and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway.tables import Tables

Locator = tuple[str, ...]  # one path, or several joined by a hyphen


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule beside a schema. `must` is a condition of the closed grammar (docs/formats.md); `function` names a pure
    function where the grammar cannot say it. `service_from`/`service_to` bound the dates of service it holds for."""

    code: str
    severity: str  # error | warning | info
    authority: str
    documents: tuple[str, ...]
    scope: str  # document | invoice | line
    needs: str  # document | today | tables | registry | past
    message: Mapping[str, str]
    next: Mapping[str, str]
    must: Mapping[str, Any] | None = None
    function: str | None = None
    field: str | None = None  # the field whose place the finding shows
    letter: str | None = None  # which letter, when authority is "letter"
    service_from: date | None = None
    service_to: date | None = None
    kinds: tuple[str, ...] = ()  # invoice elements it holds for; empty: all
    example: Mapping[str, str] | None = None  # in words, where no document alone can show it


@dataclass(frozen=True, slots=True)
class Part:
    """A repeated part of a document (invoice or line): where it is, and its fields by name."""

    path: str
    fields: Mapping[str, Locator]


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One kind of document of one family."""

    family: str  # without its edition
    name: str  # root's local name
    root: str  # Clark notation
    role: str  # request | reply | statement | error
    authority: str
    version: str
    schema: Path | None
    xsd: str = "1.0"  # 1.0 | 1.1: which language the schema is in
    action: str | None = None  # new | modify | cancel
    container: str = "xml"  # xml | zip
    reply: str | None = None  # document type of the answer
    answers: str | None = None  # for a reply: the document type it answers
    valid_from: date | None = None
    valid_to: date | None = None
    key_prefix: str | None = None  # the request number is this and 16 hex digits of the document's sha256
    date_format: str = "%Y-%m-%d"
    money: str = "decimal"  # decimal | cents
    receivable: tuple[str, ...] = ("1",)  # how a reply writes that status
    not_receivable: tuple[str, ...] = ("2",)
    fields: Mapping[str, Locator] = field(default_factory=dict)
    invoice: Part | None = None
    line: Part | None = None
    totals: Mapping[str, Locator] = field(default_factory=dict)  # in the head: invoices (how many), amount (their sum)
    personal: frozenset[str] = frozenset()  # local names whose values are never shown
    rules: tuple[Rule, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)  # the family's dated facts, which rules read
    tables: Tables = field(default_factory=dict)  # the family's code tables, by name and version


@dataclass(frozen=True, slots=True)
class Family:
    """One folder: a payer format, or the layout of its statements; or one version of it."""

    name: str  # of the folder, without its edition
    folder: Path
    title: Mapping[str, str]
    version: str
    authority: str
    documents: tuple[DocumentType, ...]
    messages: Mapping[str, Mapping[str, str]]  # payer's code → fr, en
    settings: Mapping[str, Any]  # dated facts of the family: openings by profession, system code …
    tables: Tables = field(default_factory=dict)
    samples_of: date | None = None  # the day on which its samples are judged
