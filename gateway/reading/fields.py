"""Canonical fields of an element, by the paths of its catalog: local names, `@attribute`, `*` in a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from sys import intern

from gateway.catalog import DocumentType, Locator
from gateway.reading.layouts import Message
from gateway.xmlsafe import Element


def local(element: Element) -> str:
    """The element's name without its namespace; empty for comments and instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def below(element: Element, steps: list[str]) -> Iterator[Element]:
    """The descendants at the end of a path, in document order."""
    if not steps:
        yield element
        return
    for child in element:
        name = local(child)
        if name == steps[0] or ("*" in steps[0] and name and fnmatchcase(name, steps[0])):
            yield from below(child, steps[1:])


def values(element: Element, path: str) -> list[str]:
    """Every value at a path; an empty element is an empty text."""
    steps = path.split("/")
    if steps[-1].startswith("@"):
        found = (e.get(steps[-1][1:]) for e in below(element, steps[:-1]))
        return [v for v in found if v is not None]
    return [(e.text or "").strip() for e in below(element, steps)]


class Fields:
    """One element seen through the fields its catalog declares. A field the format lacks is None."""

    def __init__(self, element: Element, paths: Mapping[str, Locator], document: DocumentType) -> None:
        self._element, self._paths, self._document = element, paths, document

    def text(self, name: str) -> str | None:
        """The first value; parts of a composed field are joined by a hyphen. Empty counts as absent."""
        parts = [next(iter(values(self._element, path)), "") for path in self._paths.get(name, ())]
        return "-".join(parts) if parts and all(parts) else None

    def shared(self, name: str) -> str | None:
        """The same, of what many parts of a document say: kept once, not once for each of a hundred thousand."""
        value = self.text(name)
        return value and intern(value)

    def must(self, name: str) -> str:
        """The value of a field the schema requires. Raises ValueError when it is absent."""
        value = self.text(name)
        if value is None:
            raise ValueError(name)
        return value

    def cents(self, name: str) -> int | None:
        """An amount in cents. Raises ValueError when it is not one to the cent."""
        value = self.text(name)
        return None if value is None else to_cents(value, self._document.money)

    def number(self, name: str) -> int | None:
        value = self.text(name)
        return None if value is None else int(value)

    def day(self, name: str) -> date | None:
        """A date. Raises ValueError when it is not written as the document type writes them."""
        value = self.text(name)
        if value is None:
            return None
        return _day(value, self._document.date_format)

    def receivable(self) -> bool:
        """The verdict. Raises ValueError when it is none we know."""
        value = self.must("status")
        if value not in (*self._document.receivable, *self._document.not_receivable):
            raise ValueError("status")
        return value in self._document.receivable

    def messages(self) -> tuple[Message, ...]:
        """The payer's messages, code and text side by side."""
        codes, texts = (self._all("message_code"), self._all("message_text"))
        if len(codes) != len(texts):
            texts = [""] * len(codes)
        return tuple(Message(intern(code), intern(text)) for code, text in zip(codes, texts, strict=True))

    def _all(self, name: str) -> list[str]:
        return [value for path in self._paths.get(name, ()) for value in values(self._element, path)]


@lru_cache(maxsize=4096)  # a document has a handful of days
def _day(text: str, form: str) -> date:
    return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day on paper has no zone


def to_cents(text: str, money: str) -> int:
    """An amount of a document as integer cents, exactly. Raises ValueError."""
    try:
        amount = Decimal(text) * (1 if money == "cents" else 100)
    except InvalidOperation:
        raise ValueError("amount") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError("amount")
    return int(amount)
