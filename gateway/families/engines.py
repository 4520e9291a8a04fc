"""What needs the engines themselves: run by `trial` in a process that may be killed. Each task yields what it found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import xmlschema
from elementpath.regex import translate_pattern
from lxml import etree

from gateway import catalog as catalogs
from gateway import xmlsafe
from gateway.catalog import Catalog, DocumentType, Family
from gateway.errors import GatewayError
from gateway.families.patterns import attacks
from gateway.families.problems import Problem, problem
from gateway.report import Report
from gateway.validation.judging import judge

_ANY = ("XsdAnyElement", "Xsd11AnyElement")
_TINY = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="v"><xs:simpleType>'
    '<xs:restriction base="xs:string"><xs:pattern/></xs:restriction></xs:simpleType></xs:element></xs:schema>'
)


def try_patterns(patterns: Sequence[tuple[str, bool]]) -> Iterator[bool]:
    """Put each pattern (of a schema, or of a rule) to the texts that would make it explode. True: it stood."""
    for pattern, of_schema in patterns:
        known = re.compile(translate_pattern(pattern, anchors=False) if of_schema else pattern)
        second = _tiny(pattern) if of_schema else None
        for text in attacks(pattern):
            known.match(text)
            if second is not None:
                value = etree.Element("v")
                value.text = text
                second.validate(value)
        yield True


def _tiny(pattern: str) -> etree.XMLSchema | None:
    root = xmlsafe.parse(_TINY.encode())
    next(root.iter("{*}pattern")).set("value", pattern)
    try:
        return xmlsafe.schema_of(root)
    except etree.XMLSchemaParseError:
        return None  # told when the whole schema is compiled


def examine(folder: Path) -> Iterator[Problem]:
    """Compile the schemas with both engines, follow every path of the catalog through them, judge the samples."""
    try:
        family = catalogs.read(folder)
    except GatewayError as error:
        yield problem("catalog", "catalog.toml", detail=error.__cause__ or error)
        return
    broken = unusable(family)
    yield from broken
    if not broken:
        for number, document in enumerate(family.documents, 1):
            yield from _paths(document, f"document[{number}]")
        yield from _samples(family)


def unusable(family: Family) -> list[Problem]:
    """The schemas of a family that an engine does not accept."""
    folder = family.folder
    return list({p.file: p for d in family.documents if d.schema and (p := _compiled(d, folder)) is not None}.values())


def _compiled(document: DocumentType, folder: Path) -> Problem | None:
    """XSD 1.1 is beyond libxml2: there the second engine is the only one."""
    assert document.schema is not None
    name = document.schema.relative_to(folder).as_posix()
    try:
        if document.xsd == "1.0":
            xmlsafe.schema(document.schema.absolute())
    except etree.XMLSchemaParseError as error:
        return _refused(name, "libxml2", _last(error), str(error))
    try:
        _second(document)
    except xmlschema.XMLSchemaException as error:
        return _refused(name, "xmlschema", getattr(error, "sourceline", None), getattr(error, "message", str(error)))
    return None


def _last(error: etree.XMLSchemaParseError) -> int | None:
    entry: Any = error.error_log.last_error
    return entry.line if entry is not None else None


def _refused(name: str, engine: str, line: int | None, detail: str | None) -> Problem:
    return problem("not_compiled", name, line or "", engine=engine, detail=" ".join(str(detail).split())[:300])


@cache
def _read(schema: Path, xsd: str) -> Any:
    kind = xmlschema.XMLSchema11 if xsd == "1.1" else xmlschema.XMLSchema10
    return kind(str(schema), allow="local", defuse="always")


def _second(document: DocumentType) -> Any:
    assert document.schema is not None
    return _read(document.schema, document.xsd)


# -- paths --


def _paths(document: DocumentType, place: str) -> Iterator[Problem]:
    if document.schema is None:
        return
    root = _second(document).maps.elements.get(document.root)
    if root is None:
        yield problem("root_not_declared", "catalog.toml", f"{place}.root", name=document.name)
        return
    yield from _fields([root], document.fields, f"{place}.fields")
    yield from _fields([root], document.totals, f"{place}.totals")
    parts = [root]
    for name, part in (("invoice", document.invoice), ("line", document.line)):
        if part is None:
            return
        parts = _below(parts, part.path.split("/"))
        if not parts:
            yield problem("path_leads_nowhere", "catalog.toml", f"{place}.{name}.path", path=part.path)
            return
        yield from _fields(parts, part.fields, f"{place}.{name}.fields")


def _fields(parts: list[Any], fields: Any, place: str) -> Iterator[Problem]:
    for name, locator in fields.items():
        for path in locator:
            *steps, last = path.split("/")
            attribute = last[1:] if last.startswith("@") else None
            ends = _below(parts, steps if attribute else [*steps, last])
            if not ends or (attribute and not any(_has(end, attribute) for end in ends)):
                yield problem("path_leads_nowhere", "catalog.toml", f"{place}.{name}", path=path)


def _below(elements: list[Any], steps: Sequence[str]) -> list[Any]:
    """The declarations at the end of a path; a wildcard of the schema may be anything."""
    for step in steps:
        children = [child for element in elements for child in _children(element)]
        elements = [c for c in children if type(c).__name__ in _ANY or fnmatchcase(c.local_name or "", step)]
        elements = list({id(c): c for c in elements}.values())
    return elements


def _children(element: Any) -> list[Any]:
    if type(element).__name__ in _ANY:
        return [element]
    content = element.type.content if element.type.is_complex() else None
    if content is None or not hasattr(content, "iter_elements"):
        return []
    found = list(content.iter_elements())
    return [*found, *(s for c in found if hasattr(c, "iter_substitutes") for s in c.iter_substitutes())]


def _has(element: Any, attribute: str) -> bool:
    if type(element).__name__ in _ANY:
        return True
    return any(name is None or name.rpartition("}")[2] == attribute for name in element.attributes)


# -- samples --


def _samples(family: Family) -> Iterator[Problem]:
    folder, known = family.folder, Catalog([family])
    proved: set[str | None] = set()
    for file in sorted((folder / "samples").glob("*.xml")):
        outcome, _, rest = file.stem.partition("_")
        name = file.relative_to(folder).as_posix()
        with file.open("rb") as source:
            report = judge(source, name, known, on=family.samples_of)
        if outcome == "valid":
            proved.add(report.document)
        yield from _sample(file, name, outcome, rest, report, known)
    for document in family.documents:
        if document.name not in proved:
            yield problem("no_valid_sample", "samples", stops=False, name=document.name)


def _sample(file: Path, name: str, outcome: str, rest: str, report: Report, known: Catalog) -> Iterator[Problem]:
    codes = [finding.code for finding in report.findings if finding.severity == "error"]
    told = ", ".join(dict.fromkeys(codes)) or "-"
    if outcome not in ("valid", "invalid", "rule"):
        yield problem("sample_name", name)
    elif outcome == "rule":
        all_codes = [finding.code for finding in report.findings]
        if not any(rest == code or rest.startswith(f"{code}_") for code in all_codes):
            yield problem("sample_breaks_no_rule", name, codes=", ".join(all_codes) or "-")
    elif report.verdict != outcome:
        line = report.findings[0].line if report.findings else None
        yield problem(f"sample_not_{outcome}", name, line or "", codes=told)
    elif report.document and (outcome == "valid" or all(code.startswith("SCHEMA_") for code in codes)):
        document = known.document(str(report.format), report.document)
        if document.schema and _second(document).is_valid(xmlsafe.parse(file.read_bytes())) != (outcome == "valid"):
            yield problem("engines_disagree", name)
