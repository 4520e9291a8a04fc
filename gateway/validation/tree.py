"""Where an element stands: its address and its path, in a tree whose invoices come and go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from gateway.validation.findings import Place
from gateway.xmlsafe import Element

# A step of libxml2's node paths: `*[2]` counts all elements, `DP[2]` and `p:DP[2]` those of that name.


@lru_cache(maxsize=4096)
def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


@lru_cache(maxsize=4096)
def is_named(tag: str, step: str) -> bool:
    """Whether a step of a catalog path means elements of this tag."""
    return fnmatchcase(local(tag), step) if "*" in step else local(tag) == step


def is_step(element: Element, step: str) -> bool:
    """Whether a step of a catalog path means this element: a local name, or a pattern with `*`."""
    return is_named(element.tag, step)


def follow(element: Element, steps: Sequence[str]) -> Iterator[Element]:
    """The descendants that a catalog path leads to."""
    if not steps:
        yield element
        return
    for child in element:
        if is_step(child, steps[0]):
            yield from follow(child, steps[1:])


def steps_to(element: Element, top: Element) -> list[int] | None:
    """The child numbers that lead from one element down to another; None where none do."""
    steps: list[int] = []
    while element is not top:
        parent = element.getparent()
        if parent is None:
            return None
        steps.append(parent.index(element))
        element = parent
    return steps[::-1]


def descend(element: Element, steps: Iterable[int]) -> Element:
    """The element that child numbers lead to."""
    for number in steps:
        element = element[number]
    return element


class Stayed(NamedTuple):
    """Where an element truly stands whose siblings were taken away."""

    number: int  # of a child, from 0
    nth: int | None = None  # of its name, from 1; None: no other of its name was taken away


def place(element: Element, top: Element, base: Place, stayed: Mapping[Element, Stayed] | None = None) -> Place:
    """Where `element` stands, when `top` above it (or it itself) stands at `base`."""
    address: list[int] = []
    names: list[str] = []
    while element is not top and (parent := element.getparent()) is not None:
        truly = (stayed or {}).get(element)
        address.append(parent.index(element) if truly is None else truly.number)
        nth = truly.nth if truly is not None else None
        names.append(_step(element, parent) if nth is None else f"{local(element.tag)}[{nth}]")
        element = parent
    return Place((*base.address, *reversed(address)), "/".join([base.path, *reversed(names)]))


def _step(element: Element, parent: Element) -> str:
    name = local(element.tag)
    same = [child for child in parent if local(child.tag) == name]
    return name if len(same) == 1 else f"{name}[{same.index(element) + 1}]"


class Nodes:
    """Elements by libxml2's node paths. Thousands of defects may be among the same thousands of siblings: each group of
    siblings is listed once, and what is above them is looked for once."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._named: dict[tuple[Element, str], list[Element]] = {}
        self._above: dict[str, tuple[Element, bool]] = {}  # by path, as of `_at`

    def at(self, path: str) -> Element:
        """The element that a path means; as near to it as can be found."""
        return self._at(path)[0]

    def _at(self, path: str) -> tuple[Element, bool]:
        """The element, and whether it is the one that is meant."""
        above, _, step = path.rpartition("/")
        if not above:
            return self._root, True
        if (known := self._above.get(above)) is None:
            known = self._above[above] = self._at(above)
        node, found = known
        if not found:
            return known
        name, _, number = step.partition("[")
        same = self._children(node, name)
        return (same[int(number[:-1] or 1) - 1], True) if same else (node, False)

    def _children(self, node: Element, name: str) -> list[Element]:
        if (node, name) not in self._named:
            self._named[node, name] = [child for child in node if _is_named(child, name)]
        return self._named[node, name]


def shelf(near: Element) -> Element:
    """An element outside every document to move others to: the namespaces are known there, so that a move costs little
    (taking an element out of its tree altogether makes libxml2 search for them again and again)."""
    try:
        return near.makeelement(near.tag, nsmap=near.nsmap)  # type: ignore[arg-type]  # the stubs know no default namespace
    except ValueError:  # a namespace that is no address: libxml2 reads what lxml does not write
        return near.makeelement("shelf")


def _is_named(element: Element, name: str) -> bool:
    if name == "*":
        return True
    prefix, _, own = name.rpartition(":")
    return local(element.tag) == own and (element.prefix or "") == prefix
