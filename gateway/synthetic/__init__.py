"""Invent documents of every type: plausible, with no real person in them, the same bytes for the same spec.

    generate(LotSpec(format="ramq-rfp", agency="18001", invoices=50, seed=7), sink)

Documents are written piece by piece, so that one of 100,000 invoices never stands in memory.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import BinaryIO, cast

from gateway.messages import Both, room
from gateway.synthetic import answers, old, rfp
from gateway.synthetic.plan import LotSpec, Plan, make_plan, refuse
from gateway.synthetic.writers import Writer

__all__ = ["FAULTS", "LotFacts", "LotSpec", "documents", "faults_of", "generate", "lot"]

_WRITERS: Mapping[str, Mapping[str, Writer]] = {
    "ramq-rfp": {**rfp.WRITERS, **answers.REPLIES},
    "ramq-dp": old.WRITERS,
    "etat-compte": answers.STATEMENTS,
}
_PREFIX = "fault_"
# What can be wrong on purpose: name → what it does, in both languages.
FAULTS: Mapping[str, Both] = MappingProxyType(
    {key.removeprefix(_PREFIX): both for key, both in room("synthetic").items() if key.startswith(_PREFIX)}
)
ANYWHERE = frozenset({"not_well_formed", "cut_short", "doctype", "utf16_declared"})
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: no clock is asked


@dataclass(frozen=True)
class LotFacts:
    """What was written: what an agency's software would remember of it. Amounts of bytes, no patient."""

    document: str
    request_number: str  # an old-system document's key: DP- and 16 hex digits of its own sha256
    sender: str | None
    practice: str
    account: str
    invoices: int
    lines: int
    size: int
    sha256: str


def documents() -> Mapping[str, tuple[str, ...]]:
    """What can be generated: schema family → its document types."""
    return {family: tuple(writers) for family, writers in _WRITERS.items()}


def faults_of(family: str, document: str) -> tuple[str, ...]:
    """The faults that make sense for a document type, in the order of FAULTS. Raises ConfigError."""
    possible = ANYWHERE | _writer(family, document).faults
    return tuple(name for name in FAULTS if name in possible)


def generate(spec: LotSpec, sink: BinaryIO) -> LotFacts:
    """Write one document. Raises ConfigError, with a sentence in both languages, for a spec that cannot be written."""
    writer = _writer(spec.format, spec.document)
    spec = _settled(spec, writer)
    plan = make_plan(spec, writer.key, writer.days, writer.classes)
    digest, size = hashlib.sha256(), 0
    for piece in _document(plan, writer):
        data = piece.encode()
        digest.update(data)
        size += sink.write(data)
    of_itself = writer.digest_prefix and writer.digest_prefix + digest.hexdigest()[:16]
    return LotFacts(
        document=spec.document,
        request_number=of_itself or plan.request_number,
        sender=plan.sender or None,
        practice=plan.practice,
        account=f"admin:{plan.admin_account}" if plan.admin_account else f"personal:{plan.practice}",
        invoices=spec.invoices,
        lines=plan.lines,
        size=size,
        sha256=digest.hexdigest(),
    )


def lot(specs: Sequence[LotSpec], sink: BinaryIO) -> list[LotFacts]:
    """Write a ZIP of several documents, `001-dem_paimt.xml` and so on; the same bytes for the same specs."""
    facts = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for ordinal, spec in enumerate(specs, 1):
            member = zipfile.ZipInfo(f"{ordinal:03d}-{spec.document}.xml", _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # or the ZIP would say on which system it was made
            with archive.open(member, "w") as stream:
                facts.append(generate(spec, cast(BinaryIO, stream)))
    return facts


def _writer(family: str, document: str) -> Writer:
    writer = _WRITERS.get(family, {}).get(document)
    if writer is None:
        known = ", ".join(f"{f}/{d}" for f, names in documents().items() for d in names)
        raise refuse("unknown_document", document=f"{family}/{document}", known=known)
    return writer


def _settled(spec: LotSpec, writer: Writer) -> LotSpec:
    """The spec with its count made true. Raises ConfigError for a fault the document type cannot have."""
    possible = faults_of(spec.format, spec.document)
    if impossible := [name for name in spec.faults if name not in possible]:
        raise refuse("impossible_fault", fault=impossible[0], document=spec.document, known=", ".join(possible))
    if writer.needs_sender and not spec.agency:
        raise refuse("bad_value", name="agency", value="")
    count = 1 if writer.one else (writer.targets and len(spec.targets)) or spec.invoices
    if count < 2 and {"duplicate_invoice_number", "mixed_numbers"} & {*spec.faults}:
        raise refuse("bad_value", name="invoices", value=count)
    return replace(spec, invoices=count)


def _document(plan: Plan, writer: Writer) -> Iterator[str]:
    """The declaration, the pieces, and the faults any document can have."""
    yield f'<?xml version="1.0" encoding="{"utf-16" if plan.has("utf16_declared") else "UTF-8"}"?>\n'
    if plan.has("doctype"):
        yield f"<!DOCTYPE {plan.spec.document}>\n"
    for ordinal, piece in enumerate(writer.pieces(plan)):  # 0 is the opening
        if ordinal == plan.target:
            piece = _spoiled(plan, writer, piece)
            if plan.has("cut_short"):
                yield piece[: len(piece) // 2]
                return
        yield piece


def _spoiled(plan: Plan, writer: Writer, piece: str) -> str:
    for fault in plan.spec.faults:
        piece = writer.spoil(fault, piece)
    if plan.has("not_well_formed"):
        start = piece.rindex("</")
        piece = piece[:start] + piece[piece.index(">", start) + 1 :]
    return piece
