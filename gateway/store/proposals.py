"""Proposed changes of the registry: what speaks for each, and what a person decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import or_, select, update
from sqlmodel import col

from gateway.models import Evidence, Proposal
from gateway.store import moves
from gateway.store.engine import Tx, changed

ACCEPTED, REJECTED = "accepted", "rejected"


def note(tx: Tx, claim: Proposal, record_id: str, day: date, stands: Callable[[Proposal], bool]) -> str | None:
    """Keep that a record speaks for a claim: with the undecided proposal that says the same and still `stands`, else as
    a new one. Its id; None where the record has spoken for it before, whatever was decided then."""
    same = select(Proposal).where(
        col(Proposal.what) == claim.what,
        col(Proposal.subject) == claim.subject,
        col(Proposal.agency_id) == claim.agency_id,
    )
    spoke = same.join(Evidence, col(Evidence.proposal_id) == col(Proposal.id))
    if tx.session.scalars(spoke.where(col(Evidence.record_id) == record_id).limit(1)).first() is not None:
        return None
    undecided = tx.session.scalars(same.where(col(Proposal.decided_at).is_(None)).order_by(col(Proposal.id)))
    row = next(filter(stands, undecided), None)
    if row is None:
        row = claim
        tx.session.add(row)
    row.since = min(row.since, day)
    tx.session.flush()
    tx.session.add(Evidence(proposal_id=row.id, record_id=record_id, day=day))
    tx.session.flush()
    detail = {"what": row.what, "subject": row.subject, "agency": row.agency_id, "evidence": record_id, "day": str(day)}
    moves.tell(tx, "registry_proposal", [(row.id, "change_proposed", detail)])
    return row.id


def every(tx: Tx, *, decided: bool = False) -> list[Proposal]:
    """Those nobody decided about, the oldest first; with `decided` all of them."""
    query = select(Proposal).order_by(col(Proposal.id))
    return list(tx.session.scalars(query if decided else query.where(col(Proposal.decided_at).is_(None))))


def matching(tx: Tx, text: str) -> list[Proposal]:
    """Those whose id begins or ends with the text (its `%` and `_` are no wildcards)."""
    id_ = col(Proposal.id)
    query = select(Proposal).where(or_(id_.startswith(text, autoescape=True), id_.endswith(text, autoescape=True)))
    return list(tx.session.scalars(query.order_by(id_)))


def evidence(tx: Tx) -> dict[str, list[Evidence]]:
    """What speaks for each proposal, by day."""
    found: dict[str, list[Evidence]] = {}
    for row in tx.session.scalars(select(Evidence).order_by(col(Evidence.day), col(Evidence.record_id))):
        found.setdefault(row.proposal_id, []).append(row)
    return found


def decide(tx: Tx, id_: str, decision: str, said: str | None = None) -> bool:
    """Write a person's decision down. False: somebody decided before."""
    row = (col(Proposal.id) == id_) & col(Proposal.decided_at).is_(None)
    values = {"decided_at": tx.now, "decided_by": tx.actor, "decision": decision, "said": said}
    if changed(tx, update(Proposal).where(row).values(**values)) != 1:
        return False
    moves.tell(tx, "registry_proposal", [(id_, f"change_{decision}", {"said": said} if said else {})])
    return True
