"""Compares what a registry file says of developers, practitioners and groups with what is known."""

from __future__ import annotations

from gateway.identifiers import new_id
from gateway.models import (
    Developer,
    GroupMember,
    PracticeGroup,
    PracticeNumber,
    Practitioner,
    PractitionerStanding,
    Software,
)
from gateway.registry.desk import Desk
from gateway.registry.file import DeveloperEntry, GroupEntry, PractitionerEntry


def developer(desk: Desk, entry: DeveloperEntry) -> None:
    """One [[developer]] and the software the payer recognises of it."""
    key = f"developer[{entry.number}]"
    if not desk.work.first(key):
        return
    known = desk.developers.get(entry.number)
    if known is None:
        desk.developers[entry.number] = True
        values = {"id": entry.number, "name": entry.name}
        desk.make(Developer, values, "developer_added", number=entry.number, name=entry.name)
    else:
        desk.work.change(Developer, known, {"name": entry.name}, "developer_changed", {"number": entry.number})
    for version in entry.software:
        values = {"developer_id": entry.number, "name": version.name, "version": version.version}
        desk.facts.say(f"{key}.software[{version.name}]", Software, version, values)


def practitioner(desk: Desk, entry: PractitionerEntry) -> None:
    """One [[practitioner]]: other forms of its number, and its standing."""
    key = f"practitioner[{entry.number}]"
    if not desk.work.first(key):
        return
    known = desk.practitioners.get(entry.number)
    if known is None:
        desk.practitioners[entry.number] = True
        values = {name: getattr(entry, name) for name in ("name", "profession", "class_digit")}
        desk.make(
            Practitioner,
            {"id": entry.number, **values},
            "practitioner_added",
            number=entry.number,
            profession=entry.profession,
        )
    else:
        wanted = desk.wanted(entry, "name", "profession", "class_digit")
        desk.work.change(Practitioner, known, wanted, "practitioner_changed", {"number": entry.number})
    for other in entry.other_numbers:
        values = {"number": other.number, "practitioner_id": entry.number}
        desk.facts.say(f"{key}.other_number[{other.number}]", PracticeNumber, other, values)
    for standing in entry.standings:
        values = {"practitioner_id": entry.number, "standing": standing.standing}
        desk.facts.say(f"{key}.standing[{standing.standing}]", PractitionerStanding, standing, values)


def group(desk: Desk, entry: GroupEntry) -> None:
    """One [[group]] and its members."""
    key = f"group[{entry.name}]"
    if not desk.work.first(key):
        return
    if entry.name not in desk.groups:
        id_ = desk.groups[entry.name] = new_id("GRP")
        desk.called.group[id_] = entry.name
        desk.make(PracticeGroup, {"id": id_, "name": entry.name}, "group_added", name=entry.name)
    for member in entry.members:
        where = f"{key}.member[{member.practitioner}]"
        if member.practitioner not in desk.practitioners:
            desk.work.refuse("practitioner_unknown", where, number=member.practitioner)
            continue
        values = {"group_id": desk.groups[entry.name], "practitioner_id": member.practitioner}
        desk.facts.say(where, GroupMember, member, values)
