"""Catalog fields of many valid invoices in one walk: only elements that hold something wanted are ever looked at.

What an element means follows from its name, or its name and its parent's, because the schema's outline says where that
name can stand (`meanings`). Where that is not so there is no such walk, and `fields.Extractor` follows the paths.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.catalog import Locator, Part
from gateway.validation import shapes as read
from gateway.validation.certain import certain
from gateway.validation.fields import LONGEST, Values
from gateway.validation.meanings import (
    INVOICE,
    LINE,
    UNKNOWABLE,
    Holds,
    Meaning,
    Table,
    Word,
    holds,
    join,
    meanings,
    scattered,
    split,
    texts_are_leaves,
)
from gateway.validation.outline import Outline
from gateway.validation.pieces import line_of
from gateway.validation.shapes import Row, Shapes
from gateway.validation.stencils import Stencils
from gateway.validation.templates import Templates
from gateway.validation.tree import local
from gateway.xmlsafe import Element

Written = tuple[list[str], list[str]]  # fields and their values, one beside the other, in document order


class Flat:
    """The walk over valid invoices of one document type. Raises AmbiguousError when there can be none."""

    def __init__(self, outline: Outline, fields: Mapping[str, Locator], below: Part | None, shapes: Shapes) -> None:
        self.outline, self.shapes = outline, shapes
        self._join = scattered(fields)
        self._join_lines = scattered(below.fields) if below is not None else {}
        apart = split(fields)
        self._by_name = meanings(outline, apart, Part(below.path, split(below.fields)) if below is not None else None)
        self._invoice = Meaning(INVOICE, holds(apart, ()))
        self._tags = [f"{{*}}{name}" for name in self._by_name]
        self._table = Table(self._by_name)
        parts = not self._join and not self._join_lines
        self.leaves = texts_are_leaves(outline, apart, below)  # blanks between tags are no part of any field
        self.stencils = Stencils(self._by_name, self._invoice, self.shapes) if parts else None
        self.templates = Templates(self._by_name, self._invoice, self.shapes) if parts else None
        sure = parts and () not in outline.loose  # what may hold anything is not declared
        self.certain = certain(outline.declared, self._by_name, self._invoice, below, shapes) if sure else None

    def take(self, holder: Element, invoices: Collection[str]) -> list[Row] | None:
        """Every invoice (their tags are given) in the element that holds them; None when the paths must be followed."""
        table = self._table
        if local(holder.tag) in self._by_name or not self._know(invoices):
            return None
        taken: list[tuple[Element, Written, list[Written]]] = []
        lines: list[Written] = []
        names, values, line_names, line_values = _nothing()
        for element in holder.iter(*self._tags, *invoices):
            of_invoice, of_line, meaning = table[element.tag]
            if meaning is None:
                text = (element.text or "")[:LONGEST]
                _note(names, values, of_invoice, text)
                _note(line_names, line_values, of_line, text)
                continue
            begins, own, line, _ = meaning if meaning.by_parent is None else _in_its_parent(element, meaning)
            if begins == INVOICE:
                names, values, line_names, line_values = _nothing()
                lines = []
                taken.append((element, (names, values), lines))
            elif begins == LINE:
                line_names, line_values = [], []
                lines.append((line_names, line_values))
            elif begins == UNKNOWABLE:
                return None
            if own is not None:
                _put(names, values, element, own)
            if line is not None:
                _put(line_names, line_values, element, line)
        return self._rows(taken)

    def _rows(self, taken: Sequence[tuple[Element, Written, list[Written]]]) -> list[Row]:
        shapes = self.shapes
        if self._join or self._join_lines:
            return [
                (
                    line_of(element),
                    self._joined(own, self._join),
                    [self._joined(one, self._join_lines) for one in lines],
                )
                for element, own, lines in taken
            ]
        return [
            (line_of(element), (shapes[tuple(names)], got), [(shapes[tuple(own)], values) for own, values in lines])
            for element, (names, got), lines in taken
        ]

    def _joined(self, written: Written, scattered: Mapping[str, Locator]) -> read.Part:
        found: Values = {}
        for name, value in zip(*written, strict=True):
            found.setdefault(name, []).append(value)
        join(found, scattered)
        return self.shapes.part(found)

    def _know(self, invoices: Collection[str]) -> bool:
        """Whether these names never stand inside an invoice."""
        if all(tag in self._table and self._table[tag].meaning is self._invoice for tag in invoices):
            return True
        if any(local(tag) in self.outline.names for tag in invoices):
            return False
        self._table.update(dict.fromkeys(invoices, Word(None, None, self._invoice)))
        return True


def _in_its_parent(element: Element, meaning: Meaning) -> Meaning:
    parent = element.getparent()
    assert parent is not None
    assert meaning.by_parent is not None
    return meaning.by_parent.get(local(parent.tag), Meaning(UNKNOWABLE))


def _note(names: list[str], values: list[str], name: str | None, text: str) -> None:
    if name is not None:
        names.append(name)
        values.append(text)


def _nothing() -> tuple[list[str], list[str], list[str], list[str]]:
    return [], [], [], []


def _put(names: list[str], values: list[str], element: Element, holds: Holds) -> None:
    text, attributes, joined = holds
    for name in text:
        names.append(name)
        values.append((element.text or "")[:LONGEST])
    if attributes or joined:
        there: dict[str, str] = dict(element.items())  # type: ignore[arg-type]  # quicker than one after the other
        for attribute, name in attributes:
            if attribute in there:
                names.append(name)
                values.append(there[attribute][:LONGEST])
        for name, parts in joined:
            got = [there[part][:LONGEST] for part in parts if part in there]
            if len(got) == len(parts):
                names.append(name)
                values.append("-".join(got))
