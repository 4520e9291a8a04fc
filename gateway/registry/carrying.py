"""Carries a plan out: in one transaction, or, when it is large, staged in small ones that one small one makes count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from gateway.clock import local
from gateway.identifiers import lane, new_id
from gateway.models.facts import STAGED
from gateway.platform import passing
from gateway.registry.steps import Step
from gateway.store import Store, Tx, chunks, credentials, due, moves, replies
from gateway.store import registry as rows
from gateway.store import registry_writes as writes

IN_ONE = 1000  # steps that are written in one transaction


def carry_out(store: Store, steps: Sequence[Step], token: str, also: Iterable[Callable[[Tx], None]] = ()) -> bool:
    """Write the plan that was made for the registry of this token; `also` is done in the same transaction. False: the
    registry is another one meanwhile, and nothing was written that counts."""
    new = writes.new_rows(step.write for step in steps)
    edition = new_id("REG") if len(steps) > IN_ONE else None
    if edition:
        staged = _stage(store, new, steps, edition, token)
        if staged is None:
            return False
        token, new = staged, writes.not_staged(new)
        passing("registry.staged")
    with store.write() as tx:
        if rows.token(tx) != token:
            return False
        if edition:
            writes.make_count(tx)
            moves.tell(tx, "registry", [(edition, "registry_applied", {"steps": len(steps)})])
        else:
            writes.discard_staged_things(tx)
            moves.tell(tx, "registry", ((writes.touched(s.write), s.reason, dict(s.facts)) for s in steps))
        writes.insert(tx, new, tx.now)
        writes.alter(tx, (step.write for step in steps))
        _set_going(tx, changed=bool(steps))
        for do in also:
            do(tx)
    return True


def _stage(store: Store, new: writes.Rows, steps: Sequence[Step], edition: str, token: str) -> str | None:
    """Write the new rows ahead, where nobody reads them, and what they are into the chain of events; give the token
    of the registry after that. None: somebody else changed the registry meanwhile."""
    doings: list[Callable[[Tx], None]] = [writes.discard_staged]
    pieces = writes.pieces(new)
    doings += [partial(writes.insert, rows={model: part}, recorded_at=STAGED) for model, part in pieces]
    doings += [partial(_tell_staged, edition=edition, steps=told) for told in chunks(steps, IN_ONE)]
    for do in doings:
        with store.write() as tx:
            if rows.token(tx) != token:
                return None
            do(tx)
            token = rows.token(tx)
    return token


def _tell_staged(tx: Tx, edition: str, steps: list[Step]) -> None:
    said = [[writes.touched(step.write), step.reason, dict(step.facts)] for step in steps]
    moves.tell(tx, "registry", [(edition, "registry_staged", {"steps": said})])


def _set_going(tx: Tx, *, changed: bool) -> None:
    """Numbers that last wait for their password; what was held for want of a fact is asked again."""
    have = {(row.payer, row.number) for row in credentials.every(tx)}
    for payer, number in sorted(rows.lasting_numbers(tx, local(tx.now).date()) - have):
        credentials.expect(tx, payer, number)
    for agency_id in rows.active_agencies(tx) if changed else ():
        due.wake(tx, "validate", agency_id)
    for held in replies.with_held_statements(tx) if changed else ():
        due.wake(tx, "match", lane(*held))
