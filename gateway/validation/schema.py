"""What the schema engine found, said again in our words: kind, element, what the schema allows; never a value."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from gateway import xmlsafe
from gateway.messages import LANGUAGES, Both, both
from gateway.validation.broken import Broken
from gateway.validation.findings import Draft, Place
from gateway.validation.tree import local
from gateway.xmlsafe import Element

# The engine quotes the document's value before what the schema allows; names cannot hold a quote. So each of these
# takes a name from the very beginning, or an allowance from the very end, and nothing in between.
_ATTRIBUTE = re.compile(r"Element '[^']*', attribute '([^']*)': ")
_MISSING_ATTRIBUTE = re.compile(r"Element '[^']*': The attribute '([^']*)' is required but missing\.")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.+) \)\.$")
_NAMES = re.compile(r"(?:\{[^}]*\})?([^\s,{}]+)")
_ENUMERATION = " is not an element of the set {"
_PATTERN = " is not accepted by the pattern '"
_BUILT_IN_TYPE = re.compile(r"'xs:([A-Za-z]+)'\.$")
_LIMIT = re.compile(r"'([-+\d.:T]+)'\)?\.$")
_FACETS = {
    "LENGTH_VALID": "length",
    "MINLENGTH_VALID": "minLength",
    "MAXLENGTH_VALID": "maxLength",
    "FRACTIONDIGITS_VALID": "fractionDigits",
    "TOTALDIGITS_VALID": "totalDigits",
    "MININCLUSIVE_VALID": "minInclusive",
    "MAXINCLUSIVE_VALID": "maxInclusive",
    "MINEXCLUSIVE_VALID": "minExclusive",
    "MAXEXCLUSIVE_VALID": "maxExclusive",
}
# The engine cuts its texts at 64,000 bytes. Of a long one the end may be the document's: nothing is taken from it.
_WHOLE = 15_000  # characters, of four bytes at most
_MOST = 20  # names or values listed in one sentence

_threads = threading.local()


def compiled(path: Path, state: Hashable) -> etree.XMLSchema:
    """The schema of a file, compiled once in each thread (a compiled schema holds the log of its last judgment) for
    each `state` of it and what it includes. Raises etree.LxmlError or OSError when it cannot be used."""
    cache: dict[tuple[Path, Hashable], etree.XMLSchema] = _threads.__dict__.setdefault("schemas", {})
    key = (path, state)
    if key not in cache:
        cache[key] = xmlsafe.schema(path.absolute())
    return cache[key]


Find = Callable[[Element], Element]  # leads to an element, from that of its invoice
Where = Callable[[Find], tuple[Element, Place]]  # the element, and where it stands


class Wrong(NamedTuple):
    """One defect: its code, the sentence that says it, the engine's words, and how its element is found."""

    code: str
    key: str
    attribute: str | None
    kind: str
    text: str
    find: Find

    def draft(self, authority: str, where: Where) -> Draft:
        """What is said of it; its place is looked for only when it is listed."""
        return Draft(self.code, {}, {}, authority=authority, details=partial(_detail, self, where))


def wrongs(broken: Iterable[Broken]) -> list[Wrong]:
    """Each defect once; the engine often says the same thing twice, by facet and by type."""
    found: dict[tuple[str, Element, str | None], Wrong] = {}
    for entry in broken:
        attribute = _attribute(entry)
        code, key = _kind(entry)
        if (code, entry.node, attribute) not in found:
            wrong = Wrong(code, key, attribute, entry.kind, entry.text, partial(_itself, entry.node))
            found[code, entry.node, attribute] = wrong
    return list(found.values())


def _itself(node: Element, _invoice: Element) -> Element:
    return node


def _detail(wrong: Wrong, where: Where, draft: Draft) -> None:
    key, attribute, (node, at) = wrong.key, wrong.attribute, where(wrong.find)
    name = f"@{attribute}" if attribute else local(node.tag)
    sentence, allowed = both(f"validation.{key}", name=name), _allowed(wrong)
    draft.message = {lang: f"{sentence[lang]}{allowed[lang]}" for lang in LANGUAGES}
    draft.next = both(f"validation.{key}_next", name=name)
    draft.place = Place(at.address, f"{at.path}/@{attribute}") if attribute else at


def _kind(entry: Broken) -> tuple[str, str]:
    """The code, and the sentence that says it."""
    if entry.kind == "SCHEMAV_ELEMENT_CONTENT":
        return "SCHEMA_ELEMENT", "element_missing" if "Missing child" in entry.text else "element_unexpected"
    return _of_kind(entry.kind)


@cache
def _of_kind(name: str) -> tuple[str, str]:
    kind = name.removeprefix("SCHEMAV_")
    if kind == "CVC_COMPLEX_TYPE_4":
        return "SCHEMA_ATTRIBUTE", "attribute_missing"
    if kind in ("CVC_COMPLEX_TYPE_3_2_1", "CVC_COMPLEX_TYPE_3_2_2", "CVC_TYPE_3_1_1"):
        return "SCHEMA_ATTRIBUTE", "attribute_unexpected"
    if kind in ("CVC_COMPLEX_TYPE_2_3", "CVC_COMPLEX_TYPE_2_1"):
        return "SCHEMA_ELEMENT", "text_unexpected"
    if kind in ("CVC_TYPE_3_1_2", "CVC_COMPLEX_TYPE_2_2"):
        return "SCHEMA_ELEMENT", "children_unexpected"
    if kind in ("CVC_IDC", "CVC_COMPLEX_TYPE_5_1"):
        return "SCHEMA_UNIQUE", "repeated"
    if kind.startswith("CVC_DATATYPE") or kind.endswith("_VALID"):
        return "SCHEMA_VALUE", "value_refused"
    return "SCHEMA_OTHER", "schema_other"


def _attribute(entry: Broken) -> str | None:
    if "attribute '" not in entry.text:  # nearly always, and soon known
        return None
    found = _MISSING_ATTRIBUTE.match(entry.text) or _ATTRIBUTE.match(entry.text)
    return local(found[1]) if found else None


def _allowed(entry: Wrong) -> Both:
    """What the schema allows, from the end of the engine's text: that part is the schema's, not the document's."""
    kind, text = entry.kind.removeprefix("SCHEMAV_CVC_"), entry.text
    if len(text) > _WHOLE:
        return dict.fromkeys(LANGUAGES, "")
    if entry.kind == "SCHEMAV_ELEMENT_CONTENT" and (found := _EXPECTED.search(text)):
        return both("validation.allowed_names", allowed=_list(_NAMES.findall(found[1])))
    if kind == "ENUMERATION_VALID":
        values = text.rpartition(_ENUMERATION)[2].removesuffix("}.")
        return both("validation.allowed_values", allowed=_list(re.findall(r"'([^']*)'", values)))
    if kind == "ASSERTION":
        return both("validation.allowed_assertion", allowed=text.partition(": '")[2].removesuffix("'."))
    if kind == "PATTERN_VALID":
        return both("validation.allowed_pattern", allowed=text.rpartition(_PATTERN)[2].removesuffix("'."))
    if kind.startswith("DATATYPE") and (found := _BUILT_IN_TYPE.search(text)):
        return both("validation.allowed_type", allowed=found[1])
    if kind in _FACETS and (found := _LIMIT.search(text)):
        return both("validation.allowed_limit", facet=_FACETS[kind], allowed=found[1])
    return dict.fromkeys(LANGUAGES, "")


def _list(items: list[str]) -> str:
    shown = ", ".join(items[:_MOST])
    return f"{shown}, …" if len(items) > _MOST else shown
