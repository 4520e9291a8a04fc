"""Goes to a payer's server, or stays away for a while: what was met there is told to everybody (store/breakers)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from gateway.errors import Denied, NoAnswer
from gateway.store import Store, breakers

log = structlog.get_logger()


@dataclass
class Visit:
    """One stay at a payer's mailbox. `reached`: somebody answered there."""

    reached: bool = False
    silent: bool = False


def shut(store: Store, payer: str) -> float | None:
    """Seconds to stay away from this payer; None: go. Of a tripped breaker whose time has come, the one who asks is
    the one who tries it, and the others wait until it is known what came of it."""
    with store.read() as tx:
        breaker = next((one for one in breakers.every(tx) if one.payer == payer), None)
        if breaker is None or breaker.shut_until is None:
            return None
        if (seconds := breakers.wait(tx, payer)) is not None:
            return seconds
    with store.write() as tx:
        return None if breakers.probe(tx, payer) else (breakers.wait(tx, payer) or 1.0)


@contextmanager
def visiting(store: Store, payer: str) -> Iterator[Visit]:
    """The stay itself. What goes wrong in it goes through; silence and answers are written down at its end."""
    visit = Visit()
    try:
        yield visit
    except Exception as problem:
        visit.silent = visit.silent or _is_silence(problem)
        visit.reached = visit.reached or isinstance(problem, Denied)
        raise
    finally:
        _tell(store, payer, visit)


def _is_silence(problem: BaseException | None) -> bool:
    """Also behind the error of a stage that only says that it stops."""
    return problem is not None and (isinstance(problem, NoAnswer) or _is_silence(problem.__cause__))


def _tell(store: Store, payer: str, visit: Visit) -> None:
    if visit.silent:
        with store.write() as tx:
            failures = breakers.silent(tx, payer)
        if failures >= breakers.TRIPS:
            log.warning("breaker_tripped", payer=payer, silences=failures)
    elif visit.reached:
        with store.read() as tx:
            known = any(one.payer == payer for one in breakers.every(tx))
        if known:
            with store.write() as tx:
                if breakers.answered(tx, payer):
                    log.info("breaker_reset", payer=payer)
