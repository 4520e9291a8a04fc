"""Invoices as they pass: what schema and rules say of each, put on the invoice it is about; its index fields."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from gateway.catalog import Locator, Part, Rule
from gateway.report import InvoiceIndex
from gateway.validation.facts import Facts
from gateway.validation.fields import Values, below, find, kind_of
from gateway.validation.findings import Draft, Findings, OfInvoice, Place
from gateway.validation.frame import Broken, Frame
from gateway.validation.index import Indexer
from gateway.validation.pieces import Chunk, Piece
from gateway.validation.plan import Plan
from gateway.validation.rules import Judgment
from gateway.validation.schema import drafts
from gateway.validation.tree import place
from gateway.xmlsafe import Element


class Invoices:
    """Judges the invoices of one document, whose `head` is what stood before them."""

    def __init__(
        self,
        plan: Plan,
        rules: Judgment,
        head: Values,
        frame: Frame | None,
        findings: Findings,
        sink: Callable[[InvoiceIndex], None],
    ) -> None:
        self.frame = frame
        self.invalid = 0
        self.sample: Element | None = None  # one invoice, put back when the document around them is judged
        self.sample_is_right = False
        self.sender: str | None = None  # of the first invoice, where each names its own
        self._plan, self._rules, self._findings, self._sink = plan, rules, findings, sink
        self._above = {"document": head}
        self._index = Indexer(plan.document, head)

    def pieces(self, pieces: Sequence[Piece]) -> None:
        """Judge some one by one."""
        broken = self.frame.judge(pieces) if self.frame is not None else {}
        for piece in pieces:
            by_schema = broken.get(piece.ordinal, [])
            own, lines = self._fields(piece, right=self.frame is not None and not by_schema)
            self._keep_sample(piece.element, right=not by_schema)
            facts = self._facts(own, lines, kind_of(piece.element))
            self._one(facts, piece.ordinal, piece.line, by_schema, partial(_itself, piece))

    def _fields(self, piece: Piece, *, right: bool) -> tuple[Values, list[Values]]:
        flat = self._plan.flat() if right and piece.plain else None
        taken = flat.take(piece.element, {piece.element.tag}) if flat is not None else None
        if taken:
            return taken[0][1:]
        assert self._plan.invoice is not None
        return self._plan.invoice.take(piece.element)

    def chunk(self, chunk: Chunk) -> None:
        """Judge many that are right by the schema."""
        assert chunk.taken is not None
        kind = kind_of(chunk.invoices[0])
        self._keep_sample(chunk.invoices[0], right=True)
        for number, (element, own, lines) in enumerate(chunk.taken):
            facts = self._facts(own, lines, kind)
            self._one(facts, chunk.ordinal + number, chunk.line(element), (), partial(chunk.piece, number))
        if self.frame is not None:
            self.frame.passed(chunk.invoices[-1])

    def _facts(self, own: Values, lines: list[Values], kind: str) -> Facts:
        return Facts(self._plan.document, own, self._above, lines, kind)

    def _one(self, facts: Facts, ordinal: int, line: int, broken: Sequence[Broken], piece: Callable[[], Piece]) -> None:
        if self.sender is None:
            self.sender = facts.first("sender")
        self._rules.see(facts)
        found = [*(self._by_schema(piece(), broken) if broken else ()), *self._by_rules(piece, facts)]
        valid = not any(draft.severity == "error" for draft in found)
        self.invalid += not valid
        if found:
            who = OfInvoice(facts.first("number"), ordinal, piece().place.address, line)
            for draft in found:
                draft.invoice = who
                self._findings.add(draft)
        refused = any(draft.refuses for draft in found)
        self._sink(self._index.of(facts, ordinal, line, valid=valid, refused=refused))

    def _keep_sample(self, element: Element, *, right: bool) -> None:
        if self.sample is None or (right and not self.sample_is_right):
            self.sample, self.sample_is_right = copy.deepcopy(element), right

    def _by_schema(self, piece: Piece, broken: Iterable[Broken]) -> Iterable[Draft]:
        authority = self._plan.document.authority
        return drafts(broken, authority, lambda node: place(node, piece.element, piece.place))

    def _by_rules(self, piece: Callable[[], Piece], facts: Facts) -> list[Draft]:
        document = self._plan.document
        fields = document.invoice.fields if document.invoice else {}
        found = [
            rule_draft(rule, partial(_in_invoice, piece, fields.get(rule.field or "")))
            for rule in self._rules.broken("invoice", facts)
        ]
        if not self._plan.rules.for_lines or document.line is None:
            return found
        above = {**self._above, "invoice": facts.own}
        for number, own in enumerate(facts.lines):
            rules = self._rules.broken("line", Facts(document, own, above, kind=facts.kind))
            found += [rule_draft(rule, partial(_in_line, piece, document.line, number, rule.field)) for rule in rules]
        return found


def _itself(piece: Piece) -> Piece:
    return piece


def _in_invoice(piece: Callable[[], Piece], locator: Locator | None) -> Place:
    one = piece()
    return field_place(one.element, locator, one.element, one.place)


def _in_line(piece: Callable[[], Piece], part: Part, number: int, field: str | None) -> Place:
    one = piece()
    line = list(below(one.element, part))[number]
    return field_place(line, part.fields.get(field or ""), one.element, one.place)


def field_place(part: Element, locator: tuple[str, ...] | None, top: Element, base: Place) -> Place:
    """Where a field stands, or should."""
    node, attribute = find(part, locator)
    at = place(node, top, base)
    return Place(at.address, f"{at.path}/@{attribute}") if attribute else at


def rule_draft(rule: Rule, where: Callable[[], Place]) -> Draft:
    """A rule that does not hold, in its own words; its place is looked for only when the finding is listed."""

    def detail(draft: Draft) -> None:
        draft.message, draft.next, draft.place = dict(rule.message), dict(rule.next), where()

    return Draft(rule.code, {}, {}, rule.severity, rule.authority, rule.letter, details=detail)
