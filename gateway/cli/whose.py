"""Whose a reply may be: what a held statement's last event says of it, and who got no extract of a matched one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.cli.common import Call
from gateway.registry import Book


def whose(book: Book, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The reasons and the candidates of the last event that names some; the agencies that are no longer active and so
    were given nothing."""
    details = [event["detail"] for event in events]
    found: dict[str, Any] = next(
        (
            {key: detail[key] for key in ("reasons", "candidates")}
            for detail in reversed(details)
            if "candidates" in detail
        ),
        {},
    )
    names = {agency.id: agency.name for agency in book.all_agencies()}
    closed = [names.get(id_, id_) for detail in details for id_ in detail.get("no_extract_for", ())]
    return found | ({"no_extract_for": closed} if closed else {})


def whose_lines(call: Call, told: Mapping[str, Any], *, held: bool) -> Iterator[str]:
    """The same for people; candidates only while a person has to choose."""
    if held:
        yield from (f"  {reason['says'][call.lang]}" for reason in told.get("reasons", ()))
        for one in told.get("candidates", ()):
            days = {"first": one["from"], "last": one["to"] or "…"}
            yield "  " + call.say("look.candidate", name=one["name"], **days)
    for name in told.get("no_extract_for", ()):
        yield "  " + call.say("look.no_extract", name=name)
