"""Reads families from their folders (catalog.toml, rules.toml, messages.toml), and the code tables beside them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway import limits, tables
from gateway.catalog.kinds import DocumentType, Family, Locator, Part, Rule
from gateway.catalog.known import Catalog
from gateway.errors import CatalogError
from gateway.tables import AUTHORITIES, Tables

_LIMITS = ("submission_in_time", "submission_not_near", "change_limit", "change_limit_near")  # functions about limits


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
