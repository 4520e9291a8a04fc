"""What is wrong now: each source looks at one thing and says it as symptoms, of which alerts are made.

A source says everything of its kinds: what it no longer says is over. One that fails says nothing, and its alerts stay
as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from gateway.catalog import Catalog
from gateway.clock import Clock
from gateway.config import Config
from gateway.store import Store
from gateway.store.alerts import Symptom

log = structlog.get_logger()


@dataclass(frozen=True)
class Look:
    """What a source may look at."""

    config: Config
    store: Store
    catalog: Catalog
    clock: Clock


@dataclass(frozen=True)
class Source:
    """The kinds of alert it speaks of, and how it finds them; None: it does not know yet."""

    kinds: frozenset[str]
    find: Callable[[Look], Iterable[Symptom] | None]


def gather(look: Look, sources: Sequence[Source]) -> tuple[list[Symptom], frozenset[str]]:
    """Everything that is wrong now, and the kinds of which that is all."""
    found: list[Symptom] = []
    known: set[str] = set()
    for source in sources:
        try:
            said = source.find(look)
            symptoms = None if said is None else list(said)
        except Exception as problem:
            log.error("watch_failed", kinds=sorted(source.kinds), error=type(problem).__name__)
            continue
        if symptoms is not None:
            found += symptoms
            known |= source.kinds
    return found, frozenset(known)
