"""The document in passing: every invoice through schema and rules, then what stands around them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import BinaryIO

from lxml import etree

from gateway.identifiers import REQUEST_NUMBER
from gateway.report import DocumentIndex, InvoiceIndex
from gateway.validation import index
from gateway.validation.broken import Broken, judge
from gateway.validation.facts import Facts
from gateway.validation.familiar import learn
from gateway.validation.fields import Values, find
from gateway.validation.findings import Draft, Findings, Place, built_in
from gateway.validation.frame import Frame
from gateway.validation.guard import Guarded
from gateway.validation.invoices import Invoices, field_place, rule_draft
from gateway.validation.limits import MIB, Limits
from gateway.validation.marks import Marks
from gateway.validation.opening import opener
from gateway.validation.pieces import InvoiceList
from gateway.validation.plan import Plan
from gateway.validation.schema import Find, wrongs
from gateway.validation.short import Short, short
from gateway.validation.split import Splitter
from gateway.validation.tree import Stayed, place
from gateway.xmlsafe import Element


class Engine:
    """Judges one document by one plan and keeps what was found."""

    def __init__(
        self, plan: Plan, seen: Guarded, findings: Findings, sink: Callable[[InvoiceIndex], None], limits: Limits
    ) -> None:
        self.findings = findings
        self.invoices = self.invalid_invoices = 0
        self.lines_opened = 0  # line breaks that the parser which reports `error` never saw
        self.marks = Marks()  # where its blocks stand
        self.error: etree.XMLSyntaxError | None = None  # where the document stops being well-formed
        self.index: DocumentIndex | None = None  # once the document was read
        self._plan, self._seen, self._sink, self._limits = plan, seen, sink, limits
        self._base = Place((), f"/{plan.document.name}")
        self._rules = plan.rules.open()
        self._passing: Invoices | None = None  # once there are any
        self._head: Values = {}

    def run(self, source: BinaryIO) -> None:
        """Read the document to its end, or to where it breaks. Raises etree.LxmlError when the engine itself fails."""
        found = short(source, self._plan, self._seen, self._limits)
        if found is None:
            self._part_by_part(source)
            self._plan.rules.close(self._rules)
            return
        head, _ = self._plan.head.take(found.root())
        self.short(found, head)
        learn(found, self._plan, self._seen, self._limits)

    def _part_by_part(self, source: BinaryIO) -> None:
        document = self._plan.document
        path = document.invoice.path if document.invoice else None
        split = Splitter(source, self._seen.root or "", path, self._seen.encoding, self._limits)
        for part in split.parts():
            self._passing = self._passing or self._begin(split)
            if isinstance(part, list):
                self._passing.pieces(part)
            else:
                self._passing.chunk(part)
        self.marks = split.marks
        self.invoices, self.error, self.lines_opened = split.count, split.error, split.lines_opened
        self.invalid_invoices = self._passing.invalid if self._passing is not None else 0
        if split.root is not None:
            self._around(split, split.root)
        if split.excess is not None:
            self.findings.add(self._too_much(split.excess))

    def short(self, found: Short, head: Values) -> None:
        """Judge all of a document that is right by its schema. `head`: what it says of itself."""
        self._head = head
        self._passing = Invoices(self._plan, self._rules, self._head, None, self.findings, self._sink)
        self._passing.chunk(found.chunk)
        self.invoices, self.invalid_invoices = len(found.chunk), self._passing.invalid
        self._of_document(found.root, whole=True)
        self._plan.rules.close(self._rules)

    def _too_much(self, key: str) -> Draft:
        limits = self._limits
        return built_in(
            "HOSTILE_SIZE",
            key,
            megabytes=limits.part_bytes // MIB,
            elements=limits.elements,
            depth=limits.depth,
            attributes=limits.attributes,
            together=limits.attributes_together,
            namespaces=limits.namespaces,
            kilobytes=limits.head_bytes >> 10,
            lists=limits.lists,
            beside=limits.beside,
        )

    def _begin(self, split: Splitter) -> Invoices:
        """The first invoices are whole, so everything that stands before them is known."""
        assert split.root is not None
        head, _ = self._plan.head.take(split.root)
        frame = None
        if self._plan.schema is not None:
            with_invoices = next(found for found in split.lists if found.taken)
            frame = Frame(self._plan.schema, split.root, with_invoices)
            split.opener = opener(self._plan, frame, split, self._seen.encoding, self._limits)
        return Invoices(self._plan, self._rules, head, frame, self.findings, self._sink)

    # -- the document around them --

    def _around(self, split: Splitter, root: Element) -> None:
        passing = self._passing
        self._head, _ = self._plan.head.take(root)
        whole = split.error is None and split.excess is None
        if self._plan.schema is not None and split.excess is None:
            for wrong in wrongs(self._outside(split, root)):
                where = partial(self._found_in, root, split.stayed)
                self.findings.add(wrong.draft(self._plan.document.authority, where))
        frame = passing.frame if passing else None
        if frame is not None and not frame.judges:
            self.findings.add(built_in("SCHEMA_OTHER", "invoices_not_judged", severity="info"))
        self._of_document(lambda: root, whole=whole)

    def _found_in(self, root: Element, stayed: Mapping[Element, Stayed], find: Find) -> tuple[Element, Place]:
        node = find(root)
        return node, place(node, root, self._base, stayed)

    def _of_document(self, root: Callable[[], Element], *, whole: bool) -> None:
        """What it says of itself."""
        said = self.index = index.of_document(self._plan.document, self._head, self._seen.sha256)
        said.sender = said.sender or (self._passing.sender if self._passing else None)
        self._request_number(said.request_number, root, whole)
        if whole and self._rules.of_document:
            self._document_rules(root)

    def _outside(self, split: Splitter, root: Element) -> list[Broken]:
        """What the schema finds outside the invoices; stand-ins take their place. Of a document that was cut, what was
        still open is not judged."""
        unsaid = set(_last_ones(root)) if split.error is not None else set()
        passing = self._passing
        if passing and passing.frame is not None and passing.frame.stray_text:
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
        passing = self._passing
        if found.slot is None or passing is None or passing.sample is None:
            return []
        crowd = [copy.deepcopy(passing.sample)]
        bound = max((number for number in self._plan.bounds if 1 < number < found.taken), default=0)
        if bound and passing.sample_is_right:
            crowd += [found.element.makeelement(passing.sample.tag) for _ in range(bound)]
        found.element[found.slot : found.slot] = crowd
        return crowd

    def _request_number(self, number: str | None, root: Callable[[], Element], whole: bool) -> None:
        document = self._plan.document
        if document.role != "request" or "request_number" not in document.fields:
            return
        code = None
        if not number:
            code = "REQUEST_NUMBER_MISSING" if whole else None
        elif not REQUEST_NUMBER.fullmatch(number):
            code = "REQUEST_NUMBER_ALPHABET"
        if code is not None and (whole or not self._still_open(root(), "request_number")):
            draft = built_in(code, code.lower())
            draft.place = self._head_place(root, "request_number")
            self.findings.add(draft)

    def _still_open(self, root: Element, name: str) -> bool:
        """Whether a document that was cut may have gone on with this field of its own."""
        node, attribute = find(root, self._plan.document.fields.get(name))
        return attribute is None and node in set(_last_ones(root))

    def _document_rules(self, root: Callable[[], Element]) -> None:
        facts = Facts(self._plan.document, self._head)
        for rule in self._rules.broken("document", facts):
            self.findings.add(rule_draft(rule, partial(self._head_place, root, rule.field or "")))

    def _head_place(self, parsed: Callable[[], Element], name: str) -> Place:
        root = parsed()
        return field_place(root, self._plan.document.fields.get(name), root, self._base)


def _last_ones(element: Element) -> Iterable[Element]:
    """The elements that may still have been open: the last of the last of the last."""
    yield element
    while len(element):
        element = element[-1]
        yield element
