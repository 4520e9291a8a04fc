"""Who may log in at the payer: not under the number of an agency in shadow, for which another gateway does."""

from __future__ import annotations

from gateway.clock import Clock, today
from gateway.errors import Denied
from gateway.registry.book import Book
from gateway.store import Store
from gateway.store.shadow import SHADOW


def may_enter(store: Store, clock: Clock, payer: str, number: str) -> None:
    """Raises Denied, code `shadow`, where nobody may use this number's password now."""
    with store.read() as tx:
        if Book.load(tx).in_shadow(payer, number, today(clock)):
            problem = Denied(f"the agency that holds {number} at {payer} is in shadow: nobody logs in under it")
            problem.code = SHADOW
            raise problem
