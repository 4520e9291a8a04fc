"""The chain of events: the canonical form of a link, its hash, and the examination that names the first bad one.

The canonical form of version 1 is JSON of the ten columns of `LINK`, keys sorted (inside `detail` too), no blanks,
characters beyond ASCII as \\uXXXX, `at` in UTC with microseconds and "+00:00"; its sha256 is the link's hash. The hash
of a link is the `previous_hash` of the next. docs/audit.md lets anybody check it without this program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from gateway.models import ChainHead, Event
from gateway.store.engine import Tx, table_of

CHAIN_VERSION = 1
GENESIS = "0" * 64  # what the first event is chained to
PAGE = 1000  # events in memory at once
LINK = (
    "chain_version",
    "previous_hash",
    "record_kind",
    "record_id",
    "from_state",
    "to_state",
    "at",
    "actor",
    "reason",
    "detail",
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: how many events there are, and its hash."""

    events: int
    hash: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first entry that is not as it was written, and how one knows.

    `why`: altered | unreadable | missing | head (the entry chain and its head disagree) | cut (an anchor knows of more
    entries) | rewritten (an anchor knows another hash: some entry from `seq` to `until` was changed, and every hash
    after it made anew).
    """

    seq: int
    why: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination saw: good entries up to the first flaw, and how many anchors agreed with them."""

    events: int
    hash: str
    anchors: int
    flaw: Flaw | None


def canonical(link: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed, of the columns `LINK`. Another form needs a new chain version, and this one kept for
    its links. Raises TypeError or ValueError for what no link holds."""
    moment = link["at"]
    if not isinstance(moment, datetime):
        raise TypeError("an event without a moment")
    plain = {name: link[name] for name in LINK} | {"at": moment.isoformat(timespec="microseconds")}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def link_hash(link: Mapping[str, Any]) -> str:
    """sha256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(link)).hexdigest()


def head(tx: Tx) -> Head:
    """The newest link, as the row that is locked to add one has it."""
    row = tx.session.execute(select(col(ChainHead.events), col(ChainHead.hash))).one()
    return Head(row.events, row.hash)


def holds(tx: Tx, of: Head) -> bool:
    """Whether that many events still end with that hash."""
    if of.events == 0:
        return of.hash == GENESIS
    return tx.session.scalar(select(col(Event.hash)).where(col(Event.seq) == of.events)) == of.hash


def examine(tx: Tx, anchors: Iterable[Head] = ()) -> Examined:
    """Follow the whole chain, in pages. `anchors`: heads kept elsewhere, without which a chain cut at its end together
    with its head, or made anew as a whole, looks whole."""
    waiting = sorted(anchors, key=lambda anchor: anchor.events)
    agreed, safe, last = 0, 0, Head(0, GENESIS)
    for row in _pages(tx, last):
        if isinstance(row, Flaw):
            return Examined(last.events, last.hash, agreed, row)
        if (flaw := _flaw(row, last)) is not None:
            return Examined(last.events, last.hash, agreed, flaw)
        last = Head(row["seq"], row["hash"])
        while agreed < len(waiting) and waiting[agreed].events <= last.events:
            if not _agrees(waiting[agreed], last):
                return Examined(safe, last.hash, agreed, Flaw(safe + 1, "rewritten", last.events))
            safe, agreed = last.events, agreed + 1
    if waiting and waiting[-1].events > last.events:
        return Examined(last.events, last.hash, agreed, Flaw(last.events + 1, "cut"))
    return Examined(last.events, last.hash, len(waiting), _head_flaw(tx, last))


def stretch(tx: Tx, after: Head, most: int) -> Examined:
    """Follow at most so many links after a good one; fewer are the end, where the head is looked at."""
    last = after
    for row in islice(_pages(tx, after), most):
        flaw = row if isinstance(row, Flaw) else _flaw(row, last)
        if flaw is not None or isinstance(row, Flaw):
            return Examined(last.events, last.hash, 0, flaw)
        last = Head(row["seq"], row["hash"])
    ended = last.events - after.events < most
    return Examined(last.events, last.hash, 0, _head_flaw(tx, last) if ended else None)


def _agrees(anchor: Head, last: Head) -> bool:
    """An anchor of the empty chain says nothing about its first entry."""
    return anchor == last if anchor.events else anchor.hash == GENESIS


def _flaw(row: Mapping[str, Any], last: Head) -> Flaw | None:
    seq = last.events + 1
    if row["seq"] != seq:
        return Flaw(seq, "missing")
    try:
        right = row["chain_version"] == CHAIN_VERSION and row["hash"] == link_hash(row)
    except (TypeError, ValueError):
        return Flaw(seq, "unreadable")
    return None if right and row["previous_hash"] == last.hash else Flaw(seq, "altered")


def _head_flaw(tx: Tx, last: Head) -> Flaw | None:
    row = tx.session.execute(select(col(ChainHead.events), col(ChainHead.hash))).one_or_none()
    if row is not None and (row.events, row.hash) == (last.events, last.hash):
        return None
    known = row.events if row is not None and isinstance(row.events, int) else last.events
    return Flaw(min(known, last.events) + 1, "head")


def _pages(tx: Tx, start: Head) -> Iterator[Mapping[str, Any] | Flaw]:
    """Every event in its order; a Flaw where the database holds what is no event (SQLite keeps any text anywhere)."""
    last: int | None = start.events or None
    size = PAGE
    while True:
        after = () if last is None else (col(Event.seq) > last,)
        query = select(table_of(Event)).where(*after).order_by(col(Event.seq)).limit(size)
        try:
            rows = tx.session.execute(query).all()
        except (TypeError, ValueError):
            if size == 1:
                yield Flaw(start.events + 1 if last is None else last + 1, "unreadable")
                return
            size = 1  # find the one
            continue
        if not rows:
            return
        yield from (row._asdict() for row in rows)
        last = rows[-1].seq
