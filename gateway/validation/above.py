"""What stands above and before the invoices: it is copied for every few of them, so it must be small."""

from __future__ import annotations

from gateway.validation.limits import Limits
from gateway.xmlsafe import Element


def excess(first: Element, limits: Limits) -> str | None:
    """Which limit (a key of locales/validation.toml) is passed by what precedes the first invoice of a list."""
    above = list(first.iterancestors())
    spaces = above[0].nsmap
    if any(len(element.attrib) > limits.attributes for element in above):
        return "too_many_attributes"
    if len(spaces) > limits.namespaces:
        return "too_many_namespaces"
    size = sum(len(uri) for uri in spaces.values())
    for element in above[-1].iter():
        if element is first:
            return None
        size += len(element.tag) + len(element.text or "") + len(element.tail or "")
        size += sum(len(name) + len(value) for name, value in element.attrib.items())
        if size > limits.head_bytes:
            break
    return "head_too_large"
