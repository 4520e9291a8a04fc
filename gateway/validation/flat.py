"""Catalog fields of many valid invoices in one walk: only elements that hold something wanted are ever looked at.

What an element means follows from its name, or its name and its parent's, because the schema's outline says where that
name can stand. Where that is not so there is no such walk, and `fields.Extractor` follows the paths instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gateway.catalog import Locator, Part
from gateway.validation.fields import Values
from gateway.validation.outline import Names, Outline
from gateway.validation.tree import is_named, local
from gateway.xmlsafe import Element

Taken = tuple[Element, Values, list[Values]]  # an invoice, its fields, and those of its lines
_INVOICE, _LINE, _UNKNOWABLE, _BY_PARENT = 1, 2, 3, 4
_OWN, _OF_LINE = 0, 1


class AmbiguousError(Exception):
    """A name means different things in different places: the paths must be followed."""


class _Holds(NamedTuple):
    """What one element holds of a part: fields by its text, by an attribute, by several attributes joined."""

    text: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # attribute, field
    joined: tuple[tuple[str, tuple[str, ...]], ...] = ()  # field, attributes


class _Meaning(NamedTuple):
    """What an element means. `begins`: an invoice or a line; or what must be asked elsewhere."""

    begins: int = 0
    own: _Holds | None = None
    line: _Holds | None = None
    by_parent: Mapping[str, _Meaning] | None = None


class _Quick(NamedTuple):
    """A meaning as the walk asks for it. Nearly all elements are one field by their text: of the invoice (_OWN) or of
    a line. `whose` is None for all others."""

    whose: int | None
    name: str
    meaning: _Meaning


class _Table(dict[str, _Quick]):
    """Tag → meaning; a tag not seen before is looked up by its local name."""

    def __init__(self, by_name: Mapping[str, _Meaning]) -> None:
        self._by_name = by_name

    def __missing__(self, tag: str) -> _Quick:
        meaning = self._by_name[local(tag)]
        quick = _Quick(None, "", meaning)
        if not meaning.begins and meaning.by_parent is None and (meaning.own is None or meaning.line is None):
            holds = meaning.own or meaning.line or _Holds()
            if len(holds.text) == 1 and not holds.attributes and not holds.joined:
                quick = _Quick(_OWN if meaning.own else _OF_LINE, holds.text[0], meaning)
        self[tag] = quick
        return quick


class Flat:
    """The walk over valid invoices of one document type. Raises AmbiguousError when there can be none."""

    def __init__(self, outline: Outline, fields: Mapping[str, Locator], below: Part | None) -> None:
        self.outline, self._fields = outline, _split(fields)
        self._below = Part(below.path, _split(below.fields)) if below is not None else None
        self._join = _scattered(fields)
        self._join_lines = _scattered(below.fields) if below is not None else {}
        self._steps = below.path.split("/") if below is not None else [""]
        self._invoice = _Meaning(_INVOICE, _holds(self._fields, ()))
        self._by_name = {name: m for name, paths in outline.names.items() if (m := self._of_name(paths)) is not None}
        self._tags = [f"{{*}}{name}" for name in self._by_name]
        self._table = _Table(self._by_name)

    def take(self, holder: Element, invoices: Collection[str]) -> list[Taken] | None:
        """Every invoice (their tags are given) in the element that holds them; None when the paths must be followed."""
        table = self._table
        if local(holder.tag) in self._by_name or not self._know(invoices):
            return None
        taken: list[Taken] = []
        own: Values = {}
        lines: list[Values] = []
        line: Values = {}
        for element in holder.iter(*self._tags, *invoices):
            whose, name, meaning = table[element.tag]
            if whose is None:
                begins, of_own, of_line, _ = meaning if meaning.by_parent is None else _in_its_parent(element, meaning)
                if begins == _INVOICE:
                    own, lines = {}, []
                    taken.append((element, own, lines))
                elif begins == _LINE:
                    line = {}
                    lines.append(line)
                elif begins == _UNKNOWABLE:
                    return None
                _put(own, element, of_own)
                _put(line, element, of_line)
                continue
            found = own if whose == _OWN else line
            if name in found:
                found[name].append(element.text or "")
            else:
                found[name] = [element.text or ""]
        if self._join or self._join_lines:
            self._put_together(taken)
        return taken

    def _put_together(self, taken: Sequence[Taken]) -> None:
        for _, own, lines in taken:
            _join(own, self._join)
            for line in lines:
                _join(line, self._join_lines)

    def _know(self, invoices: Collection[str]) -> bool:
        """Whether these names never stand inside an invoice."""
        if all(tag in self._table and self._table[tag].meaning is self._invoice for tag in invoices):
            return True
        if any(local(tag) in self.outline.names for tag in invoices):
            return False
        self._table.update(dict.fromkeys(invoices, _Quick(None, "", self._invoice)))
        return True

    def _of_name(self, paths: Collection[Names]) -> _Meaning | None:
        meanings = {path: self._at(path) for path in paths}
        different = set(meanings.values())
        if len(different) == 1:
            meaning = different.pop()
            return meaning if any(meaning) else None
        by_parent: dict[str, _Meaning] = {}
        for path, meaning in meanings.items():
            if len(path) < 2 or by_parent.setdefault(path[-2], meaning) != meaning:
                raise AmbiguousError
        return _Meaning(_BY_PARENT, None, None, by_parent)

    def _at(self, path: Names) -> _Meaning:
        """What an element at this path below the invoice means."""
        if path in self.outline.loose:
            return _Meaning(_UNKNOWABLE)
        size, of_line, begins = len(self._steps), None, 0
        if self._below is not None and _leads(self._steps, path[:size]):
            begins = _LINE if len(path) == size else 0
            of_line = _holds(self._below.fields, path[size:])
        return _Meaning(begins, _holds(self._fields, path), of_line)


def _in_its_parent(element: Element, meaning: _Meaning) -> _Meaning:
    parent = element.getparent()
    assert parent is not None
    assert meaning.by_parent is not None
    return meaning.by_parent[local(parent.tag)]


def _put(found: Values, element: Element, holds: _Holds | None) -> None:
    if holds is None:
        return
    text, attributes, joined = holds
    for name in text:
        if (values := found.get(name)) is None:
            found[name] = [element.text or ""]
        else:
            values.append(element.text or "")
    if attributes or joined:
        written: dict[str, str] = dict(element.items())  # type: ignore[arg-type]  # quicker than one after the other
        for attribute, name in attributes:
            if attribute in written:
                if name in found:
                    found[name].append(written[attribute])
                else:
                    found[name] = [written[attribute]]
        for name, parts in joined:
            values = [written[part] for part in parts if part in written]
            if len(values) == len(parts):
                found[name] = ["-".join(values)]


def _scattered(fields: Mapping[str, Locator]) -> dict[str, Locator]:
    """The fields whose parts are not all attributes of one element."""
    return {n: locator for n, locator in fields.items() if len(locator) > 1 and not _at_once(locator)}


def _at_once(locator: Locator) -> bool:
    return all(path.startswith("@") for path in locator)


def _split(fields: Mapping[str, Locator]) -> dict[str, Locator]:
    """The fields, with the parts of scattered ones as fields of their own; no field has such a name."""
    scattered = _scattered(fields)
    parts = {f"/{path}": (path,) for locator in scattered.values() for path in locator}
    return {name: locator for name, locator in fields.items() if name not in scattered} | parts


def _join(found: Values, scattered: Mapping[str, Locator]) -> None:
    """Make scattered fields of their parts."""
    for name, locator in scattered.items():
        values = [found[f"/{path}"][0] for path in locator if f"/{path}" in found]
        if len(values) == len(locator):
            found[name] = ["-".join(values)]
    for path in {path for locator in scattered.values() for path in locator}:
        found.pop(f"/{path}", None)


def _holds(fields: Mapping[str, Locator], path: Names) -> _Holds | None:
    """Which fields an element at this path below its part holds."""
    text: list[str] = []
    attributes: list[tuple[str, str]] = []
    joined: list[tuple[str, tuple[str, ...]]] = []
    for name, locator in fields.items():
        if len(locator) > 1:
            joined += [] if path else [(name, tuple(wanted[1:] for wanted in locator))]
            continue
        *steps, last = locator[0].split("/")
        if last.startswith("@"):
            attributes += [(last[1:], name)] if _leads(steps, path) else []
        elif _leads([*steps, last], path):
            text.append(name)
    return _Holds(tuple(text), tuple(attributes), tuple(joined)) if text or attributes or joined else None


def _leads(steps: Sequence[str], path: Names) -> bool:
    return len(steps) == len(path) and all(is_named(name, step) for name, step in zip(path, steps, strict=True))
