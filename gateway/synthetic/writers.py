"""What a document type gives the generator: how to write it, and how each fault is put into one of its invoices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.synthetic.plan import Plan

Edits = tuple[tuple[str, str], ...]  # pattern and what takes its place, in turn, in the faulty invoice


@dataclass(frozen=True)
class Writer:
    """One document type. `pieces` yields the opening, then one piece for each invoice, then the end."""

    key: str  # one or two letters, in invented request numbers
    pieces: Callable[[Plan], Iterator[str]]
    days: tuple[date, date]
    classes: str = "1223477"  # first digits of invented practice numbers
    edits: Mapping[str, Edits] = field(default_factory=dict)
    planned: frozenset[str] = frozenset()  # faults that `pieces` or the plan puts in
    one: bool = False  # holds exactly one invoice, whatever the spec says
    targets: bool = False  # one piece for each of the spec's targets, where it has any
    needs_sender: bool = True  # absent, the document could not exist
    digest_prefix: str = ""  # its request number is this and 16 hex digits of its own sha256

    @property
    def faults(self) -> frozenset[str]:
        """What can be wrong in the document itself, beside the faults any document can have."""
        return self.planned | self.edits.keys()

    def spoil(self, fault: str, piece: str) -> str:
        """The same invoice with the fault in it."""
        for pattern, new in self.edits.get(fault, ()):
            piece = re.sub(pattern, new, piece, count=1)
        return piece
