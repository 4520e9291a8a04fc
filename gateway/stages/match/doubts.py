"""Replies that match nothing, or say again what is known: where they rest, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.catalog import DocumentType
from gateway.models import Reply
from gateway.states import ReplyState
from gateway.store import Tx, moves, replies

SAYS_AGAIN = "says_again"
_KINDS = {"reply": "receivability", "statement": "statement", "error": "statement"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reply goes to nobody: a reason (a key of locales/match.toml), and facts without anybody's data."""

    reason: str
    detail: dict[str, Any] = field(default_factory=dict)
    kind: str | None = None

    @property
    def state(self) -> ReplyState:
        """A person must look at a doubt; what is known already is put aside."""
        return ReplyState.DISCARDED if self.reason == SAYS_AGAIN else ReplyState.HELD


def kind_of(document: DocumentType | None) -> str:
    """The kind of a reply, by the role of its document."""
    return _KINDS.get(document.role, "unknown") if document else "unknown"


def close(tx: Tx, reply: Reply, document: DocumentType | None, doubt: Doubt) -> None:
    """Let a reply rest where its doubt says; one that was HELD already stays so. Raises StaleState."""
    if reply.state == ReplyState.HELD == doubt.state:
        if reply.reason != doubt.reason:
            replies.reheld(tx, reply, doubt.reason, doubt.detail)
        return
    changes: dict[str, Any] = {"kind": doubt.kind or kind_of(document)}
    if document is not None:
        changes |= {"format": document.family, "document": document.name, "format_version": document.version}
    moves.move(tx, reply, doubt.state, doubt.reason, detail=doubt.detail, **changes)
