"""Where records rest and which ways lead from one resting place to the next (DESIGN section 6).

Only `store.move` changes a state; it asks `allowed` first. `born` lists the states a record may start in.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class BatchState(StrEnum):
    """A lot: one deposited file."""

    COLLECTED = "COLLECTED"  # archived; not judged yet
    VALIDATED = "VALIDATED"  # at least one request READY or HELD
    REFUSED = "REFUSED"  # no request of it can go
    HELD = "HELD"  # not judged: a person must look


class RequestState(StrEnum):
    """A demande: one payer document, the unit of transmission."""

    READY = "READY"  # may go
    HELD = "HELD"  # a person, the registry or a date must change first
    REFUSED = "REFUSED"  # never goes; the report says why
    TRANSMITTING = "TRANSMITTING"  # intent committed; leased by one worker
    TRANSMITTED = "TRANSMITTED"  # a receipt is stored
    RECEIVABLE = "RECEIVABLE"  # the payer's verdict
    NOT_RECEIVABLE = "NOT_RECEIVABLE"  # the payer's verdict
    CANCELLED = "CANCELLED"  # withdrawn by a person before it went
    SHADOWED = "SHADOWED"  # everything was done but sending, and nothing here ever sends it


class ReplyState(StrEnum):
    """A retour: anything owed to an agency."""

    RECEIVED = "RECEIVED"  # archived; owner not known yet
    MATCHED = "MATCHED"  # owner known
    DISTRIBUTING = "DISTRIBUTING"  # being written to its returns; leased
    DISTRIBUTED = "DISTRIBUTED"  # every artefact has a receipt
    HELD = "HELD"  # doubtful: a person must look
    DISCARDED = "DISCARDED"  # says again what is known


class CredentialState(StrEnum):
    """The life of a password (DESIGN section 7)."""

    EXPECTED = "EXPECTED"  # number known, password not yet
    TEMPORARY = "TEMPORARY"  # given once; must change on first use
    CHANGING = "CHANGING"  # a new one is committed and may have been sent
    ACTIVE = "ACTIVE"  # a login proved it
    LOCKED = "LOCKED"  # refused by the payer, or the attempts are spent
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class AlertState(StrEnum):
    """What somebody should know of now."""

    OPEN = "OPEN"  # nobody has said that they are on it
    SEEN = "SEEN"  # somebody has
    RESOLVED = "RESOLVED"  # it is over


_Table = dict[StrEnum, frozenset[StrEnum]]
_B, _R, _Y, _C, _A = BatchState, RequestState, ReplyState, CredentialState, AlertState

_BATCH: _Table = {
    _B.COLLECTED: frozenset({_B.VALIDATED, _B.REFUSED, _B.HELD}),
    _B.HELD: frozenset({_B.COLLECTED, _B.REFUSED}),
    _B.VALIDATED: frozenset(),
    _B.REFUSED: frozenset(),
}
_REQUEST: _Table = {
    _R.READY: frozenset({_R.TRANSMITTING, _R.HELD, _R.TRANSMITTED, _R.CANCELLED, _R.SHADOWED}),
    _R.HELD: frozenset({_R.READY, _R.CANCELLED, _R.TRANSMITTED, _R.RECEIVABLE, _R.NOT_RECEIVABLE}),
    _R.TRANSMITTING: frozenset({_R.TRANSMITTED, _R.READY, _R.HELD}),
    _R.TRANSMITTED: frozenset({_R.RECEIVABLE, _R.NOT_RECEIVABLE, _R.READY, _R.HELD}),
    # No way leads back to READY: an agency that goes live sends nothing twice.
    _R.SHADOWED: frozenset({_R.RECEIVABLE, _R.NOT_RECEIVABLE, _R.CANCELLED}),
    _R.REFUSED: frozenset(),
    _R.RECEIVABLE: frozenset(),
    _R.NOT_RECEIVABLE: frozenset(),
    _R.CANCELLED: frozenset(),
}
_REPLY: _Table = {
    _Y.RECEIVED: frozenset({_Y.MATCHED, _Y.HELD, _Y.DISCARDED}),
    _Y.HELD: frozenset({_Y.MATCHED, _Y.DISCARDED}),
    _Y.MATCHED: frozenset({_Y.DISTRIBUTING}),
    _Y.DISTRIBUTING: frozenset({_Y.DISTRIBUTED, _Y.MATCHED, _Y.HELD}),
    _Y.DISTRIBUTED: frozenset(),
    _Y.DISCARDED: frozenset(),
}
_CREDENTIAL: _Table = {
    # To ACTIVE without a login: somebody typed the one that is in use; `proved_at` tells that none proved it yet.
    _C.EXPECTED: frozenset({_C.TEMPORARY, _C.ACTIVE, _C.REVOKED}),
    # ACTIVE at once: a payer that lets a temporary password in without asking for another one.
    _C.TEMPORARY: frozenset({_C.CHANGING, _C.ACTIVE, _C.LOCKED, _C.EXPIRED, _C.REVOKED, _C.TEMPORARY}),
    _C.CHANGING: frozenset({_C.ACTIVE, _C.LOCKED, _C.REVOKED, _C.TEMPORARY}),
    _C.ACTIVE: frozenset({_C.CHANGING, _C.LOCKED, _C.EXPIRED, _C.REVOKED, _C.TEMPORARY, _C.ACTIVE}),
    _C.LOCKED: frozenset({_C.TEMPORARY, _C.ACTIVE, _C.REVOKED}),
    _C.EXPIRED: frozenset({_C.TEMPORARY, _C.ACTIVE, _C.REVOKED}),
    _C.REVOKED: frozenset({_C.TEMPORARY, _C.ACTIVE}),
}
_ALERT: _Table = {
    _A.OPEN: frozenset({_A.SEEN, _A.RESOLVED}),
    _A.SEEN: frozenset({_A.OPEN, _A.RESOLVED}),
    _A.RESOLVED: frozenset(),
}

TRANSITIONS = MappingProxyType(
    {"batch": _BATCH, "request": _REQUEST, "reply": _REPLY, "credential": _CREDENTIAL, "alert": _ALERT}
)
BORN = MappingProxyType(
    {
        "batch": frozenset({_B.COLLECTED}),
        "request": frozenset({_R.READY, _R.HELD, _R.REFUSED}),
        "reply": frozenset({_Y.RECEIVED, _Y.MATCHED}),
        "credential": frozenset({_C.EXPECTED, _C.TEMPORARY}),
        "alert": frozenset({_A.OPEN}),
    }
)
# Requests of these states no longer stand in the way of a new one with the same number (DESIGN section 6).
REQUEST_OVER = frozenset({_R.REFUSED, _R.NOT_RECEIVABLE, _R.CANCELLED})
# No way leads out of these: what is known of them does not change.
REQUEST_FINAL = frozenset(state for state, ways in _REQUEST.items() if not ways)
# An agency still waits for the payer's word on these.
REQUEST_UNANSWERED = frozenset({_R.TRANSMITTING, _R.TRANSMITTED, _R.SHADOWED})


def allowed(kind: str, old: StrEnum, new: StrEnum) -> bool:
    """Whether a record of `kind` may go from `old` to `new`."""
    return new in TRANSITIONS[kind].get(old, frozenset())
