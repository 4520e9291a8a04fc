"""What the elements of a valid invoice mean, by their names: the catalog's fields laid over the schema's outline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gateway.catalog import Locator, Part
from gateway.validation.fields import Values
from gateway.validation.outline import Names, Outline
from gateway.validation.tree import is_named, local

INVOICE, LINE, UNKNOWABLE, BY_PARENT = 1, 2, 3, 4


class AmbiguousError(Exception):
    """A name means different things in different places: the paths must be followed."""


class Holds(NamedTuple):
    """What one element holds of a part: fields by its text, by an attribute, by several attributes joined."""

    text: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # attribute, field
    joined: tuple[tuple[str, tuple[str, ...]], ...] = ()  # field, attributes

    @property
    def alone(self) -> bool:
        """Whether it is one field, by its text."""
        return len(self.text) == 1 and not self.attributes and not self.joined


class Meaning(NamedTuple):
    """What an element means. `begins`: an invoice or a line; or what must be asked elsewhere."""

    begins: int = 0
    own: Holds | None = None
    line: Holds | None = None
    by_parent: Mapping[str, Meaning] | None = None


class Word(NamedTuple):
    """A meaning as the walk asks for it. Nearly all elements are one field by their text, of the invoice or of a line
    or of both. `meaning` is there for all others."""

    own: str | None
    line: str | None
    meaning: Meaning | None


class Table(dict[str, Word]):
    """Tag → meaning; a tag not seen before is looked up by its local name."""

    def __init__(self, by_name: Mapping[str, Meaning]) -> None:
        self._by_name = by_name

    def __missing__(self, tag: str) -> Word:
        meaning = self._by_name[local(tag)]
        word = Word(None, None, meaning)
        if not meaning.begins and meaning.by_parent is None and all(h is None or h.alone for h in meaning[1:3]):
            word = Word(meaning.own and meaning.own.text[0], meaning.line and meaning.line.text[0], None)
        self[tag] = word
        return word


def meanings(outline: Outline, fields: Mapping[str, Locator], below: Part | None) -> dict[str, Meaning]:
    """What every name means that means anything. Raises AmbiguousError where a name alone, or with its parent's, does
    not tell."""
    by_name = {name: _of_name(outline, fields, below, paths) for name, paths in outline.names.items()}
    return {name: meaning for name, meaning in by_name.items() if meaning is not None}


def texts_are_leaves(outline: Outline, fields: Mapping[str, Locator], below: Part | None) -> bool:
    """Whether no element whose text is a field can hold other elements."""
    holders = {path[:-1] for path in outline.paths if path} | outline.loose
    found = [_at(outline, fields, below, path) for path in holders]
    return not any(h is not None and h.text for meaning in found for h in (meaning.own, meaning.line))


def _of_name(
    outline: Outline, fields: Mapping[str, Locator], below: Part | None, paths: Collection[Names]
) -> Meaning | None:
    found = {path: _at(outline, fields, below, path) for path in paths}
    different = set(found.values())
    if len(different) == 1:
        meaning = different.pop()
        return meaning if any(meaning) else None
    by_parent: dict[str, Meaning] = {}
    for path, meaning in found.items():
        if len(path) < 2 or by_parent.setdefault(path[-2], meaning) != meaning:
            raise AmbiguousError
    return Meaning(BY_PARENT, None, None, by_parent)


def _at(outline: Outline, fields: Mapping[str, Locator], below: Part | None, path: Names) -> Meaning:
    """What an element at this path below the invoice means."""
    if path in outline.loose:
        return Meaning(UNKNOWABLE)
    of_line, begins, steps = None, 0, below.path.split("/") if below is not None else [""]
    if below is not None and _leads(steps, path[: len(steps)]):
        begins = LINE if len(path) == len(steps) else 0
        of_line = holds(below.fields, path[len(steps) :])
    return Meaning(begins, holds(fields, path), of_line)


def scattered(fields: Mapping[str, Locator]) -> dict[str, Locator]:
    """The fields whose parts are not all attributes of one element."""
    return {n: locator for n, locator in fields.items() if len(locator) > 1 and not _at_once(locator)}


def _at_once(locator: Locator) -> bool:
    return all(path.startswith("@") for path in locator)


def split(fields: Mapping[str, Locator]) -> dict[str, Locator]:
    """The fields, with the parts of scattered ones as fields of their own; no field has such a name."""
    apart = scattered(fields)
    parts = {f"/{path}": (path,) for locator in apart.values() for path in locator}
    return {name: locator for name, locator in fields.items() if name not in apart} | parts


def join(found: Values, scattered: Mapping[str, Locator]) -> None:
    """Make scattered fields of their parts."""
    for name, locator in scattered.items():
        values = [found[f"/{path}"][0] for path in locator if f"/{path}" in found]
        if len(values) == len(locator):
            found[name] = ["-".join(values)]
    for path in {path for locator in scattered.values() for path in locator}:
        found.pop(f"/{path}", None)


def holds(fields: Mapping[str, Locator], path: Names) -> Holds | None:
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
    return Holds(tuple(text), tuple(attributes), tuple(joined)) if text or attributes or joined else None


def _leads(steps: Sequence[str], path: Names) -> bool:
    return len(steps) == len(path) and all(is_named(name, step) for name, step in zip(path, steps, strict=True))
