"""What a rule sees: the fields of one document, invoice or line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.catalog import DocumentType
from gateway.validation.fields import Values
from gateway.validation.values import as_date


@dataclass(slots=True)
class Facts:
    """One scope's fields. An invoice also sees `document.<name>`, a line `invoice.<name>` and `document.<name>`."""

    document: DocumentType
    own: Values
    above: Mapping[str, Values] = field(default_factory=dict)
    lines: list[Values] = field(default_factory=list)
    kind: str | None = None  # of an invoice
    _services: list[date] | None = None  # several rules ask for them

    def get(self, name: str) -> list[str]:
        """The values of a field; none when it is absent."""
        values = self.own.get(name)  # first: no field of one's own has a dot, and most questions are about these
        if values is not None:
            return values
        scope, dot, rest = name.partition(".")
        return self.above.get(scope, {}).get(rest, []) if dot else []

    def first(self, name: str) -> str | None:
        """The first value of a field."""
        values = self.own.get(name) or self.get(name)
        return values[0] if values else None

    def dates(self, name: str) -> list[date]:
        """The values of a field that are dates."""
        form = self.document.date_format
        return [day for text in self.get(name) if (day := as_date(text, form)) is not None]

    def service_dates(self) -> list[date]:
        """When the services of an invoice (or a line) were rendered."""
        if self._services is None:
            self._services = self.dates("service") or self.dates("invoice.service")
        return self._services
