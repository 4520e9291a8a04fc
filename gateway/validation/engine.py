"""The document in passing: every invoice through schema and rules, then what stands around them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import BinaryIO

from lxml import etree

from gateway.catalog import Rule
from gateway.identifiers import REQUEST_NUMBER
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation import index
from gateway.validation.facts import Facts
from gateway.validation.fields import Values, below, find, kind_of
from gateway.validation.findings import Draft, Findings, OfInvoice, Place, built_in
from gateway.validation.frame import Broken, Frame, judge
from gateway.validation.guard import Guarded
from gateway.validation.limits import MIB, Limits
from gateway.validation.plan import Plan
from gateway.validation.schema import drafts
from gateway.validation.split import InvoiceList, Piece, Splitter
from gateway.validation.tree import place
from gateway.xmlsafe import Element


class Engine:
    """Judges one document by one plan and keeps what was found."""

    def __init__(
        self, plan: Plan, seen: Guarded, findings: Findings, sink: Callable[[InvoiceIndex], None], limits: Limits
    ) -> None:
        self.findings = findings
        self.invoices = self.invalid_invoices = 0
        self.error: etree.XMLSyntaxError | None = None  # where the document stops being well-formed
        self.index = DocumentIndex(action=plan.document.action)
        self._plan, self._seen, self._sink, self._limits = plan, seen, sink, limits
        self._base = Place((), f"/{plan.document.name}")
        self._rules = plan.rules.open()
        self._frame: Frame | None = None
        self._sample: Element | None = None  # one invoice, put back when the document around them is judged
        self._sample_is_right = False
        self._head: Values = {}
        self._sender: str | None = None  # of the first invoice, where each names its own

    def run(self, source: BinaryIO) -> None:
        """Read the document to its end, or to where it breaks. Raises etree.LxmlError when the engine itself fails."""
        document = self._plan.document
        path = document.invoice.path if document.invoice else None
        split = Splitter(source, self._seen.root or "", path, self._seen.encoding, self._limits)
        for pieces in split.chunks():
            self._pieces(split, pieces)
        self.invoices, self.error = split.count, split.error
        if split.root is not None:
            self._around(split, split.root)
        if split.excess is not None:
            self.findings.add(self._too_much(split.excess))

    def _too_much(self, key: str) -> Draft:
        limits = self._limits
        return built_in(
            "HOSTILE_SIZE",
            key,
            megabytes=limits.part_bytes // MIB,
            elements=limits.elements,
            depth=limits.depth,
            attributes=limits.attributes,
            lists=limits.lists,
            beside=limits.beside,
        )

    # -- invoices --

    def _pieces(self, split: Splitter, pieces: Sequence[Piece]) -> None:
        assert split.root is not None
        if self._frame is None:
            self._head, _ = self._plan.head.take(split.root)
            if self._plan.schema is not None:
                with_invoices = next(found for found in split.lists if found.taken)
                self._frame = Frame(self._plan.schema, split.root, with_invoices)
        broken = self._frame.judge(pieces) if self._frame is not None else {}
        for piece in pieces:
            self._piece(piece, broken.get(piece.ordinal, []))

    def _piece(self, piece: Piece, broken: Sequence[Broken]) -> None:
        facts = self._facts(piece)
        self._sender = self._sender or facts.first("sender")
        self._rules.see(facts)
        found = [*self._by_schema(piece, broken), *self._by_rules(piece, facts)]
        valid = not any(draft.severity == "error" for draft in found)
        self.invalid_invoices += not valid
        if self._sample is None or (broken == [] and not self._sample_is_right):
            self._sample, self._sample_is_right = copy.deepcopy(piece.element), broken == []
        who = OfInvoice(facts.first("number"), piece.ordinal, piece.place.address, piece.line)
        for draft in found:
            draft.invoice = who
            self.findings.add(draft)
        self._sink(index.of_invoice(piece, facts, valid=valid))

    def _facts(self, piece: Piece) -> Facts:
        assert self._plan.invoice is not None
        own, lines = self._plan.invoice.take(piece.element)
        return Facts(self._plan.document, own, {"document": self._head}, lines, kind_of(piece.element))

    def _by_schema(self, piece: Piece, broken: Iterable[Broken]) -> Iterable[Draft]:
        authority = self._plan.document.authority
        return drafts(broken, authority, lambda node: place(node, piece.element, piece.place))

    def _by_rules(self, piece: Piece, facts: Facts) -> Iterable[Draft]:
        document = self._plan.document
        for rule in self._rules.broken("invoice", facts):
            fields = document.invoice.fields if document.invoice else {}
            locator = fields.get(rule.field or "")
            yield _draft(rule, partial(_field_place, piece.element, locator, piece.element, piece.place))
        if not self._plan.rules.for_lines or document.line is None:
            return
        above = {"document": self._head, "invoice": facts.own}
        for line, own in zip(below(piece.element, document.line), facts.lines, strict=True):
            for rule in self._rules.broken("line", Facts(document, own, above, kind=facts.kind)):
                wanted = document.line.fields.get(rule.field or "")
                yield _draft(rule, partial(_field_place, line, wanted, piece.element, piece.place))

    # -- the document around them --

    def _around(self, split: Splitter, root: Element) -> None:
        self._head, _ = self._plan.head.take(root)
        self.index = index.of_document(self._plan.document, self._head, self._seen.sha256)
        self.index.sender = self.index.sender or self._sender
        whole = split.error is None and split.excess is None
        if self._plan.schema is not None and split.excess is None:
            outside = self._outside(split, root)
            authority = self._plan.document.authority
            for draft in drafts(outside, authority, lambda node: place(node, root, self._base, split.numbers)):
                self.findings.add(draft)
        if self._frame is not None and not self._frame.judges:
            self.findings.add(built_in("SCHEMA_OTHER", "invoices_not_judged", severity="info"))
        self._request_number(root, whole)
        if whole:
            self._document_rules(root)

    def _outside(self, split: Splitter, root: Element) -> list[Broken]:
        """What the schema finds outside the invoices; stand-ins take their place. Of a document that was cut, what was
        still open is not judged."""
        unsaid = set(_last_ones(root)) if split.error is not None else set()
        if self._frame is not None and self._frame.stray_text:
            split.lists[0].element.text = "?"
        crowds = [(found.element, crowd) for found in split.lists if (crowd := self._crowd(found))]
        assert self._plan.schema is not None
        broken = judge(self._plan.schema, root)
        surplus: list[Broken] = []
        for parent, crowd in crowds:
            extra = set(crowd[1:])
            surplus += [Broken(b.kind, b.text, parent) for b in broken if b.node in extra and b.unexpected][:1]
            unsaid.update(element for stand_in in crowd for element in stand_in.iter())
        return [*(entry for entry in broken if entry.node not in unsaid), *surplus]

    def _crowd(self, found: InvoiceList) -> list[Element]:
        """One invoice in the place of all. Where the schema bounds a count below theirs, empty ones too, one more than
        the bound: what is wrong with those is not said, unless it is that there are too many."""
        if found.slot is None or self._sample is None:
            return []
        crowd = [copy.deepcopy(self._sample)]
        bound = max((number for number in self._plan.bounds if 1 < number < found.taken), default=0)
        if bound and self._sample_is_right:
            crowd += [found.element.makeelement(self._sample.tag) for _ in range(bound)]
        found.element[found.slot : found.slot] = crowd
        return crowd

    def _request_number(self, root: Element, whole: bool) -> None:
        document = self._plan.document
        if document.role != "request" or "request_number" not in document.fields:
            return
        number = self.index.request_number
        code = None
        if not number:
            code = "REQUEST_NUMBER_MISSING" if whole else None
        elif not REQUEST_NUMBER.fullmatch(number):
            code = "REQUEST_NUMBER_ALPHABET"
        if code is not None:
            draft = built_in(code, code.lower())
            draft.place = self._head_place(root, "request_number")
            self.findings.add(draft)

    def _document_rules(self, root: Element) -> None:
        facts = Facts(self._plan.document, self._head)
        for rule in self._rules.broken("document", facts):
            self.findings.add(_draft(rule, partial(self._head_place, root, rule.field or "")))

    def _head_place(self, root: Element, name: str) -> Place:
        return _field_place(root, self._plan.document.fields.get(name), root, self._base)


def _field_place(part: Element, locator: tuple[str, ...] | None, top: Element, base: Place) -> Place:
    node, attribute = find(part, locator)
    at = place(node, top, base)
    return Place(at.address, f"{at.path}/@{attribute}") if attribute else at


def _draft(rule: Rule, where: Callable[[], Place]) -> Draft:
    def detail(draft: Draft) -> None:
        draft.message, draft.next, draft.place = dict(rule.message), dict(rule.next), where()

    return Draft(rule.code, {}, {}, rule.severity, rule.authority, details=detail)


def _last_ones(element: Element) -> Iterable[Element]:
    """The elements that may still have been open: the last of the last of the last."""
    yield element
    while len(element):
        element = element[-1]
        yield element
