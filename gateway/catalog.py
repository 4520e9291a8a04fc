"""Document types as data: a family is a folder of schemas/ (catalog.toml, XSDs, rules.toml, messages.toml, samples/).

Paths in a catalog are steps of local names from the document's root (or from the invoice, or the line): `a/b`, `a/@X`,
`*` for any element, `name_*` for any whose name begins so. A field that is a list joins its parts with a hyphen.
A folder called `name@edition` is another version of the family `name`, beside it. See docs/formats.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway import limits, tables
from gateway.errors import CatalogError
from gateway.tables import AUTHORITIES, Tables

_LIMITS = ("submission_in_time", "submission_not_near", "change_limit", "change_limit_near")  # functions about limits
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


class Catalog:
    """Every family this installation knows, and which document is which. `families` holds the newest version of each,
    `versions` all of them, the newest first."""

    def __init__(self, families: Sequence[Family]) -> None:
        versions: dict[str, list[Family]] = {}
        for family in families:
            versions.setdefault(family.name, []).append(family)
        self.versions = MappingProxyType(
            {name: tuple(sorted(same, key=_begins, reverse=True)) for name, same in versions.items()}
        )
        self.families = MappingProxyType({name: same[0] for name, same in self.versions.items()})
        self._by_root: dict[str, list[DocumentType]] = {}
        for family in families:
            for document in family.documents:
                self._by_root.setdefault(document.root, []).append(document)

    def candidates(self, root: str) -> Sequence[DocumentType]:
        """Every version of the document type of a root tag (Clark notation)."""
        return self._by_root.get(root, ())

    def recognise(self, root: str, *days: date | None) -> DocumentType | None:
        """The document type of a root tag (Clark notation) valid on the first of these days that any is valid on; the
        newest one when none is, or without a day."""
        return _valid(self._by_root.get(root, []), days)

    def document(self, family: str, name: str, *days: date | None, version: str | None = None) -> DocumentType:
        """A document type by name: of that version, else of the one that `recognise` would take. Raises CatalogError
        when there is none."""
        known = [d for f in self.versions.get(family, ()) for d in f.documents if d.name == name]
        found = _valid([d for d in known if d.version == version] or known, days)
        if found is None:
            raise CatalogError(f"no document {name!r} in the schema family {family!r}")
        return found

    def find(self, family: str | None, name: str | None, version: str | None = None) -> DocumentType | None:
        """A document type of that version, else of the newest that has it; None when there is none."""
        try:
            return self.document(family or "", name or "", version=version)
        except CatalogError:
            return None

    def version_of(self, family: str | None, name: str | None, version: str | None) -> Family | None:
        """The version of a family whose document type of that name has that version."""
        known = self.versions.get(family or "", ())
        return next((f for f in known if any((d.name, d.version) == (name, version) for d in f.documents)), None)

    def only(self, family: Family) -> Catalog:
        """The same catalog, with no other version of this family."""
        return Catalog([f for same in self.versions.values() for f in same if f.name != family.name or f is family])


def _valid(known: Sequence[DocumentType], days: Iterable[date | None]) -> DocumentType | None:
    for day in days:
        valid = [d for d in known if day and (d.valid_from or date.min) <= day <= (d.valid_to or date.max)]
        if valid:
            return _newest(valid)
    return _newest(known)


def _newest(documents: Sequence[DocumentType]) -> DocumentType | None:
    return max(documents, key=lambda d: d.valid_from or date.min, default=None)


def _begins(family: Family) -> date:
    return max((d.valid_from or date.min for d in family.documents), default=date.min)


def load(folders: Iterable[Path]) -> Catalog:
    """Read every family below these folders. Of one folder name, or one version of a family, the first counts (own
    before shipped). Code tables are in its `tables/`, and in `tables/<family>` beside these folders. Raises
    CatalogError."""
    folders = list(folders)
    names: set[str] = set()
    versions: dict[tuple[str, str], Family] = {}
    for folder in folders:
        for file in sorted(folder.glob("*/catalog.toml")):
            if file.parent.name not in names:
                names.add(file.parent.name)
                family = read(file.parent, [shelf(one) for one in folders])
                versions.setdefault((family.name, family.version), family)
    return Catalog(list(versions.values()))


def name_of(folder: str) -> str:
    """The family's name, of a folder that may be called `name@edition`."""
    return folder.partition("@")[0]


