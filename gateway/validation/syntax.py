"""A document that is not well-formed: where, and in our words why."""

from __future__ import annotations

from gateway.validation.findings import Draft, LineColumn, built_in

# expat's error numbers (expat.h: stable for twenty years) → which of our sentences says it
_REASONS = {
    3: "cut",
    5: "cut",
    6: "cut",
    20: "cut",
    7: "tags_cross",
    8: "attribute_twice",
    9: "after_the_end",
    11: "entity",
    14: "character",
    30: "before_declaration",
}
_NO_MEMORY, _NO_MEMORY_OF_LIBXML2 = 1, 2
_UNDECLARED_PREFIX = 201  # libxml2's XML_NS_ERR_UNDEFINED_NAMESPACE: expat does not look at prefixes


def not_well_formed(
    at: LineColumn | None, expat_error: int | None, libxml2_error: int | None = None, *, invoices: int = 0
) -> Draft:
    """The finding for a document whose XML breaks at this place."""
    reason = _REASONS.get(expat_error or 0, "syntax")
    if reason == "syntax" and libxml2_error == _UNDECLARED_PREFIX:
        reason = "prefix"
    draft = built_in("NOT_WELL_FORMED", reason, authority="official", invoices=invoices)
    draft.at = at
    return draft


def unless_out_of_memory(expat_error: int | None = None, libxml2_error: int | None = None) -> None:
    """A parser that found no memory calls the document broken: that is no verdict. Raises MemoryError."""
    if expat_error == _NO_MEMORY or libxml2_error == _NO_MEMORY_OF_LIBXML2:
        raise MemoryError
