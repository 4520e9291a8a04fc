"""Blocks of invoices that are right by the schema for certain, so that libxml2 need not be asked again.

An invoice is right when it is built as one that was found right, to the last character but for its values, and when
each of its values certainly fits its type. The first is seen by narrow stencils and templates, whose holes take nothing
else (`lexical`); how invoices are built counts only once libxml2 has found nothing wrong but values in such a block of
the same document, under the same declarations of namespaces. XSD 1.0 knows nothing else that makes an invoice right:
what must differ within an invoice is compared here, and where invoices are compared with one another there is no such
way (`outline`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from gateway.catalog import Locator, Part
from gateway.validation.declared import Declared, Distinct
from gateway.validation.meanings import Meaning
from gateway.validation.runs import Run
from gateway.validation.shapes import Row, Shapes
from gateway.validation.stencils import Stencils
from gateway.validation.template import Spot
from gateway.validation.templates import Misfit, Templates
from gateway.validation.tree import is_named

_PATIENCE = 8  # right blocks that no template matches, more than such as one does


class Fitting(NamedTuple):
    """Invoices of which every value fits but the `misfits`, and how they are built."""

    rows: Sequence[Row]
    built: AbstractSet[Hashable]
    misfits: Sequence[Misfit] = ()


class Certain:
    """Reads blocks of one document type."""

    def __init__(self, stencils: Stencils, templates: Templates | None) -> None:
        self._stencils, self._templates = stencils, templates
        self._unlike = 0

    def read(self, text: str, line: int, *, learn: bool = False, few: bool = False) -> Fitting | None:
        """The invoices of a block; None where it is not certain that all their values fit. `line` is that of the
        block's first character. `learn` only from what libxml2 has found right. `few`: not by columns."""
        templates = self._templates
        if templates is not None and self.by_columns and not few:
            columns = templates.read(text, line, learn=learn)
            self._unlike += learn if columns is None else -1
            if columns is not None or not learn:
                return Fitting(columns, templates.built) if columns is not None else None
        rows = self._stencils.read(text, line, learn=learn)
        return Fitting(rows, self._stencils.built) if rows else None

    def read_widely(
        self, text: str, line: int, spots: Collection[Spot] | None = None, *, learn: bool = False
    ) -> Fitting | None:
        """The invoices of a block by columns, although values do not certainly fit: at some spots; None: at any."""
        templates = self._templates if self.by_columns else None
        found = templates.read_widely(text, line, spots, learn=learn) if templates is not None else None
        return Fitting(found[0], templates.built, found[1]) if templates is not None and found is not None else None

    def runs(self, text: str, line: int, tag: str, trusted: Collection[Hashable]) -> list[Run] | None:
        """The runs of a block of invoices of one tag (as it is written), certain where they are built in ways that are
        trusted; None where it is not known which part of the text is an invoice."""
        if "<!" in text or "<?" in text:
            return None  # tags may stand in what is none
        if self._templates is not None and self.by_columns:
            return self._templates.runs(text, tag, trusted)
        return self._stencils.runs(text, line, tag, trusted)

    @property
    def by_columns(self) -> bool:
        """Whether fields are read for a whole block at once, so that runs do not hold them."""
        return self._templates is not None and not self._templates.hopeless and self._unlike <= _PATIENCE


def certain(
    declared: Declared, by_name: Mapping[str, Meaning], invoice: Meaning, below: Part | None, shapes: Shapes
) -> Certain | None:
    """For a document type; None where the schema compares what cannot be compared here."""
    distinct = declared.distinct
    fields = [_field(one, below) for one in distinct] if distinct is not None else [None]
    if None in fields:
        return None
    differing = sorted({one for one in fields if one is not None})
    stencils = Stencils(by_name, invoice, shapes, declared, differing)
    return Certain(stencils, None if differing else Templates(by_name, invoice, shapes, declared))


def compared(declared: Declared, line: Part) -> dict[str, Locator]:
    """The fields in which the lines of an invoice must differ: looked at although no rule may ask for them."""
    fields = [_field(one, line) for one in declared.distinct or ()]
    return {name: line.fields[name] for name, _ in filter(None, fields)}


def _field(distinct: Distinct, below: Part | None) -> tuple[str, bool] | None:
    """The field of the lines that must differ in their invoice, and whether it is a whole number."""
    steps = below.path.split("/") if below is not None else []
    if below is None or len(steps) != len(distinct.selector) or not all(map(is_named, distinct.selector, steps)):
        return None
    path = ("/".join(distinct.field),)
    return next(((name, distinct.whole) for name, locator in below.fields.items() if locator == path), None)
