"""Everything the gateway knows, behind one door: `Store` opens a transaction (`Tx`), the modules ask and change."""

from gateway.store.connection import LINKED_SQLITE, journal_mode
from gateway.store.engine import Store, Tx, chunks

__all__ = ["LINKED_SQLITE", "Store", "Tx", "chunks", "journal_mode"]
