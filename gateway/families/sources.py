"""The schemas as text, before any engine reads them: hostile input, references out of the folder, mad patterns."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from gateway import xmlsafe
from gateway.families.patterns import explodes, parsed
from gateway.families.problems import Problem, problem
from gateway.validation.guard import inspect
from gateway.validation.limits import Limits
from gateway.xmlsafe import Element

XS = "{http://www.w3.org/2001/XMLSchema}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_REFERENCES = {f"{XS}{name}" for name in ("import", "include", "redefine", "override")}
_ASSERTIONS = {f"{XS}assert", f"{XS}assertion", f"{XS}alternative"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_REACHES_OUT = re.compile(
    r"\b(doc|doc-available|collection|uri-collection|unparsed-text[a-z-]*|environment-variable|json-doc)\s*\("
)
_MATCHES = re.compile(r"\b(matches|replace|tokenize)\s*\(")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_LIMITS = Limits(document_bytes=16 << 20)
_MOST_OCCURS = 100_000  # a bound beyond is an automaton that fills the memory
Pattern = tuple[str, int, str]  # file, line, pattern


def schema_problems(folder: Path) -> Iterator[Problem]:
    """Everything wrong with the schemas of a folder that can be seen without an engine."""
    for file in sorted(folder.rglob("*.xsd")):
        name = file.relative_to(folder).as_posix()
        found = _hostile(file, name)
        if found is not None:
            yield found
            continue
        root = xmlsafe.parse(file.read_bytes())
        if root.tag != f"{XS}schema":
            yield problem("not_a_schema", name, _line(root))
        for element in root.iter("*"):
            yield from _element(folder, name, element)


def patterns(folder: Path) -> Iterator[Pattern]:
    """Every regular expression of the schemas."""
    for file in sorted(folder.rglob("*.xsd")):
        for element in xmlsafe.parse(file.read_bytes()).iter(f"{XS}pattern"):
            yield file.relative_to(folder).as_posix(), _line(element), element.get("value", "")


def pattern_problem(file: str, place: str | int, pattern: str) -> Problem | None:
    """A repeat in a repeat, or a pattern that does not hold together."""
    try:
        return problem("pattern_explodes", file, place, pattern=pattern[:80]) if explodes(parsed(pattern)) else None
    except (ValueError, RecursionError):
        return problem("pattern_unreadable", file, place, pattern=pattern[:80])


def _hostile(file: Path, name: str) -> Problem | None:
    """What the guard refuses of documents it refuses of schemas; then whether it is XML to its end."""
    with file.open("rb") as source:
        seen = inspect(source, _LIMITS, ())
    if seen.defect is not None:
        return Problem(name, str(seen.defect.at[0] if seen.defect.at else ""), seen.defect.message)
    try:
        xmlsafe.parse(file.read_bytes())
    except etree.XMLSyntaxError as error:
        return problem("schema_broken", name, error.lineno or "")
    return None


def _line(element: Element) -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 0


def _element(folder: Path, name: str, element: Element) -> Iterator[Problem]:
    line = _line(element)
    if _XML_BASE in element.attrib or any(str(key).startswith(_XSI) for key in element.attrib):
        yield problem("location_hint", name, line)
    if element.tag in _REFERENCES and (location := element.get("schemaLocation")) is not None:
        yield from _reference(folder, name, line, location)
    if element.tag in _ASSERTIONS and _REACHES_OUT.search(element.get("test", "")):
        yield problem("assertion_reaches_out", name, line)
    for pattern in _expressions(element):
        if found := pattern_problem(name, line, pattern):
            yield found
    for key in ("minOccurs", "maxOccurs"):
        bound = element.get(key, "").strip()
        if bound.isdecimal() and (len(bound) > 9 or int(bound) > _MOST_OCCURS):
            yield problem("bound_too_large", name, line, limit=_MOST_OCCURS)


def _expressions(element: Element) -> list[str]:
    """The regular expressions of a pattern, or of a condition that matches by one."""
    if element.tag == f"{XS}pattern":
        return [element.get("value", "")]
    test = element.get("test", "") if element.tag in _ASSERTIONS else ""
    return [a or b for a, b in _LITERAL.findall(test)] if _MATCHES.search(test) else []


def _reference(folder: Path, name: str, line: int, location: str) -> Iterator[Problem]:
    """A reference names a file of this folder, by a relative path. Files that include each other in a circle are
    allowed: both engines read each file once."""
    path = unquote(location)
    if _SCHEME.match(path) or path.startswith(("/", "\\")):
        yield problem("fetched", name, line, location=location[:120])
        return
    inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    if inside.startswith("..") or "\\" in path or "\0" in path:
        yield problem("out_of_folder", name, line, location=location[:120])
    elif not (folder / inside).is_file():
        yield problem("no_such_file", name, line, name=location[:120])
