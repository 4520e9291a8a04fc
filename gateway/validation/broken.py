"""What the schema engine finds wrong, entry by entry, each at its element."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.validation.tree import Nodes
from gateway.xmlsafe import Element

_UNEXPECTED = ": This element is not expected."
_COMPARISONS = ("SCHEMAV_CVC_IDC", "SCHEMAV_CVC_COMPLEX_TYPE_5_1")


@dataclass(frozen=True, slots=True)
class Broken:
    """One entry of the schema engine's log. Its text never leaves this package."""

    kind: str  # lxml's name of the error type
    text: str
    node: Element

    @property
    def unexpected(self) -> bool:
        """Whether the element should not be there at all."""
        return _UNEXPECTED in self.text and self.kind == "SCHEMAV_ELEMENT_CONTENT"

    @property
    def of_value(self) -> bool:
        """Whether only a value is refused: elements and attributes are those that may be there."""
        return self.kind.startswith("SCHEMAV_CVC_DATATYPE") or self.kind.endswith("_VALID")

    @property
    def compares(self) -> bool:
        """Whether it says that something is repeated, or points at nothing."""
        return self.kind in _COMPARISONS


def judge(schema: etree.XMLSchema, root: Element) -> list[Broken]:
    """Everything the schema finds wrong below `root`, in document order."""
    if schema.validate(root):
        return []
    said = list(_log(schema))
    if not said or any(e.type_name == "ERR_NO_MEMORY" for e in said):
        raise MemoryError  # a verdict without a reason: the engine had no room for it
    nodes = Nodes(root)
    return [Broken(e.type_name, e.message, nodes.at(e.path or "")) for e in said]


def _log(schema: etree.XMLSchema) -> Iterator[Any]:
    yield from schema.error_log  # type: ignore[misc]  # the stubs do not know that it can be iterated
