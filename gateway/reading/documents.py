"""From a document's bytes to its layout, in one pass: repeated parts are read and let go as they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from sys import intern
from typing import Any, BinaryIO

from lxml import etree

from gateway import xmlsafe
from gateway.catalog import DocumentType
from gateway.reading.fields import Fields, below, local
from gateway.reading.layouts import (
    Document,
    Entry,
    InvoiceVerdict,
    LineVerdict,
    PayerError,
    Receivability,
    StatementOfAccount,
    Unreadable,
)
from gateway.xmlsafe import Element

Take = Callable[[Fields, Element], Any]


class _Doctype(ValueError):
    """What no payer's document has; nothing behind it is read."""


def read(source: BinaryIO, document: DocumentType) -> Document:
    """Read a document of a known type. It should have been judged by its schema first; what still cannot be read as
    the catalog says is Unreadable."""
    try:
        return _READERS[document.role](source, document)
    except etree.XMLSyntaxError as error:
        return Unreadable("not_well_formed", error.lineno)
    except _Doctype:
        return Unreadable("doctype")
    except ValueError:
        return Unreadable("value")


def _parts(source: BinaryIO, document: DocumentType, take: Take) -> tuple[Fields, list[Any]]:
    """The document's own fields, and what `take` makes of each repeated part. Memory holds one part at a time."""
    wanted = document.invoice.path.split("/") if document.invoice else None
    taken: list[Any] = []
    trail: list[str] = []
    root: Element | None = None
    for event, element in xmlsafe.events(source):
        if event == "start":
            root = _without_doctype(element) if root is None else root
            trail.append(local(element))
            continue
        if wanted and document.invoice and _at(trail[1:], wanted):
            taken.append(take(Fields(element, document.invoice.fields, document), element))
            _let_go(element)
        trail.pop()
    assert root is not None  # else it was not well-formed
    return Fields(root, document.fields, document), taken


def _without_doctype(root: Element) -> Element:
    if root.getroottree().docinfo.internalDTD is not None:
        raise _Doctype
    return root


def _at(trail: list[str], wanted: list[str]) -> bool:
    return len(trail) == len(wanted) and all(
        name == step or ("*" in step and fnmatchcase(name, step)) for name, step in zip(trail, wanted, strict=True)
    )


def _let_go(element: Element) -> None:
    element.clear()
    parent, previous = element.getparent(), element.getprevious()
    if parent is not None and previous is not None and previous.tag == element.tag:
        parent.remove(previous)


def _receivability(source: BinaryIO, document: DocumentType) -> Receivability:
    fields, invoices = _parts(source, document, lambda f, e: _invoice(f, e, document))
    return Receivability(
        request_number=fields.text("request_number"),
        sender=fields.text("sender"),
        receivable=fields.receivable(),
        messages=fields.messages(),
        invoices=tuple(invoices),
    )


def _invoice(fields: Fields, element: Element, document: DocumentType) -> InvoiceVerdict:
    lines = tuple(_lines(element, document))
    own = fields.cents("preliminary")
    known = [line.preliminary_cents for line in lines if line.receivable and line.preliminary_cents is not None]
    return InvoiceVerdict(
        number=fields.text("number"),
        payer_number=fields.text("payer_number"),
        token=fields.text("token"),
        receivable=fields.receivable(),
        preliminary_cents=own if own is not None else (sum(known) if known else None),
        messages=fields.messages(),
        lines=lines,
    )


def _lines(invoice: Element, document: DocumentType) -> Iterator[LineVerdict]:
    if document.line is None:
        return
    for element in below(invoice, document.line.path.split("/")):
        fields = Fields(element, document.line.fields, document)
        yield LineVerdict(
            number=int(fields.must("number")),
            receivable=fields.receivable(),
            preliminary_cents=fields.cents("preliminary"),
            formula=fields.shared("formula"),
            messages=fields.messages(),
        )


def _statement(source: BinaryIO, document: DocumentType) -> StatementOfAccount:
    fields, entries = _parts(source, document, lambda f, _e: _entry(f))
    dated = fields.day("statement_date")
    if dated is None:
        raise ValueError("statement_date")
    return StatementOfAccount(
        number=fields.must("statement_number"),
        dated=dated,
        period=fields.must("period"),
        mode=fields.must("mode"),
        system=fields.must("system"),
        sender=fields.must("sender"),
        account=_account(fields),
        paid_on=fields.day("payment_date"),
        paid_cents=_amount(fields, "disbursed"),
        withheld_cents=_amount(fields, "withheld"),
        carried_in_cents=_amount(fields, "carried_before"),
        carried_out_cents=_amount(fields, "carried_after"),
        total_cents=_amount(fields, "total"),
        declared_entries=int(fields.must("entries")),
        entries=tuple(entries),
    )


def _account(fields: Fields) -> str:
    admin = fields.text("account_admin")
    return f"admin:{admin}" if admin else f"personal:{fields.must('account_practice')}"


def _amount(fields: Fields, name: str) -> int:
    fields.must(name)
    return fields.cents(name) or 0


def _entry(fields: Fields) -> Entry:
    return Entry(
        kind=intern(fields.must("kind")),
        payer_number=fields.text("payer_number"),
        number=fields.text("number"),
        line=fields.number("line"),
        code=fields.shared("code"),
        service=fields.day("service"),
        preliminary_cents=fields.cents("preliminary"),
        paid_cents=_amount(fields, "paid"),
        messages=fields.messages(),
    )


def _error(source: BinaryIO, document: DocumentType) -> PayerError:
    fields, _ = _parts(source, document, lambda _f, _e: None)
    return PayerError(fields.must("code"), fields.text("text") or "")


_READERS: dict[str, Callable[[BinaryIO, DocumentType], Document]] = {
    "reply": _receivability,
    "statement": _statement,
    "error": _error,
}
