"""Values that certainly fit a simple type: patterns that take many of them, and nothing that the schema would refuse.

A pattern may refuse what is right: then libxml2 is asked. Where a type says anything that is not followed here (lists,
unions, bounds of dates, whatever is rare) there is no pattern. W3C XML Schema 1.0, part 2, sections 2 to 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.validation.fields import LONGEST
from gateway.validation.patterns import never, translated
from gateway.xmlsafe import Element

XS = "http://www.w3.org/2001/XMLSchema"
_DATE = (
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_WHOLE = {  # never negative; as many digits as fit for certain
    "integer": "[0-9]{1,18}",
    "nonNegativeInteger": "[0-9]{1,18}",
    "positiveInteger": "0{0,9}[1-9][0-9]{0,17}",
    "long": "[0-9]{1,18}",
    "unsignedLong": "[0-9]{1,18}",
    "int": "[0-9]{1,9}",
    "unsignedInt": "[0-9]{1,9}",
    "short": "[0-9]{1,4}",
    "unsignedShort": "[0-9]{1,4}",
    "byte": "[0-9]{1,2}",
    "unsignedByte": "[0-9]{1,2}",
}
_OTHERS = {
    "decimal": r"[0-9]{1,18}(?:\.[0-9]{1,9})?",
    "date": _DATE,
    "dateTime": f"{_DATE}T{_TIME}",
    "boolean": "true|false|0|1",
}
_NONE = "(?!)"
_ENDLESS = re.compile(r"[*+]|,\}|\)\{")  # or a group repeated
# So many signs of a class, then so many of another: in groups or not. There is one way to match it.
_LENGTH_IS_FIXED = re.compile(r"((?:\(\?:)*)((?:\[[^\[\]\\]+\](?:\{[0-9]+\})?)+)(\)*)")
_AT_MOST = re.compile(r"\{(?:[0-9]*,)?([0-9]+)\}")
_LARGEST = 10_000  # characters or digits that a facet names, of those that are followed here
_LONGEST_NUMBER = 18  # digits of a facet
_TEXTS = ("string", "normalizedString", "anySimpleType")
_ANNOTATION = f"{{{XS}}}annotation"


@dataclass(frozen=True, slots=True)
class Fit:
    """What fits: each of the patterns must take the whole value. None at all: any value."""

    patterns: tuple[str, ...] = ()
    whole: bool = False  # it is a whole number: 01 is 1
    text: bool = False  # it is what is written

    def also(self, *patterns: str) -> Fit:
        """What fits this and more."""
        return Fit((*self.patterns, *patterns), self.whole, self.text)

    def written(self, quote: str) -> str:
        """One pattern, of a value that ends where `quote` (or, for text, a tag) begins, and is not cut elsewhere."""
        short = f"[^{never(quote)}]{{0,{LONGEST}}}"
        *others, last = self.patterns if any(map(_takes_no_long, self.patterns)) else (short, *self.patterns)
        only = _LENGTH_IS_FIXED.fullmatch(last)
        if only is not None and not others and len(only[1]) == 3 * len(only[3]):
            return only[2]
        ends = quote or "<"
        # What a value matched is not tried again otherwise when something after it does not match.
        return "".join([f"(?=(?:{one}){ends})" for one in others]) + f"(?>(?:{last})(?={ends}))"


class _UnknownError(Exception):
    """The type says something that is not followed here."""


class Lexical:
    """The simple types of a schema. `named`: those that have a name, by their local names."""

    def __init__(self, named: Mapping[str, Element]) -> None:
        self._named = named

    def fit(self, node: Element, quote: str, attribute: str = "type") -> Fit | None:
        """What fits a declaration (of an element or an attribute) that names a simple type in this attribute, or holds
        one; None where it is not certain."""
        try:
            found = Fit(text=True) if _is_untyped(node) else self._declared(node, attribute, quote, ())
        except _UnknownError:
            return None
        fixed = node.get("fixed")
        return found if fixed is None else _listed([fixed], found, quote)

    def _declared(self, node: Element, attribute: str, quote: str, above: Sequence[Element]) -> Fit:
        inside = [child for child in node if child.tag == f"{{{XS}}}simpleType"]
        name = node.get(attribute)
        if (name is None) == (not inside) or len(above) > 20:
            raise _UnknownError
        return self._of_name(name, node, quote, above) if name is not None else self._simple(inside[0], quote, above)

    def _of_name(self, name: str, node: Element, quote: str, above: Sequence[Element]) -> Fit:
        prefix, _, own = name.rpartition(":")
        if node.nsmap.get(prefix or None) == XS:
            return _built_in(own, quote)
        if own not in self._named:
            raise _UnknownError
        return self._simple(self._named[own], quote, above)

    def _simple(self, node: Element, quote: str, above: Sequence[Element]) -> Fit:
        inside = [child for child in node if child.tag != _ANNOTATION and isinstance(child.tag, str)]
        if [child.tag for child in inside] != [f"{{{XS}}}restriction"]:
            raise _UnknownError
        base = self._declared(inside[0], "base", quote, [*above, node])
        facets: dict[str, list[str]] = {}
        for child in inside[0]:
            if isinstance(child.tag, str) and child.tag not in (_ANNOTATION, f"{{{XS}}}simpleType"):
                facets.setdefault(child.tag.removeprefix(f"{{{XS}}}"), []).append(child.get("value", ""))
        return _restricted(base, facets, quote)


def _takes_no_long(pattern: str) -> bool:
    """Whether a pattern certainly takes no value of which elsewhere only a part is kept: no more than a character for
    each of its own, and those that it repeats."""
    return not _ENDLESS.search(pattern) and len(pattern) + sum(map(int, _AT_MOST.findall(pattern))) <= LONGEST


def _is_untyped(node: Element) -> bool:
    """Whether it is an attribute that may hold anything."""
    return node.tag == f"{{{XS}}}attribute" and node.get("type") is None and not len(node)


def _built_in(name: str, quote: str) -> Fit:
    if name in _TEXTS:
        return Fit(text=True)
    if name == "token":
        return Fit(text=True).also(_collapsed(quote))
    if name in _WHOLE:
        return Fit((_WHOLE[name],), whole=True)
    if name not in _OTHERS:
        raise _UnknownError
    return Fit((_OTHERS[name],))


def _restricted(base: Fit, facets: Mapping[str, Sequence[str]], quote: str) -> Fit:
    """What fits the base and every facet; several patterns of one step are alternatives, as are the values listed."""
    found = base
    for facet, values in facets.items():
        if facet == "pattern":
            patterns = [translated(value, quote) for value in values]
            if None in patterns:
                raise _UnknownError
            found = found.also("|".join(filter(None, patterns)))
        elif facet != "enumeration":
            found = found.also(*_bounded(base, facet, values[0], quote))
    return _listed(facets["enumeration"], found, quote) if "enumeration" in facets else found


def _bounded(base: Fit, facet: str, value: str, quote: str) -> Iterable[str]:
    anything = f"[^{never(quote)}]"
    if facet == "whiteSpace":
        return [_collapsed(quote)] if value == "collapse" else []
    if not value.isdecimal() or not value.isascii() or len(value) > _LONGEST_NUMBER:
        raise _UnknownError
    number = int(value)
    if number > _LARGEST and facet != "maxInclusive":
        raise _UnknownError
    if base.text and facet in ("length", "minLength", "maxLength"):
        least, most = (0 if facet == "maxLength" else number), ("" if facet == "minLength" else number)
        return [f"{anything}{{{least},{most}}}"]
    if base.text or not base.patterns:
        raise _UnknownError
    if facet == "minInclusive" and number == 0 and _is_number(base):
        return []  # none that is taken is negative
    if facet == "minInclusive" and number == 1 and base.whole:
        return ["0*[1-9][0-9]*"]
    if facet in ("maxInclusive", "totalDigits") and base.whole:
        digits = number if facet == "totalDigits" else len(str(number + 1)) - 1
        return [f"[0-9]{{1,{digits}}}"] if digits else [_NONE]
    if facet == "fractionDigits" and _is_number(base):
        return [rf"[0-9]+(?:\.[0-9]{{1,{number}}})?" if number else "[0-9]+"]
    raise _UnknownError


def _is_number(base: Fit) -> bool:
    return base.whole or base.patterns[0] == _OTHERS["decimal"]


def _collapsed(quote: str) -> str:
    """No blank at either end, nor two in a row."""
    some = f"[^ {never(quote)}]+"
    return f"(?:{some}(?: {some})*)?"


def _listed(values: Iterable[str], fit: Fit, quote: str) -> Fit:
    """Those of some values that fit otherwise, as they are written."""
    plain = re.compile(f"[^{never(quote)}]*").fullmatch
    fitting = [v for v in values if plain(v) and all(re.fullmatch(one, v) for one in fit.patterns)]
    return replace(fit, patterns=("|".join(map(re.escape, fitting)) if fitting else _NONE,))
