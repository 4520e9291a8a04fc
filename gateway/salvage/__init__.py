"""One document taken apart by its invoices: the same bytes without some of them. A stream in, a stream out.

Nothing is written anew: what is taken out of a document is cut out of its bytes, and only the request number and the
totals that the catalog knows of (`[document.totals]`) are written over, in the way they were written. So every invoice
that stays is byte for byte the one its software made. The caller judges what comes out before it counts for anything.
"""

from __future__ import annotations

from gateway.salvage.cutting import Anatomy, Sums, cut
from gateway.salvage.numbering import next_last, next_number, written_over
from gateway.salvage.reading import dissect

__all__ = ["Anatomy", "Sums", "cut", "dissect", "next_last", "next_number", "written_over"]