def shelf(folder: Path) -> Path:
    """Where the code tables of an installation are: beside its folder of families."""
    return folder.parent / "tables"


def read(folder: Path, shelves: Iterable[Path] = ()) -> Family:
    """One family's folder. Raises CatalogError."""
    file = folder / "catalog.toml"
    own = [one / name_of(folder.name) for one in shelves]
    codes = tables.load([*own, folder / "tables"])
    try:
        data = _toml(file)
        kept = (one / limits.FILE for one in own)
        data["settings"] = limits.merged(data.get("settings", {}), filter(Path.exists, kept))
        rules = [
            _rule(r, data.get("rules_authority", data["authority"]))
            for r in _toml(file.with_name("rules.toml"), {}).get("rule", [])
        ]
        documents = tuple(_document(d, data, file.parent, rules, codes) for d in data["document"])
        return Family(
            name=name_of(file.parent.name),
            folder=file.parent,
            title=data["title"],
            version=data["version"],
            authority=data["authority"],
            documents=documents,
            messages=_toml(file.with_name("messages.toml"), {}) | tables.labels(codes, "messages"),
            settings=data["settings"],
            tables=codes,
            samples_of=data.get("samples_of"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CatalogError(f"{file}: {error!r}") from error


def _toml(file: Path, default: dict[str, Any] | None = None) -> dict[str, Any]:
    if default is not None and not file.exists():
        return default
    with file.open("rb") as stream:
        return tomllib.load(stream)


def _document(
    data: dict[str, Any], family: dict[str, Any], folder: Path, rules: list[Rule], codes: Tables
) -> DocumentType:
    own = dict(data)
    schema = own.pop("schema", None)
    fields = {name: _locator(path) for name, path in own.pop("fields", {}).items()}
    totals = {name: _locator(path) for name, path in own.pop("totals", {}).items()}
    invoice, line = _part(own.pop("invoice", None)), _part(own.pop("line", None))
    own.setdefault("authority", family["authority"])
    own.setdefault("version", family["version"])
    if own["authority"] not in AUTHORITIES:
        raise ValueError(f"authority {own['authority']!r} is none of {AUTHORITIES}")
    for status in ("receivable", "not_receivable"):
        if status in own:
            own[status] = _locator(own[status])
    return DocumentType(
        family=name_of(folder.name),
        name=own["root"].rpartition("}")[2],
        schema=folder / schema if schema else None,
        fields=fields,
        invoice=invoice,
        line=line,
        totals=totals,
        xsd=str(own.pop("xsd", family.get("xsd", "1.0"))),
        valid_from=own.pop("from", family.get("from")),
        valid_to=own.pop("to", family.get("to")),
        personal=frozenset(own.pop("personal", family.get("personal", ()))),
        rules=tuple(r for r in rules if own["root"].rpartition("}")[2] in r.documents),
        settings=family["settings"],
        tables=codes,
        **own,
    )


def _part(data: dict[str, Any] | None) -> Part | None:
    if data is None:
        return None
    return Part(data["path"], {name: _locator(path) for name, path in data.get("fields", {}).items()})


def _locator(path: str | list[str]) -> Locator:
    return (path,) if isinstance(path, str) else tuple(path)


def _rule(data: dict[str, Any], authority: str) -> Rule:
    own = dict(data)
    own["documents"], own["kinds"] = tuple(own["documents"]), tuple(own.get("kinds", ()))
    rule = Rule(**{"authority": authority, "needs": "document", "scope": "invoice"} | own)
    if rule.function in _LIMITS and rule.severity == "error" and rule.authority in ("official", "letter"):
        raise ValueError(f"{rule.code}: a limit of time warns or holds, and never refuses")
    return rule
