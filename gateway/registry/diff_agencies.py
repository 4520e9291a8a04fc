"""Compares what a registry file says of agencies, their numbers and their sources with what is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.identifiers import new_id
from gateway.models import Agency, AgencyStanding, DeclaredSoftware, NumberSuspension, Source, TransmissionNumber
from gateway.models.facts import ALWAYS
from gateway.registry.desk import Desk
from gateway.registry.file import AgencyEntry, Dated, NumberEntry, SoftwareEntry, SourceEntry
from gateway.registry.steps import CLOSE, setting_payers

_SETTINGS = ("active", "kind", "language", "on_invalid", "rules", "set_aside", "transmit")


def agency(desk: Desk, entry: AgencyEntry) -> None:
    """One [[agency]] with all that stands in it."""
    key = f"agency[{entry.name}]"
    if not desk.work.first(key):
        return
    row = _agency(desk, key, entry)
    before = [payer.payer for payer in desk.tables.payers if payer.agency_id == row.id]
    if ("payers" in entry.model_fields_set or desk.said.complete) and before != list(entry.payers):
        desk.work.steps.append(setting_payers(row, before, entry.payers))
    _standings(desk, key, row.id, entry)
    for number in entry.numbers:
        _number(desk, f"{key}.number[{number.number}]", row.id, number)
    _sources(desk, key, row, entry)


def _agency(desk: Desk, key: str, entry: AgencyEntry) -> Agency:
    wanted = desk.wanted(entry, *_SETTINGS, always=["active"])
    if "group" in entry.model_fields_set or desk.said.complete:
        wanted["group_id"] = _group(desk, key, entry)
    row = desk.agencies.get(entry.name)
    if row is not None and (row.transmit, wanted.get("transmit")) == ("shadow", "live"):
        del wanted["transmit"]  # a decision of its own, with its numbers and its reason
        if "transmit" in entry.model_fields_set:
            desk.work.refuse("live_by_command", f"{key}.transmit", name=entry.name)
    if row is not None:
        desk.work.change(Agency, row, wanted, "agency_changed", {"name": entry.name})
        for column, value in wanted.items():
            setattr(row, column, value)
        return row
    values = {"id": new_id("AGE"), "name": entry.name, "kind": entry.kind, **wanted}
    row = desk.agencies[entry.name] = Agency(**values)
    whole = row.model_dump(exclude={"recorded_at"})  # the defaults too
    desk.make(Agency, whole, "agency_added", name=entry.name, kind=entry.kind)
    desk.called.agency[row.id] = entry.name
    return row


def _group(desk: Desk, key: str, entry: AgencyEntry) -> str | None:
    if entry.group is not None and entry.group not in desk.groups:
        desk.work.refuse("group_unknown", f"{key}.group", group=entry.group)
    return desk.groups.get(entry.group or "")


def _standings(desk: Desk, key: str, agency_id: str, entry: AgencyEntry) -> None:
    """`migrated_on` is the short form of a standing; a new date corrects the old one."""
    for standing in entry.standings:
        values = {"agency_id": agency_id, "standing": standing.standing}
        desk.facts.say(f"{key}.standing[{standing.standing}]", AgencyStanding, standing, values)
    if entry.migrated_on is None:
        return
    for known in desk.facts.of(AgencyStanding, agency_id):
        if known["standing"] == "migrated" and known["valid_from"] != entry.migrated_on:
            desk.facts.withdraw(AgencyStanding, known)
    since = Dated.model_validate({"from": entry.migrated_on, "to": None})
    desk.facts.say(f"{key}.migrated_on", AgencyStanding, since, {"agency_id": agency_id, "standing": "migrated"})


def _number(desk: Desk, key: str, agency_id: str, entry: NumberEntry) -> None:
    said = {"payer": entry.payer, "number": entry.number}
    desk.facts.say(key, TransmissionNumber, entry, {**said, "agency_id": agency_id})
    for suspension in entry.suspensions:
        values = {**said, **desk.wanted(suspension, "reason")}
        desk.facts.say(f"{key}.suspension[{suspension.start}]", NumberSuspension, suspension, values)


def _sources(desk: Desk, key: str, agency: Agency, entry: AgencyEntry) -> None:
    known = {source.name: source for source in desk.tables.sources if source.agency_id == agency.id}
    whole = {source.name for source in entry.sources} >= {name for name, row in known.items() if row.active}
    for place, source in enumerate(entry.sources, 1):
        where = f"{key}.source[{source.name}]"
        if not desk.work.first(where):
            continue
        columns = _columns(desk, source)
        row = known.get(source.name)
        if row is None and (source.pickup is None or source.returns is None):
            desk.work.refuse("source_without_mailboxes", where)
            continue
        if whole or row is None:  # the file's order counts once it names all of them
            columns["position"] = place if whole else len(known) + place
        shown: dict[str, object] = {"name": entry.name, "source": source.name}
        if row is None:
            values = {"id": new_id("SRC"), "agency_id": agency.id, "name": source.name, **columns}
            row = Source(**values)
            desk.called.source[row.id] = f"{entry.name}, {source.name}"
            desk.tables.sources.append(row)
            desk.make(Source, row.model_dump(), "source_added", **shown, kind=row.pickup["kind"])
        else:
            desk.work.change(Source, row, columns, "source_changed", shown)
            for column, value in columns.items():  # the contradictions are looked for in what will be
                setattr(row, column, value)
        desk.work.keys[row.id] = where
        if source.software:
            _software(desk, f"{where}.software", row.id, source.software)


def _columns(desk: Desk, entry: SourceEntry) -> dict[str, Any]:
    columns = desk.wanted(entry, "active", "strict", always=["active"])
    for name, box in (("pickup", entry.pickup), ("returns", entry.returns)):
        columns |= {name: box.settings(desk.folder)} if box is not None else {}
    if "tolerances" in entry.model_fields_set or desk.said.complete:
        columns["tolerances"] = list(entry.tolerances)
    if entry.software:
        columns["salvage_agreed"] = entry.software.salvage_agreed  # what one software agreed to, the next one did not
    return columns


def _software(desk: Desk, key: str, source_id: str, entry: SoftwareEntry) -> None:
    """A declaration holds until the next one. Without a day, the first was always so and another begins today."""
    values = {"source_id": source_id, "developer": entry.developer, "name": entry.name, "version": entry.version}
    known = desk.facts.of(DeclaredSoftware, source_id)
    lasting = desk.facts.lasting(DeclaredSoftware, source_id)
    said = "start" in entry.model_fields_set or "from" in entry.model_fields_set
    same = [fact for fact in lasting if all(fact[name] == value for name, value in values.items())]
    if same and not said:
        desk.facts.mention(DeclaredSoftware, same[0])
        return
    start = entry.start if said else (desk.today if known else ALWAYS)
    if not entry.retract:
        for fact in lasting:
            if fact["valid_from"] < start and fact not in same:
                desk.facts.end(DeclaredSoftware, fact, start - timedelta(days=1))
    desk.facts.say(key, DeclaredSoftware, entry.model_copy(update={"start": start}), values)


def stop_the_rest(desk: Desk) -> None:
    """The file is complete: sources and agencies it does not mention are no longer looked at."""
    for source in desk.tables.sources:
        if source.active and source.id not in desk.work.keys:
            shown: dict[str, object] = {"name": desk.called.agency[source.agency_id], "source": source.name}
            desk.work.change(Source, source, {"active": False}, "source_ended", shown, CLOSE)
            source.active = False
    for row in desk.tables.agencies:
        if row.active and f"agency[{row.name}]" not in desk.work.seen:
            desk.work.change(Agency, row, {"active": False}, "agency_ended", {"name": row.name}, CLOSE)
