"""What is due to be purged now, by class; what is as old and stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.config import RetentionConfig
from gateway.store import Tx, chunks, retention
from gateway.store.retention import DOCUMENTS, STATEMENTS


@dataclass(frozen=True, slots=True)
class Due:
    """Owners of archived bytes whose time is over, by class. `staying`: lots that are as old, unfinished or owed."""

    documents: list[str]
    statements: list[str]
    staying: int

    def each(self) -> Iterator[tuple[str, str]]:
        """(owner, class) of all of them."""
        for kind, owners in ((DOCUMENTS, self.documents), (STATEMENTS, self.statements)):
            yield from ((owner, kind) for owner in owners)


def survey(tx: Tx, said: RetentionConfig) -> Due:
    """What may be purged at this moment. A class whose time is 0 is kept for good."""
    documents: list[str] = []
    staying = 0
    if said.documents:
        before = _before(tx, said.documents)
        lots = list(retention.finished_lots(tx, before))
        documents = lots + [one for piece in chunks(lots) for one in retention.belonging(tx, piece)]
        documents += retention.loose_replies(tx, before, DOCUMENTS)
        staying = retention.unfinished_lots(tx, before)
    statements = retention.loose_replies(tx, _before(tx, said.statements), STATEMENTS) if said.statements else []
    return Due(documents, statements, staying)


def parcels(tx: Tx, said: RetentionConfig) -> list[str]:
    """Parcels all of whose replies are gone."""
    seconds = max(said.documents, said.statements)
    return retention.empty_parcels(tx, _before(tx, seconds)) if seconds else []


def _before(tx: Tx, seconds: float) -> datetime:
    return tx.now - timedelta(seconds=seconds)
