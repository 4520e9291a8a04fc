"""Catalog fields out of a tree: all paths of a part compiled into one walk that visits only what they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.catalog import Locator, Part
from gateway.validation.tree import follow, is_step, local
from gateway.xmlsafe import Element

LONGEST = 256  # characters kept of a value: identifiers are far shorter, and whatever is longer stays wrong when cut
_MOST_TAGS = 1000  # remembered for one step: a hostile document may invent names for ever
Values = dict[str, list[str]]  # field → its values in document order; an absent field is not there


@dataclass(slots=True)
class _Step:
    """One element of the paths: which of its values are wanted, and which children lead on."""

    text: list[str] = field(default_factory=list)  # the paths that end here
    attributes: dict[str, str] = field(default_factory=dict)  # name → path
    children: dict[str, _Step] = field(default_factory=dict)  # a local name, or a pattern
    part: bool = False  # a line begins here
    routes: dict[str, tuple[_Step, ...]] = field(default_factory=dict)  # a child's tag → where it leads, as seen so far


class Extractor:
    """Takes the fields of one part (the document's head, an invoice) and, below it, of its lines."""

    def __init__(self, fields: Mapping[str, Locator], below: Part | None = None) -> None:
        self._fields = fields
        self._top = _Step()
        for path in {path for locator in fields.values() for path in locator}:
            _plant(self._top, path)
        if below is not None:
            _plant_part(self._top, below.path)
        self._below = Extractor(below.fields) if below is not None else None

    def take(self, element: Element) -> tuple[Values, list[Values]]:
        """The fields of the part, and of each of its lines."""
        found: Values = {}
        lines: list[Values] = []
        self._walk(element, self._top, found, lines)
        return {name: got for name, locator in self._fields.items() if (got := _joined(locator, found))}, lines

    def _walk(self, element: Element, step: _Step, found: Values, lines: list[Values]) -> None:
        for path in step.text:
            found.setdefault(path, []).append((element.text or "")[:LONGEST])
        for name, path in step.attributes.items():
            if (value := element.get(name)) is not None:
                found.setdefault(path, []).append(value[:LONGEST])
        if step.part and self._below is not None:
            lines.append(self._below.take(element)[0])
        if step.children:
            routes = step.routes
            for child in element:
                onward = routes.get(child.tag)
                for leads in _routes(step, child) if onward is None else onward:
                    self._walk(child, leads, found, lines)


def _routes(step: _Step, child: Element) -> tuple[_Step, ...]:
    routes = tuple(onward for name, onward in step.children.items() if is_step(child, name))
    if len(step.routes) < _MOST_TAGS:
        step.routes[child.tag] = routes
    return routes


def _plant(top: _Step, path: str) -> None:
    *steps, last = path.split("/")
    for name in steps if last.startswith("@") else (*steps, last):
        top = top.children.setdefault(name, _Step())
    if last.startswith("@"):
        top.attributes[last[1:]] = path
    else:
        top.text.append(path)


def _plant_part(top: _Step, path: str) -> None:
    for name in path.split("/"):
        top = top.children.setdefault(name, _Step())
    top.part = True


def _joined(locator: Locator, found: Values) -> list[str]:
    if len(locator) == 1:
        return found.get(locator[0], [])
    parts = [found[path][0] for path in locator if path in found]
    return ["-".join(parts)] if len(parts) == len(locator) else []


def find(element: Element, locator: Locator | None) -> tuple[Element, str | None]:
    """The element that holds a field (or, when it is absent, the one that should) and the attribute, if it is one."""
    if not locator:
        return element, None
    steps = locator[0].split("/")
    attribute = steps.pop()[1:] if steps[-1].startswith("@") else None
    for length in range(len(steps), 0, -1):
        if (node := next(follow(element, steps[:length]), None)) is not None:
            return node, attribute if length == len(steps) else None
    return element, attribute if not steps else None


def below(element: Element, part: Part | None) -> Iterable[Element]:
    """The lines of an invoice, in document order."""
    nodes: Iterator[Element] = follow(element, part.path.split("/")) if part else iter(())
    return nodes


def kind_of(element: Element) -> str:
    """What kind of invoice it is: its element's local name."""
    return local(element.tag)
