"""Invoices as they pass: what schema and rules say of each, put on the invoice it is about; its index fields."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import cast

from gateway.catalog import Locator, Part, Rule
from gateway.report import InvoiceIndex, refuses
from gateway.validation.columns import Columns, firsts
from gateway.validation.facts import Facts
from gateway.validation.fields import Values, below, find, kind_of
from gateway.validation.findings import Draft, Findings, OfInvoice, Place
from gateway.validation.frame import Frame
from gateway.validation.index import Indexer
from gateway.validation.pieces import Chunk, Piece, line_of
from gateway.validation.plan import Plan
from gateway.validation.rules import Judgment
from gateway.validation.schema import Find, Wrong, wrongs
from gateway.validation.shapes import Row, first
from gateway.validation.tree import local, place
from gateway.xmlsafe import Element

Who = tuple[str | None, int, int]  # an invoice: its number, ordinal and line


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
        self._index, self._shapes = Indexer(plan.document, head), plan.shapes
        self._screen = rules.screen
        self._screen.begin(rules.checks, self._above)
        self._seeks_sender = plan.document.invoice is not None and "sender" in plan.document.invoice.fields

    def pieces(self, pieces: Sequence[Piece]) -> None:
        """Judge some one by one."""
        broken = self.frame.judge(pieces) if self.frame is not None else {}
        for piece in pieces:
            by_schema = wrongs(broken.get(piece.ordinal, ()))
            row = self._read(piece, right=self.frame is not None and not by_schema)
            if self._wants_sample(right=not by_schema):
                self._keep_sample(piece.element, right=not by_schema)
            self._note_sender([row])
            kind = kind_of(piece.element)
            doubtful, passed = self._screen.doubtful(kind, [row])
            passing = passed if doubtful else None
            at = piece.ordinal, piece.line
            self._one(row, kind, at, partial(_itself, piece), by_schema, passing)

    def chunk(self, chunk: Chunk) -> None:
        """Judge many of which the schema has said what is wrong with them."""
        rows, kind = self._rows(chunk), local(chunk.tag)
        broken: dict[int, Sequence[Wrong]] = {}
        if chunk.broken or chunk.likewise:
            broken = {**{place: wrongs(found) for place, found in chunk.broken.items()}, **chunk.likewise}
        right = self._right_one(chunk, len(rows), broken) if self.frame is not None else None
        doubtful, passed = self._screen.doubtful(kind, rows)
        self._note_sender(rows)
        entries = self._entries(rows, kind, chunk) if type(rows) is Columns or not (broken or doubtful) else None
        if entries is not None and not broken and not doubtful:
            for entry in entries:
                self._sink(entry)
        else:
            self._several(chunk, rows, kind, entries, broken, set(doubtful), passed)
        if self.frame is not None and right is not None:
            self.frame.passed(chunk, right)

    def _entries(self, rows: Sequence[Row], kind: str, chunk: Chunk) -> Sequence[InvoiceIndex]:
        """The index fields of all of them, as of valid ones."""
        moved, of = chunk.line(0), self._index.of
        if type(rows) is Columns:
            return self._index.all(rows, kind, chunk.ordinal, moved)
        return [of(row, kind, ordinal, row[0] + moved, valid=True) for ordinal, row in enumerate(rows, chunk.ordinal)]

    def _several(
        self,
        chunk: Chunk,
        rows: Sequence[Row],
        kind: str,
        entries: Sequence[InvoiceIndex] | None,
        broken: Mapping[int, Sequence[Wrong]],
        asked: Collection[int],
        passed: Collection[int],
    ) -> None:
        """Some of which are `asked` about, or broken; `entries`: the index fields of all others, where they are
        known."""
        moved, sink = chunk.line(0), self._sink
        for number in range(len(rows)):
            wrong, piece = broken.get(number, ()), partial(chunk.piece, number)
            if entries is not None and number not in asked:
                sink(self._refused(entries[number], piece, wrong) if wrong else entries[number])
                continue
            row, ordinal = rows[number], chunk.ordinal + number
            if wrong or number in asked:
                self._one(row, kind, (ordinal, row[0] + moved), piece, wrong, passed if number in asked else None)
            else:
                sink(self._index.of(row, kind, ordinal, row[0] + moved, valid=True))

    def _right_one(self, chunk: Chunk, size: int, broken: Collection[int]) -> int | None:
        """The place of the last that the schema finds right; one is kept."""
        right = next((place for place in range(size - 1, -1, -1) if place not in broken), None)
        if self._wants_sample(right=right is not None):
            self._keep_sample(chunk.element(right or 0), right=right is not None)
        return right

    def _rows(self, chunk: Chunk) -> Sequence[Row]:
        """The fields of all of them; those that are not known yet are looked for one by one."""
        assert chunk.taken is not None
        if type(chunk.taken) is Columns or not chunk.broken:
            return cast("Sequence[Row]", chunk.taken)
        rows = list(chunk.taken)
        for number, row in enumerate(chunk.taken):
            if row is None:
                right = self.frame is not None and number not in chunk.broken
                _, own, lines = self._read(chunk.piece(number), right=right)
                rows[number] = line_of(chunk.holder[number]), own, lines
        return cast("Sequence[Row]", rows)

    def _read(self, piece: Piece, *, right: bool) -> Row:
        flat = self._plan.flat() if right and piece.plain else None
        taken = flat.take(piece.element, {piece.element.tag}) if flat is not None else None
        if taken:
            return taken[0]
        assert self._plan.invoice is not None
        own, lines = self._plan.invoice.take(piece.element)
        return piece.line, self._shapes.part(own), [self._shapes.part(line) for line in lines]

    def _one(
        self,
        row: Row,
        kind: str,
        at: tuple[int, int],
        piece: Callable[[], Piece],
        broken: Sequence[Wrong],
        passed: Collection[int] | None,
    ) -> None:
        """One invoice. `at`: its ordinal and line; `passed`: the checks that need not be asked about it; None: none
        needs to be."""
        who = first(row[1], "number"), *at
        valid, refused = not broken, self._by_schema(broken, who, piece)
        for draft in self._by_rules(piece, row, kind, passed) if passed is not None else ():
            valid, refused = valid and draft.severity != "error", refused or draft.refuses
            if not self._findings.only_counted(draft.severity, draft.authority, draft.code, who[1]):
                self._tell(draft, who, piece)
        self.invalid += not valid
        self._sink(self._index.of(row, kind, *at, valid=valid, refused=refused))

    def _refused(self, entry: InvoiceIndex, piece: Callable[[], Piece], broken: Sequence[Wrong]) -> InvoiceIndex:
        """An invoice with which only the schema finds something wrong."""
        self.invalid += 1
        refused = self._by_schema(broken, (entry.number, entry.ordinal, entry.line), piece)
        return InvoiceIndex(*entry[:-2], False, refused)  # the last two of its fields

    def _by_schema(self, broken: Sequence[Wrong], who: Who, piece: Callable[[], Piece]) -> bool:
        """Tell what the schema finds wrong with an invoice; whether that alone means that it never goes. What is not
        listed is not made."""
        authority, refused = self._plan.document.authority, False
        for wrong in broken:
            refused = refused or refuses("error", authority, wrong.code)
            if not self._findings.only_counted("error", authority, wrong.code, who[1]):
                self._tell(wrong.draft(authority, partial(_found_in, piece)), who, piece)
        return refused

    def _tell(self, draft: Draft, who: Who, piece: Callable[[], Piece]) -> None:
        number, ordinal, line = who
        draft.invoice = OfInvoice(number, ordinal, piece().place.address, line)
        self._findings.add(draft)

    def _note_sender(self, rows: Sequence[Row]) -> None:
        if self._seeks_sender:
            self.sender = first(rows[0][1], "sender") if rows else None  # nearly always
            if self.sender is None:
                self.sender = next((value for value in firsts(rows, "sender") if value is not None), None)
            self._seeks_sender = self.sender is None

    def _wants_sample(self, *, right: bool) -> bool:
        return self.sample is None or (right and not self.sample_is_right)

    def _keep_sample(self, element: Element, *, right: bool) -> None:
        self.sample, self.sample_is_right = copy.deepcopy(element), right

    def _by_rules(self, piece: Callable[[], Piece], row: Row, kind: str, passed: Collection[int]) -> list[Draft]:
        document = self._plan.document
        _, (shape, got), lines = row
        facts = Facts(document, shape.values(got), self._above, [one.values(values) for one, values in lines], kind)
        self._rules.see(facts, passed)
        fields = document.invoice.fields if document.invoice else {}
        found = [
            rule_draft(rule, partial(_in_invoice, piece, fields.get(rule.field or "")))
            for rule in self._rules.broken("invoice", facts, passed)
        ]
        if not self._plan.rules.for_lines or document.line is None:
            return found
        above = {**self._above, "invoice": facts.own}
        for number, own in enumerate(facts.lines):
            rules = self._rules.broken("line", Facts(document, own, above, kind=kind), passed)
            found += [rule_draft(rule, partial(_in_line, piece, document.line, number, rule.field)) for rule in rules]
        return found


def _itself(piece: Piece) -> Piece:
    return piece


def _found_in(piece: Callable[[], Piece], find: Find) -> tuple[Element, Place]:
    one = piece()
    node = find(one.element)
    return node, place(node, one.element, one.place)


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
