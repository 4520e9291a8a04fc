"""What an agency gets for one reply: the payer's document untouched, a page to read, data to compute with."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.archive import Archive, Stored
from gateway.catalog import Catalog
from gateway.clock import local
from gateway.identifiers import new_id
from gateway.models import Distribution, Reply
from gateway.reading import details, read
from gateway.reading.details import LISTED
from gateway.rendering import summary_html, summary_json
from gateway.store import Tx, replies

PREFIXES = {
    "receipt": "receipt",
    "report": "report",
    "receivability": "recev",
    "statement": "etat",
    "extract": "extrait",
}
_KEY = 70  # characters of a key that stay in a name: the whole name stays under 120
_ODD = re.compile(r"[^A-Za-z0-9-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file to deliver, archived."""

    kind: str  # document | html | json
    extension: str
    stored: Stored
    name: str | None = None  # a document set aside has one of its own


def render(archive: Archive, catalog: Catalog, reply: Reply, lang: str) -> list[Artefact]:
    """Render and archive every artefact of a reply, in the order they are delivered. No moving time is in them."""

    def keep(kind: str, data: bytes) -> Artefact:
        return Artefact(kind, kind, archive.put(reply.id, io.BytesIO(data)))

    made: list[Artefact] = []
    facts = whole = reply.facts
    if reply.kind == "extract":  # derived: no document of the payer's lies beside it, so its data lists every entry
        facts = whole = _extract(archive, reply)
        facts = {**whole, "entries": whole["entries"][:LISTED], "listed": len(whole["entries"][:LISTED])}
    elif reply.archive_ref and reply.sha256:  # ours have facts only, unless invoices were set aside
        document = Artefact("document", "xml", Stored(reply.archive_ref, reply.size, reply.sha256), _own_name(reply))
        made.append(document)
        facts = whole = facts if reply.kind == "report" else {**facts, **payers_lists(archive, catalog, reply)}
    made.append(keep("html", summary_html(reply.kind, facts, lang)))
    made.append(keep("json", summary_json(reply.kind, whole)))
    return made


def _own_name(reply: Reply) -> str | None:
    """The name of a document set aside, never given twice to one agency."""
    return reply.facts["salvage"]["set_aside"]["file"] if reply.kind == "report" else None


def _extract(archive: Archive, reply: Reply) -> dict[str, Any]:
    """What was archived for this agency alone. Raises StoreError."""
    with archive.open(reply.archive_ref or "") as source:
        return dict(json.load(source))


def payers_lists(archive: Archive, catalog: Catalog, reply: Reply, *, most: int | None = LISTED) -> dict[str, Any]:
    """What the payer's document lists, in the payer's words; `most` of it. Raises CatalogError, StoreError."""
    arrived = local(reply.created_at).date()
    document = catalog.document(reply.format or "", reply.document or "", arrived, version=reply.format_version)
    with archive.open(reply.archive_ref or "") as source:
        return details(read(source, document), most=most)


def rows(tx: Tx, reply: Reply, made: list[Artefact], number: str) -> list[Distribution]:
    """The distributions of a reply, under names that no other artefact of its source has."""
    for names in _attempted_names(reply, made, number):
        if not replies.names_taken(tx, reply.source_id or "", names):
            break
    return [
        Distribution(
            id=new_id("DIS"),
            reply_id=reply.id,
            agency_id=reply.agency_id or "",
            source_id=reply.source_id or "",
            kind=artefact.kind,
            name=name,
            size=artefact.stored.size,
            sha256=artefact.stored.sha256,
            archive_ref=artefact.stored.ref,
        )
        for artefact, name in zip(made, names, strict=True)
    ]


def _attempted_names(reply: Reply, made: list[Artefact], number: str) -> Iterator[list[str]]:
    """The plain names first; where the same bytes were owed before under the same key, numbered ones."""
    turn = 1
    while True:
        key = reply.key or reply.id
        yield [
            artefact.name or artefact_name(reply.kind, number, key, artefact.stored.sha256, artefact.extension, turn)
            for artefact in made
        ]
        turn += 1


def artefact_name(kind: str, number: str, key: str, sha256: str, extension: str, turn: int = 1) -> str:
    """`<receipt|report|recev|etat|extrait>_<number>_<key>_<first 8 of its sha256>.<ext>`: ASCII, 120 at most."""
    again = f"-{turn}" if turn > 1 else ""
    return f"{PREFIXES[kind]}_{_safe(number)}_{_safe(key)}{again}_{sha256[:8]}.{extension}"


def _safe(text: str) -> str:
    """The text where it is plain and short; else what is left of it, and a few digits that tell it from others."""
    plain = _ODD.sub("-", text)
    if plain == text and len(plain) <= _KEY:
        return plain
    return f"{plain[: _KEY - 9]}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:8]}"
