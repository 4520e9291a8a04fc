"""Every family at hand, and which document is which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from types import MappingProxyType

from gateway.catalog.kinds import DocumentType, Family
from gateway.errors import CatalogError


class Catalog:
    """Every family this installation knows, and which document is which. `families` holds the newest version of each,
    `versions` all of them, the newest first."""

    def __init__(self, families: Sequence[Family]) -> None:
        versions: dict[str, list[Family]] = {}
        for family in families:
            versions.setdefault(family.name, []).append(family)
        self.versions = MappingProxyType(
            {name: tuple(sorted(same, key=_begins, reverse=True)) for name, same in versions.items()}
        )
        self.families = MappingProxyType({name: same[0] for name, same in self.versions.items()})
        self._by_root: dict[str, list[DocumentType]] = {}
        for family in families:
            for document in family.documents:
                self._by_root.setdefault(document.root, []).append(document)

    def candidates(self, root: str) -> Sequence[DocumentType]:
        """Every version of the document type of a root tag (Clark notation)."""
        return self._by_root.get(root, ())

    def recognise(self, root: str, *days: date | None) -> DocumentType | None:
        """The document type of a root tag (Clark notation) valid on the first of these days that any is valid on; the
        newest one when none is, or without a day."""
        return _valid(self._by_root.get(root, []), days)

    def document(self, family: str, name: str, *days: date | None, version: str | None = None) -> DocumentType:
        """A document type by name: of that version, else of the one that `recognise` would take. Raises CatalogError
        when there is none."""
        known = [d for f in self.versions.get(family, ()) for d in f.documents if d.name == name]
        found = _valid([d for d in known if d.version == version] or known, days)
        if found is None:
            raise CatalogError(f"no document {name!r} in the schema family {family!r}")
        return found

    def find(self, family: str | None, name: str | None, version: str | None = None) -> DocumentType | None:
        """A document type of that version, else of the newest that has it; None when there is none."""
        try:
            return self.document(family or "", name or "", version=version)
        except CatalogError:
            return None

    def version_of(self, family: str | None, name: str | None, version: str | None) -> Family | None:
        """The version of a family whose document type of that name has that version."""
        known = self.versions.get(family or "", ())
        return next((f for f in known if any((d.name, d.version) == (name, version) for d in f.documents)), None)

    def only(self, family: Family) -> Catalog:
        """The same catalog, with no other version of this family."""
        return Catalog([f for same in self.versions.values() for f in same if f.name != family.name or f is family])


def _valid(known: Sequence[DocumentType], days: Iterable[date | None]) -> DocumentType | None:
    for day in days:
        valid = [d for d in known if day and (d.valid_from or date.min) <= day <= (d.valid_to or date.max)]
        if valid:
            return _newest(valid)
    return _newest(known)


def _newest(documents: Sequence[DocumentType]) -> DocumentType | None:
    return max(documents, key=lambda d: d.valid_from or date.min, default=None)


def _begins(family: Family) -> date:
    return max((d.valid_from or date.min for d in family.documents), default=date.min)
