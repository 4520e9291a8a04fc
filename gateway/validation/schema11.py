"""The second judge: schemas in XSD 1.1, which libxml2 does not know, judged by xmlschema and said as libxml2 says it.

Slower, and loaded only where a family asks for it (`xsd = "1.1"`). Everything else works with either judge.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xmlschema
from xmlschema import XMLSchemaChildrenValidationError, XMLSchemaValidationError

from gateway.xmlsafe import Element

# xmlschema quotes the document's value after the attribute's name, never before it.
_OF_ATTRIBUTE = re.compile(r"attribute ([^\s=]+)=")
_QUOTED = re.compile(r"'([^']+)'")
_IDENTITY = re.compile(r" Xsd(?:11)?(?:Unique|Key|Keyref)\(")
_FACET = re.compile(r"Xsd(\w+)Facet")
_SAID = {  # what xmlschema says of an element in words only → libxml2's name of it
    "character data between child elements not allowed": "CVC_COMPLEX_TYPE_2_3",
    "a simple content element can't have child elements": "CVC_TYPE_3_1_2",
}
_threads = threading.local()


@dataclass(frozen=True, slots=True)
class Entry:
    """One defect, with the names that libxml2's log has for it."""

    type_name: str
    message: str
    path: str


class Schema11:
    """A compiled schema. `error_log` holds what the last judgment found."""

    def __init__(self, path: Path) -> None:
        """Raises xmlschema.XMLSchemaException or OSError when it cannot be used."""
        self._schema = xmlschema.XMLSchema11(str(path), allow="local", defuse="always")
        self.error_log: list[Entry] = []

    def validate(self, root: Element) -> bool:
        """Whether the tree is valid. Nothing that a document points at is opened."""
        found = list(self._schema.iter_errors(root))
        order = {node: number for number, node in enumerate(root.iter())} if found else {}
        self.error_log = [_entry(e, root) for e in sorted(found, key=lambda e: order.get(_node(e, root), 0))]
        return not found


def compiled(path: Path, state: Hashable) -> Schema11:
    """The schema of a file, compiled once in each thread for each `state` of it and what it includes. Raises
    OSError or ValueError when it cannot be used."""
    cache: dict[tuple[Path, Hashable], Schema11] = _threads.__dict__.setdefault("schemas", {})
    key = (path, state)
    if key not in cache:
        try:
            cache[key] = Schema11(path.absolute())
        except xmlschema.XMLSchemaException as error:
            raise ValueError(f"{type(error).__name__}: {getattr(error, 'message', error)}") from error
    return cache[key]


def _node(error: XMLSchemaValidationError, root: Element) -> Any:
    """The element that a defect is about: of unexpected children the child."""
    child = error.invalid_child if isinstance(error, XMLSchemaChildrenValidationError) else None
    if child is not None:
        return child
    return root if error.elem is None else error.elem


def _entry(error: XMLSchemaValidationError, root: Element) -> Entry:
    node, kind, text = _node(error, root), "OTHER", ""
    if isinstance(error, XMLSchemaChildrenValidationError):
        kind, text = "ELEMENT_CONTENT", _content(error)
    elif reason := error.reason:
        kind, text = _SAID.get(reason) or _of_validator(error, reason), _allowed(error.validator)
        kind, text = ("CVC_IDC", "") if _IDENTITY.search(reason) else (kind, text)
    head = f"Element '{node.tag}'{_attribute(error, kind)}: "
    return Entry(f"SCHEMAV_{kind}", head + text, root.getroottree().getpath(node))


def _content(error: XMLSchemaChildrenValidationError) -> str:
    said = "Missing child element(s)." if error.invalid_child is None else "This element is not expected."
    expected = error.expected if isinstance(error.expected, list | tuple) else [error.expected]
    names = [name for particle in expected if (name := getattr(particle, "name", None))]
    if not names:
        return said
    return f"{said} Expected is {'one of ' if len(names) > 1 else ''}( {', '.join(names)} )."


def _of_validator(error: XMLSchemaValidationError, reason: str) -> str:
    name = type(error.validator).__name__
    if name == "XsdAttributeGroup":
        return "CVC_COMPLEX_TYPE_4" if reason.startswith("missing required") else "CVC_COMPLEX_TYPE_3_2_1"
    if found := _FACET.fullmatch(name):
        return f"CVC_{found[1].upper()}_VALID"
    return _KINDS.get(name, "OTHER")


_KINDS = {
    "XsdEnumerationFacets": "CVC_ENUMERATION_VALID",
    "XsdPatternFacets": "CVC_PATTERN_VALID",
    "XsdAtomicBuiltin": "CVC_DATATYPE_VALID_1_2_1",
    "XsdAtomicRestriction": "CVC_DATATYPE_VALID_1_2_1",
    "XsdUnion": "CVC_DATATYPE_VALID_1_2_3",
    "XsdList": "CVC_DATATYPE_VALID_1_2_2",
    "XsdAssert": "CVC_ASSERTION",
    "XsdAssertionFacet": "CVC_ASSERTION",
}


def _attribute(error: XMLSchemaValidationError, kind: str) -> str:
    """Which attribute a defect is about, in the words that schema.py looks for."""
    reason = error.reason or ""
    if type(error.validator).__name__ == "XsdAttributeGroup" and (found := _QUOTED.search(reason)):
        missing = kind == "CVC_COMPLEX_TYPE_4"
        return f": The attribute '{found[1]}' is required but missing." if missing else f", attribute '{found[1]}'"
    of = _OF_ATTRIBUTE.match(reason)
    return f", attribute '{of[1]}'" if of else ""


def _allowed(validator: Any) -> str:
    """What the schema allows: its own text, never the document's."""
    name = type(validator).__name__
    if made := _ALLOWED.get(name):
        return made(validator)
    return f"'{validator.value}'." if _FACET.fullmatch(name) and hasattr(validator, "value") else ""


_ALLOWED: Mapping[str, Callable[[Any], str]] = {
    "XsdEnumerationFacets": lambda v: " is not an element of the set {" + ", ".join(map(repr, v.enumeration)) + "}.",
    "XsdPatternFacets": lambda v: f" is not accepted by the pattern '{'|'.join(v.regexps)}'.",
    "XsdAtomicBuiltin": lambda v: f"'xs:{v.local_name}'.",
    "XsdAssert": lambda v: f"'{v.path}'.",
    "XsdAssertionFacet": lambda v: f"'{v.path}'.",
}
