"""What a schema lets stand below an invoice: every path of a valid one, read from the XSD itself, or nothing at all.

Only where the whole answer is certain does it answer: recursion, wildcards that could hold a wanted name, types that a
document may choose (substitution) make it say less, and judging then looks at every element instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from gateway import xmlsafe
from gateway.validation.declared import Declared
from gateway.validation.tree import is_named
from gateway.xmlsafe import Element

_XS = "{http://www.w3.org/2001/XMLSchema}"
_MOST_PATHS = 5000
_MOST_AROUND, _DEEPEST_AROUND = 500, 20
_GROUPS = {"complexType", "sequence", "choice", "all", "complexContent", "restriction", "group"}
_CONSTRAINTS = {f"{_XS}key", f"{_XS}unique", f"{_XS}keyref"}
Names = tuple[str, ...]  # local names, from the invoice's children on; () is the invoice


@dataclass(frozen=True, slots=True)
class Outline:
    """The paths of a valid invoice. `loose` paths may hold anything at all."""

    paths: frozenset[Names]
    loose: frozenset[Names]
    depth: int
    attributes: int  # no element has more
    declared: Declared  # what each of them may hold
    around: Declared  # what stands around invoices may hold, by paths from the root on

    @property
    def names(self) -> dict[str, set[Names]]:
        """The paths that end in each local name."""
        ending: dict[str, set[Names]] = {}
        for path in self.paths:
            if path:
                ending.setdefault(path[-1], set()).add(path)
        return ending


class _UnknowableError(Exception):
    """The schema says something that this reading of it does not follow."""


def outline(schema: Path, root: str, steps: Sequence[str]) -> Outline | None:
    """The outline of the invoices that `steps` lead to below `root` (local names; patterns with `*`). None when it
    cannot be known, or when the schema compares invoices with one another."""
    try:
        return _Reader(schema).read(root, steps)
    except (_UnknowableError, OSError, etree.LxmlError):
        return None


class _Reader:
    def __init__(self, schema: Path) -> None:
        self._files: set[Path] = set()
        self._globals: dict[tuple[str, str], Element] = {}  # (kind, local name) → definition
        self._attributes = 0
        self._paths: set[Names] = set()
        self._loose: set[Names] = set()
        self._elements: dict[Names, Element | None] = {}  # by their paths, from the invoice's own name on
        self._constraints: list[Element] = []
        self._load(schema)

    def _load(self, file: Path) -> None:
        if file in self._files:
            return
        self._files.add(file)
        for node in xmlsafe.parse(file.read_bytes()):
            kind = _kind(node)
            if kind in ("redefine", "override"):
                raise _UnknowableError
            if kind in ("include", "import") and (where := node.get("schemaLocation")):
                self._load(file.parent / where)
            if (name := node.get("name")) and self._globals.setdefault((kind, name), node) is not node:
                raise _UnknowableError  # one local name, two namespaces
            if node.get("substitutionGroup"):
                raise _UnknowableError
            self._attributes += len(list(node.iter(f"{_XS}attribute")))
            self._constraints += node.iter(*_CONSTRAINTS)

    def read(self, root: str, steps: Sequence[str]) -> Outline:
        holders = [self._find("element", root)]
        for step in steps[:-1]:
            self._compares_nothing(holders)
            holders = [e for holder in holders for e, name in self._children(holder) if is_named(name, step)]
        self._compares_nothing(holders)
        for holder in holders:
            for element, name in self._children(holder):
                if is_named(name, steps[-1]):
                    self._walk(element, (), [], (name,))
        depth = max((len(path) for path in self._paths), default=0)
        elements = [self._elements, self._around(root, holders)]
        declared, around = [Declared(found, self._globals, self._constraints) for found in elements]
        return Outline(frozenset(self._paths), frozenset(self._loose), depth, self._attributes, declared, around)

    def _around(self, root: str, holders: Sequence[Element]) -> dict[Names, Element | None]:
        """The elements around the invoices, as far as the holders of these; none where they cannot be known."""
        found: dict[Names, Element | None] = {}
        waiting: list[tuple[Names, Element]] = [((root,), self._find("element", root))]
        try:
            while waiting:
                path, element = waiting.pop()
                _note(found, path, element)
                if element not in holders:
                    waiting += [((*path, name), child) for child, name in self._children(element)]
                if len(found) > _MOST_AROUND or len(path) > _DEEPEST_AROUND:
                    return {}
        except _UnknowableError:
            return {}
        return found

    def _compares_nothing(self, holders: Sequence[Element]) -> None:
        if any(child.tag in _CONSTRAINTS for holder in holders for child in holder):
            raise _UnknowableError

    def _walk(self, element: Element, path: Names, above: list[Element], named: Names) -> None:
        if element in above or len(self._paths) > _MOST_PATHS:
            raise _UnknowableError
        self._paths.add(path)
        _note(self._elements, named, element)
        for child, name in self._children(element, path):
            self._walk(child, (*path, name), [*above, element], (*named, name))

    def _children(self, element: Element, path: Names | None = None) -> Iterator[tuple[Element, str]]:
        """The elements that may stand in an element, with their names."""
        kind = element.get("type")
        content = [child for child in element if _kind(child) == "complexType"]
        if kind is not None:
            content = self._type(kind)
        elif not content and not any(_kind(child) == "simpleType" for child in element):
            self._anything(path)
        for node in content:
            yield from self._content(node, path)

    def _content(self, node: Element, path: Names | None) -> Iterator[tuple[Element, str]]:
        kind = _kind(node)
        if kind in ("any", "anyAttribute"):
            self._anything(path)
        elif kind == "element":
            own = self._find("element", _local(node.get("ref", ""))) if node.get("ref") else node
            yield own, own.get("name", "")
        elif kind in _GROUPS or kind == "extension":
            if kind == "group" and node.get("ref"):
                yield from self._content(self._find("group", _local(node.get("ref", ""))), path)
            for base in self._type(node.get("base", "")) if kind == "extension" else ():
                yield from self._content(base, path)
            for child in node:
                yield from self._content(child, path)

    def _type(self, name: str) -> list[Element]:
        """The definition of a complex type; nothing for a simple one."""
        if _local(name) in ("anyType", "anySimpleType"):
            raise _UnknowableError
        found = self._globals.get(("complexType", _local(name)))
        return [] if found is None else [found]

    def _find(self, kind: str, name: str) -> Element:
        if (kind, name) not in self._globals:
            raise _UnknowableError
        return self._globals[kind, name]

    def _anything(self, path: Names | None) -> None:
        if path is None:
            raise _UnknowableError
        self._loose.add(path)


def _note(elements: dict[Names, Element | None], path: Names, element: Element) -> None:
    """Note what is declared at a path; None where two declarations say different things."""
    known = elements.setdefault(path, element)
    if known is not element and (known is None or not _are_alike(known, element)):
        elements[path] = None


def _are_alike(one: Element, other: Element) -> bool:
    """Whether two declarations say the same of what stands in an element."""
    return one.get("type") is not None and sorted(one.items()) == sorted(other.items()) and one.nsmap == other.nsmap


def _kind(node: Element) -> str:
    return node.tag.removeprefix(_XS) if isinstance(node.tag, str) else ""


def _local(name: str) -> str:
    return name.rpartition(":")[2]
