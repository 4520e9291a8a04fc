"""Document types as data: a family is a folder of schemas/ (catalog.toml, XSDs, rules.toml, messages.toml, samples/).

Paths in a catalog are steps of local names from the document's root (or from the invoice, or the line): `a/b`, `a/@X`,
`*` for any element, `name_*` for any whose name begins so. A field that is a list joins its parts with a hyphen.
A folder called `name@edition` is another version of the family `name`, beside it. See docs/formats.md.
"""

from __future__ import annotations

from gateway.catalog.folders import load, name_of, read, shelf
from gateway.catalog.kinds import DocumentType, Family, Locator, Part, Rule
from gateway.catalog.known import Catalog

__all__ = ["Catalog", "DocumentType", "Family", "Locator", "Part", "Rule", "load", "name_of", "read", "shelf"]
