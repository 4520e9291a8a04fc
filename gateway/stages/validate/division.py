"""Salvage: the invoices of a document that are right go in a document of their own, the others go back to be corrected.

Nothing of a part counts before it was judged like any document: its invoices must be those of the original, field by
field and in order, and its head must be right. Whatever is in doubt leaves the request whole: then it is refused or
held as it would be without salvage (docs/salvage.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

import structlog

from gateway import salvage
from gateway.archive import Stored
from gateway.catalog import DocumentType
from gateway.errors import CatalogError
from gateway.identifiers import new_id
from gateway.models import Request, Salvage
from gateway.platform import passing
from gateway.report import NO_PAYER_COULD_TAKE, InvoiceIndex
from gateway.salvage import Anatomy, Sums
from gateway.sealing.spool import spool
from gateway.stages.validate import context, document
from gateway.stages.validate.choice import choose, head_is_bad, not_agreed
from gateway.stages.validate.desk import Desk, Judged
from gateway.stages.validate.document import Kept
from gateway.stages.validate.parts import Answers, Aside, Divided
from gateway.states import RequestState
from gateway.store import salvage as lineage

log = structlog.get_logger()


class _WholeError(Exception):
    """The document stays whole, and why: a sentence `salvage_<code>` of locales/validate.toml."""


def judge(desk: Desk, kept: Kept) -> list[Judged]:
    """Judge one document and stage its rows: one request, or two where only a part of it goes."""
    judged, invoices = document.read(desk, kept)
    if judged.report.verdict == "not_judged":
        return [judged]
    work = _Work.of(desk, kept, judged, invoices)
    try:
        divided = work.divide() if work is not None else None
    except _WholeError as why:
        judged.not_salvaged = str(why)
        log.info("not_salvaged", lot=desk.batch.id, request=judged.request.id, reason=str(why))
        divided = None
    if divided is not None:
        return divided
    document.decide(desk, judged, invoices)
    document.stage(desk, judged, invoices)
    return [judged]


@dataclass(frozen=True, slots=True)
class _Work:
    """One document whose agency wants salvage."""

    desk: Desk
    kept: Kept
    judged: Judged
    invoices: list[InvoiceIndex]
    type: DocumentType

    @classmethod
    def of(cls, desk: Desk, kept: Kept, judged: Judged, invoices: list[InvoiceIndex]) -> _Work | None:
        """None where there is nothing to divide, or nobody wants it."""
        request, report = judged.request, judged.report
        if desk.book.agency(request.agency_id).on_invalid != "salvage" or not invoices:
            return None
        try:
            kind = desk.rooms.catalog.document(report.format or "", report.document or "", version=report.version)
        except CatalogError:
            return None
        if kind.role != "request" or (repeated := context.repeats(desk, request)) is not None:
            request.duplicate_of = repeated.id if kind.role == "request" and repeated is not None else None
            return None
        return cls(desk, kept, judged, invoices, kind)

    def divide(self) -> list[Judged] | None:
        """The original, refused, and what goes of it; None where every invoice shares one fate. Raises _WholeError."""
        chosen = choose(self.desk, self.judged.request, self.invoices, self.type)
        if not (chosen.away or chosen.answered) or len(chosen.away) == len(self.invoices):
            return None
        self._may_be_divided()
        gone = chosen.away | {index.ordinal for index, _ in chosen.answered}
        kept = [index for index in self.invoices if index.ordinal not in gone]
        set_aside = [index for index in self.invoices if index.ordinal in chosen.away]
        with self.desk.rooms.archive.open(self.kept.ref) as source:
            anatomy = self._anatomy(source) if kept or set_aside else None
            derived = self._derived(source, anatomy, kept) if kept and anatomy else None
            aside = self._aside(source, anatomy, set_aside) if set_aside and anatomy else None
        passing("validate.divided")
        document.add_findings(self.judged.report, chosen.refusing)
        return self._parts(derived, kept, aside, set_aside, chosen.answered)

    # -- whether --

    def _may_be_divided(self) -> None:
        """Raises _WholeError."""
        if self.desk.source.strict and self.kept.member is not None:
            raise _WholeError("strict")
        if (refusal := not_agreed(self.desk, self.judged.report)) is not None:
            raise _WholeError(refusal)
        if head_is_bad(self.judged.report):
            raise _WholeError("head")
        codes = context.clearance(self.desk, self.judged.request, self.judged.report, self.invoices, self.type).codes
        if NO_PAYER_COULD_TAKE.intersection(codes):
            raise _WholeError("head")

    def _anatomy(self, source: BinaryIO) -> Anatomy:
        anatomy = salvage.dissect(source, self.type)
        if anatomy is None or len(anatomy.ends) != len(self.invoices) or not anatomy.agrees(self._sums(self.invoices)):
            raise _WholeError("totals")
        return anatomy

    def _sums(self, invoices: Sequence[InvoiceIndex]) -> Sums:
        stated = self.type.invoice is not None and "amount" in self.type.invoice.fields
        return Sums(len(invoices), sum(index.amount_cents or 0 for index in invoices) if stated else None)

    # -- the parts --

    def _cut(
        self, owner: str, source: BinaryIO, anatomy: Anatomy, stay: Sequence[InvoiceIndex], number: str | None
    ) -> Stored:
        """The document with these invoices only, in the archive."""
        staying = {index.ordinal for index in stay}
        away = [index.ordinal for index in self.invoices if index.ordinal not in staying]
        with spool() as target:
            salvage.cut(source, anatomy, away, self._sums(stay), target, number=number)
            target.seek(0)
            return self.desk.rooms.archive.put(owner, target)

    def _derived(self, source: BinaryIO, anatomy: Anatomy, stay: list[InvoiceIndex]) -> Judged:
        """What goes: judged, alone and in its context, and not refused."""
        stored = self._cut(self.desk.batch.id, source, anatomy, stay, None)
        derived = self._judged_again(stored, stay)
        if derived.report.refused:
            raise _WholeError("proof")
        own, original = derived.request, self.judged.request
        own.derived_from = original.id
        if "request_number" in self.type.fields and own.no_dem_ext != original.no_dem_ext:
            raise _WholeError("proof")
        document.decide(self.desk, derived, stay)
        if own.state == RequestState.REFUSED:
            raise _WholeError("head")
        return derived

    def _aside(self, source: BinaryIO, anatomy: Anatomy, stay: list[InvoiceIndex]) -> Aside:
        """What goes back: a document of the same type, under a number of its own."""
        name, reply_id = self._number(), new_id("RET")
        aside = Aside(name, self._cut(reply_id, source, anatomy, stay, name), reply_id)
        index = self._judged_again(aside.stored, list(stay)).report.index
        if anatomy.numbered and index.request_number != name:
            raise _WholeError("proof")
        return aside

    def _judged_again(self, stored: Stored, expected: list[InvoiceIndex]) -> Judged:
        """Read a part as if it had been deposited. `expected`: what it must hold; gets its places in this part."""
        kept = Kept(self.kept.ordinal, self.kept.member, stored.ref, stored.size, stored.sha256)
        before, wrong = iter(list(expected)), False
        expected.clear()

        def hear(index: InvoiceIndex) -> None:
            nonlocal wrong
            original = next(before, None)
            wrong |= original is None or _what(original) != _what(index)
            if original is not None:  # its values are shared: a second list of a large lot costs little
                expected.append(original._replace(ordinal=index.ordinal, line=index.line, valid=index.valid))

        judged = document.judged_alone(self.desk, kept, hear)
        first, again = self.judged.report, judged.report
        same = (first.format, first.document, first.version) == (again.format, again.document, again.version)
        if wrong or not same or next(before, None) is not None or again.verdict == "not_judged" or head_is_bad(again):
            raise _WholeError("proof")
        return judged

    def _number(self) -> str:
        """What the document set aside is called; its request number too, where its format has one."""
        desk, request = self.desk, self.judged.request
        name = PurePath(self.kept.member or desk.batch.name).stem
        here = {judged.divided.row.aside_name for judged in desk.judged if judged.divided is not None}
        here |= {judged.request.no_dem_ext for judged in desk.judged}
        with desk.rooms.store.read() as tx:
            own = "request_number" in self.type.fields or not lineage.given(tx, request.agency_id, name)
            return salvage.next_number(
                str(request.no_dem_ext) if own else name,
                given=lambda number: lineage.given(tx, request.agency_id, number),
                used=lambda number: number in here or lineage.used(tx, request.agency_id, number),
            )

    def _parts(
        self,
        derived: Judged | None,
        kept: list[InvoiceIndex],
        aside: Aside | None,
        set_aside: list[InvoiceIndex],
        answered: Answers,
    ) -> list[Judged]:
        """Everything is proved: the original keeps the invoices that were set aside, and goes no further."""
        judged, request = self.judged, self.judged.request
        request.invoices = request.invalid_invoices = len(set_aside)
        judged.report.not_checked = []
        if derived is None:
            document.refuse(request, "NOTHING_LEFT")
        else:
            document.refuse(request, "SALVAGED")
        parts = [self._sums(part) for part in (kept, set_aside, [index for index, _ in answered])]
        row = _row(request, derived.request if derived else None, aside, self._sums(self.invoices), parts)
        judged.divided = Divided(row, derived.request if derived else None, aside, set_aside, answered)
        document.stage(self.desk, judged, set_aside)
        if derived is not None:
            document.stage(self.desk, derived, kept)
        return [judged, derived] if derived is not None else [judged]


def _row(request: Request, derived: Request | None, aside: Aside | None, whole: Sums, parts: Sequence[Sums]) -> Salvage:
    """Raises _WholeError where the parts are not the whole; the database would refuse such a row as well."""
    kept, set_aside, answered = parts
    if kept + set_aside + answered != whole:
        raise _WholeError("proof")
    return Salvage(
        request_id=request.id,
        agency_id=request.agency_id,
        derived_id=derived.id if derived else None,
        aside_name=aside.name if aside else None,
        aside_sha256=aside.stored.sha256 if aside else None,
        invoices=whole.invoices,
        cents=whole.cents,
        kept_invoices=kept.invoices,
        kept_cents=kept.cents,
        aside_invoices=set_aside.invoices,
        aside_cents=set_aside.cents,
        answered_invoices=answered.invoices,
        answered_cents=answered.cents,
    )


def _what(index: InvoiceIndex) -> tuple[object, ...]:
    """All of an invoice but where it stands and what was said of it."""
    return tuple(value for name, value in zip(index._fields, index, strict=True) if name not in _PLACE)


_PLACE = frozenset({"ordinal", "line", "valid", "refused"})
