"""What a document or an archive may cost, in one place. The defaults are the configuration's: `gateway check` and the
service say the same of the same file (tests/test_validation_limits.py)."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one XML document. Everything beyond is HOSTILE_SIZE; real documents stay far below."""

    document_bytes: int = 200_000_000
    prolog_bytes: int = MIB  # before the end of the root's start tag
    part_bytes: int = 4 * MIB  # one invoice, or the document around its invoices
    elements: int = 5_000  # likewise; moving and comparing them costs more than their number
    depth: int = 100
    attributes: int = 500  # of one element
    attributes_together: int = 20_000  # of one invoice, or of the document around its invoices
    namespaces: int = 100  # declared above the invoices
    head_bytes: int = 64 << 10  # before the first invoice: names, values, namespaces; it is judged again and again
    invoices: int = 150_000  # even the smallest costs as much to keep as a real one
    lists: int = 64  # lists of invoices in one document
    beside: int = 1000  # other children of the root, and of a list of invoices


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Of one ZIP. Everything beyond is HOSTILE_ARCHIVE, said before a member is read."""

    members: int = 1_000
    directory_bytes: int = 4 * MIB
    member_bytes: int = 200_000_000
    total_bytes: int = 500_000_000
    ratio: int = 200  # declared bytes for one compressed byte
    ratio_from: int = MIB  # smaller members may compress as they like
    name_bytes: int = 255
