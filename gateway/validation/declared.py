"""What the elements of an invoice may hold, by the schema's own declarations: values that certainly fit, attributes
that must be there, what may not be said twice. There is no answer where it is not certain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from gateway.validation.lexical import XS, Fit, Lexical
from gateway.xmlsafe import Element

Names = tuple[str, ...]  # local names, from the invoice's own on
_EXTENDING = {f"{{{XS}}}{name}" for name in ("complexContent", "simpleContent", "extension")}
_OF_CONTENT = {f"{{{XS}}}{name}" for name in ("sequence", "choice", "all", "group", "annotation")}
_EXTENSION = f"{{{XS}}}simpleContent/{{{XS}}}extension"
_COMPARED = {f"{{{XS}}}selector", f"{{{XS}}}field"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_KEYREF = f"{{{XS}}}keyref"


class Attribute(NamedTuple):
    """An attribute: a pattern of values that fit, and whether it must be there."""

    pattern: str
    required: bool


class Distinct(NamedTuple):
    """What must differ within an invoice: `field`, in the elements that `selector` leads to."""

    selector: Names
    field: Names
    whole: bool  # they are whole numbers: 01 is 1


class _UnknownError(Exception):
    """The schema says something that is not followed here."""


class Declared:
    """The declarations of the elements below invoices. `elements`: by their paths, None where a path does not tell
    which; `named`: what the schema defines, by kind and local name; `constraints`: all of its keys and the like."""

    def __init__(
        self,
        elements: Mapping[Names, Element | None],
        named: Mapping[tuple[str, str], Element],
        constraints: Collection[Element],
    ) -> None:
        self._elements, self._named, self._constraints = elements, named, constraints
        simple = {name: node for (kind, name), node in named.items() if kind == "simpleType"}
        self._lexical = Lexical({name: node for name, node in simple.items() if ("complexType", name) not in named})

    def knows(self, path: Names) -> bool:
        """Whether one declaration says what stands at this path."""
        return self._elements.get(path) is not None

    def text(self, path: Names) -> str | None:
        """The pattern of what fits as the text of an element that holds no other."""
        fit = self._text(path)
        return fit.written("") if fit is not None else None

    def may_be_empty(self, path: Names) -> bool:
        """Whether an element certainly is right with no text in it, as far as that goes: it holds none, or any that
        fits may be empty."""
        try:
            content = self._complex(self._element(path))
        except _UnknownError:
            return False
        if content is not None and content.find(f"{{{XS}}}simpleContent") is None:
            return True
        text = self.text(path)
        return text is not None and re.match(text, "<") is not None

    def attribute(self, path: Names, name: str, quote: str) -> Attribute | None:
        """An attribute without a prefix, as it stands in quotes."""
        try:
            found = [node for node in self._attributes(self._element(path)) if node.get("name") == name]
        except _UnknownError:
            return None
        if len(found) != 1 or _is_qualified(found[0]) or found[0].get("use") == "prohibited":
            return None
        fit = self._lexical.fit(found[0], quote)
        return Attribute(fit.written(quote), found[0].get("use") == "required") if fit is not None else None

    @cached_property
    def distinct(self) -> Sequence[Distinct] | None:
        """What must differ within an invoice, of whatever name; None where that is not certain."""
        try:
            return [self._distinct(node) for node in self._constraints]
        except _UnknownError:
            return None

    # -- one declaration --

    def _element(self, path: Names) -> Element:
        element = self._elements.get(path)
        if element is None:
            raise _UnknownError
        return element

    def _text(self, path: Names) -> Fit | None:
        try:
            element = self._element(path)
            content = self._complex(element)
        except _UnknownError:
            return None
        if content is None:
            return self._lexical.fit(element, "")
        extension = content.find(_EXTENSION)
        return (
            self._lexical.fit(extension, "", "base") if extension is not None and element.get("fixed") is None else None
        )

    def _complex(self, node: Element, attribute: str = "type") -> Element | None:
        """The complex type of an element, or the one that an extension extends; None where it is a simple one."""
        name = node.get(attribute)
        if name is None:
            return node.find(f"{{{XS}}}complexType")
        prefix, _, own = name.rpartition(":")
        known = {kind: self._named.get((kind, own)) for kind in ("simpleType", "complexType")}
        if node.nsmap.get(prefix or None) == XS:
            return None
        if (known["simpleType"] is None) == (known["complexType"] is None):
            raise _UnknownError
        return known["complexType"]

    def _attributes(self, element: Element) -> Iterator[Element]:
        content = self._complex(element)
        if content is not None:
            yield from self._attributes_in(content, 0)

    def _attributes_in(self, node: Element, depth: int) -> Iterator[Element]:
        for child in node:
            if child.tag == f"{{{XS}}}attribute":
                yield child
            elif child.tag in _EXTENDING and depth < 20:
                base = self._complex(child, "base") if child.get("base") else None
                yield from self._attributes_in(base, depth + 1) if base is not None else ()
                yield from self._attributes_in(child, depth + 1)
            elif isinstance(child.tag, str) and child.tag not in _OF_CONTENT:
                raise _UnknownError

    # -- what must differ --

    def _distinct(self, node: Element) -> Distinct:
        """What one key says; it stands in an invoice and looks at one value in each of its elements."""
        invoice = next((path for path, element in self._elements.items() if element is node.getparent()), ())
        steps = [_steps(child) for child in node if child.tag in _COMPARED]
        if len(invoice) != 1 or len(steps) != 2 or node.tag == _KEYREF:
            raise _UnknownError
        path = (*invoice, *steps[0], *steps[1])
        fit, element = self._text(path), self._element(path)
        if fit is None or not (fit.whole or fit.text) or {"default", "fixed"} & set(element.keys()):
            raise _UnknownError  # without a value it has one
        return Distinct(steps[0], steps[1], fit.whole)


def _steps(node: Element) -> Names:
    """The local names of the path of a selector or a field: children in the schema's own namespace."""
    schema, names = node.getroottree().getroot(), []
    for step in node.get("xpath", "").split("/"):
        prefix, _, name = step.rpartition(":")
        qualified = schema.get("elementFormDefault") == "qualified"
        namespace = node.nsmap.get(prefix) if prefix else None
        if namespace != (schema.get("targetNamespace") if qualified else None) or not _NAME.fullmatch(name):
            raise _UnknownError
        names.append(name)
    return tuple(names)


def _is_qualified(attribute: Element) -> bool:
    """Whether it stands in a namespace, so that its name alone is another attribute's."""
    form = attribute.get("form") or attribute.getroottree().getroot().get("attributeFormDefault")
    return form == "qualified" or attribute.get("ref") is not None
