"""Whether the history is still as it was written: followed a stretch at a time, from its beginning again and again."""

from __future__ import annotations

from gateway.store import chain
from gateway.store.alerts import Symptom
from gateway.store.chain import Flaw, Head
from gateway.watch import Look, Source

STRETCH, MOST = 2000, 10  # links of one transaction, and stretches of one look
_START = Head(0, chain.GENESIS)


class History:
    """Remembers how far it came; a restart begins anew. What an anchor knows is looked at when one is added."""

    def __init__(self) -> None:
        self._at = _START
        self.sources = (Source(frozenset({"audit"}), self.find),)

    def find(self, look: Look) -> list[Symptom] | None:
        """The first bad entry; none when the end was reached well; None when the end is still to come."""
        for _ in range(MOST):
            with look.store.read() as tx:
                seen = chain.stretch(tx, self._at, STRETCH)
            if seen.flaw is not None:
                self._at = _START
                return [_symptom(seen.flaw)]
            if seen.events - self._at.events < STRETCH:
                self._at = _START
                return []
            self._at = Head(seen.events, seen.hash)
        return None


def _symptom(flaw: Flaw) -> Symptom:
    return Symptom("audit", "chain", None, "critical", facts={"seq": flaw.seq, "code": flaw.why})
