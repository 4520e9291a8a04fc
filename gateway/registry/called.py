"""What the facts of the registry are called in sentences: names in the place of ids, and a phrase for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.messages import LANGUAGES, Both, both, say
from gateway.registry.steps import shown
from gateway.store import registry as rows

LINES = ("recorded_at", "recorded_by", "superseded_at", "superseded_by")


class Called:
    """What the things behind ids are called, for sentences; grows as the file makes new ones."""

    def __init__(self, tables: rows.Tables) -> None:
        self.agency = {agency.id: agency.name for agency in tables.agencies}
        self.group = {group.id: group.name for group in tables.groups}
        self.source = {source.id: f"{self.agency[source.agency_id]}, {source.name}" for source in tables.sources}

    def words(self, values: Mapping[str, Any]) -> dict[str, object]:
        """The columns of a fact as a sentence names them."""
        words = {key: value for key, value in values.items() if key not in (*LINES, "id", "valid_from", "valid_to")}
        for key, names in (("agency_id", self.agency), ("group_id", self.group), ("source_id", self.source)):
            if key in words:
                words[key.removesuffix("_id")] = names.get(words.pop(key))
        if "source" in words:
            words["software"] = words["name"]
        if "agency" in words:
            words["name"] = words["agency"]
        return words | {"start": values["valid_from"], "to": values["valid_to"]}


def phrase(word: str, words: Mapping[str, object]) -> Both:
    """What a fact says, without its days: `transmission number 18001 at sandbox: "Laurier"`."""
    return both(f"registry.{word}", **shown(words))


def sentence(word: str, act: str, words: Mapping[str, object]) -> Both:
    """The same, and what becomes of it: `…, until 2026-03-02 (since 2016-07-01)`."""
    fact = phrase(word, words)
    return {lang: say(f"registry.fact_{act}", lang, fact=fact[lang], **shown(words)) for lang in LANGUAGES}
