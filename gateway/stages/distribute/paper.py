"""The paper route: a statement as a PDF ready to print, behind a cover page that says whom it is for and why."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.archive import Archive
from gateway.catalog import Catalog
from gateway.messages import say
from gateway.models import Agency, Reply
from gateway.registry import Book
from gateway.rendering import sheets_pdf
from gateway.rendering.formats import day, money
from gateway.sheets import Block, Grid, Heading, Pairs, Sheet, Text
from gateway.stages.distribute.artefacts import Artefact, payers_lists
from gateway.store import chunks

VOLUME = 5000  # entries in one PDF: some hundred pages
Volume = tuple[int, int] | None  # which of how many; None: it is whole
_SUMS = ("carried_in", "total", "withheld", "carried_out", "paid")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a printed statement is for: the account and who bills through it, where it wants its paper, its agency."""

    account: str
    people: tuple[str, ...]  # names, or numbers where the registry has no name
    address: str | None
    agency: str
    lang: str


def envelope(book: Book, agency: Agency, facts: Mapping[str, Any]) -> Envelope:
    """By what the registry says of the statement's date."""
    account, dated = str(facts["account"]), date.fromisoformat(facts["dated"])
    where = book.statement_coordinates(account, dated)
    numbers = set(book.practitioners(account, dated))
    if account.startswith("personal:"):
        numbers.add(book.known_as(account.partition(":")[2], dated))
    known = {number: book.practitioner(number, dated) for number in sorted(numbers)}
    people = tuple((person.name if person else None) or number for number, person in known.items())
    return Envelope(account, people, where.address if where else None, agency.name, agency.language)


def to_print(archive: Archive, catalog: Catalog, reply: Reply, to: Envelope) -> list[Artefact]:
    """The PDF, archived; a long statement in volumes of VOLUME entries, each behind its cover page. The same reply and
    envelope give the same bytes. Raises CatalogError, StoreError."""
    facts = {**reply.facts, **payers_lists(archive, catalog, reply, most=None)}
    volumes = list(chunks(facts["entries"], VOLUME)) or [[]]
    made = []
    for number, entries in enumerate(volumes, 1):
        volume = (number, len(volumes)) if len(volumes) > 1 else None
        first = (number - 1) * VOLUME + 1
        sheets = [_cover(facts, to, volume), _statement({**facts, "entries": entries}, to.lang, first, volume)]
        data = sheets_pdf(sheets, to.lang, reply.created_at)
        extension = f"{number}-{len(volumes)}.pdf" if volume else "pdf"
        made.append(Artefact("pdf", extension, archive.put(reply.id, io.BytesIO(data))))
    return made


def _cover(facts: Mapping[str, Any], to: Envelope, volume: Volume) -> Sheet:
    """For whoever folds it: nothing of what the statement says but whose it is."""
    rows = (
        (say("distribute.paper_for", to.lang), ", ".join(to.people) or None),
        (say("distribute.paper_address", to.lang), to.address),
        (say("rendering.account", to.lang), to.account),
        (say("distribute.paper_agency", to.lang), to.agency),
        (say("distribute.paper_statement", to.lang), str(facts["number"])),
        (say("rendering.dated", to.lang), day(facts["dated"], to.lang)),
        *_which(volume, to.lang),
    )
    why = facts["on_paper"]["says"][to.lang]
    blocks: tuple[Block, ...] = (Pairs(rows), Text(say("distribute.paper_why", to.lang, why=why)))
    return Sheet(say("distribute.paper_cover", to.lang), say("distribute.paper_once", to.lang), blocks, _foot(facts))


def _which(volume: Volume, lang: str) -> tuple[tuple[str, str], ...]:
    if volume is None:
        return ()
    return ((say("distribute.paper_volume", lang), say("distribute.paper_of", lang, number=volume[0], of=volume[1])),)


def _statement(facts: Mapping[str, Any], lang: str, first: int, volume: Volume) -> Sheet:
    about = f"{facts['number']} · {facts['account']} · {day(facts['dated'], lang)}"
    sums = tuple((say(f"rendering.sum_{key}", lang), money(facts[f"{key}_cents"], lang)) for key in _SUMS)
    entries, total = facts["entries"], facts["entries_total"]
    names = ("invoice", "line", "service", "entry", "preliminary", "paid")
    shown = f"{first}–{first + len(entries) - 1}" if volume else str(len(entries))
    grid = Grid(
        say("rendering.shown_of", lang, shown=shown, total=total),
        tuple(say(f"rendering.{name}", lang) for name in names),
        tuple(_row(entry, lang) for entry in entries),
        frozenset({4, 5}),
    )
    blocks = (Heading(say("rendering.amounts", lang)), Pairs(sums), Heading(say("rendering.entries", lang)), grid)
    return Sheet(say("rendering.title_statement", lang), about, blocks, _foot(facts))


def _row(entry: Mapping[str, Any], lang: str) -> tuple[str, ...]:
    codes = " ".join(message["code"] for message in entry["messages"])
    return (
        " / ".join(filter(None, (entry["number"], entry["payer_number"]))) or "–",
        str(entry["line"] or "–"),
        " ".join(filter(None, (day(entry["service"], lang), entry["code"]))),
        " ".join(filter(None, (say(f"rendering.entry_{entry['kind'].lower()}", lang), codes))),
        money(entry["preliminary_cents"], lang),
        money(entry["paid_cents"], lang),
    )


def _foot(facts: Mapping[str, Any]) -> str:
    return f"{facts['number']} · {facts['account']}"
