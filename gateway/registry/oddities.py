"""What may be true of a registry but is odd: a warning each, and never a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from gateway.models import (
    AccountPractitioner,
    Accreditation,
    DeclaredSoftware,
    GroupMember,
    Mandate,
    PracticeNumber,
    Software,
    StatementCoordinates,
)
from gateway.models.facts import Fact
from gateway.registry.dated import Values
from gateway.registry.desk import Desk


def find_oddities(desk: Desk) -> None:
    """Only of what the file speaks of."""
    _agencies(desk)
    _signatures(desk)
    _groups(desk)
    _coordinates(desk)
    _long_numbers(desk)
    _software(desk)


def _agencies(desk: Desk) -> None:
    for agency in desk.said.agencies:
        for number in agency.numbers:
            if number.payer not in agency.payers and agency.payers:
                desk.work.warn("payer_not_used", "", name=agency.name, number=number.number, payer=number.payer)
        for source in agency.sources:
            if source.pickup is None or source.pickup.kind != "folder":
                continue
            folder = source.pickup.settings(desk.folder)["path"]
            if not Path(folder).is_dir():
                desk.work.warn("folder_missing", "", name=agency.name, source=source.name, folder=folder)


def _signatures(desk: Desk) -> None:
    """A commercial agency's mandate for a group's account is signed by every user of the account (letter 003)."""
    for fact in _said(desk, Accreditation):
        account = desk.accounts[fact["account_id"]]
        agency = desk.agency(fact["agency_id"])
        if account.kind != "admin_collective" or agency.kind != "commercial":
            continue
        mandates = [m for m in desk.facts.of(Mandate, account.id) if m["agency_id"] == fact["agency_id"]]
        signed = {desk.person(number) for mandate in mandates for number in mandate["signatories"]}
        users = {desk.person(user["practice"]) for user in desk.facts.lasting(AccountPractitioner, account.id)}
        if missing := sorted(users - signed):
            key = desk.work.keys[fact["id"]]
            desk.work.warn("signatures_missing", key, account=account.id, agency=agency.name, missing=missing)


def _groups(desk: Desk) -> None:
    """One joins the agency of a place of practice as a member of the group that made it (letter 003)."""
    for fact in _said(desk, Accreditation):
        agency = desk.agency(fact["agency_id"])
        if agency.group_id is None:
            continue
        members = {member["practitioner_id"] for member in desk.facts.lasting(GroupMember, agency.group_id)}
        users = desk.facts.lasting(AccountPractitioner, fact["account_id"])
        strangers = sorted({desk.person(user["practice"]) for user in users} - members)
        if strangers:
            key, group = desk.work.keys[fact["id"]], desk.called.group[agency.group_id]
            desk.work.warn("not_of_the_group", key, agency=agency.name, group=group, numbers=strangers)


def _coordinates(desk: Desk) -> None:
    """Statements go to the accredited agency (letters 001 and 003)."""
    for fact in _said(desk, StatementCoordinates):
        if fact["agency_id"] is None:
            continue
        held = [
            one
            for one in desk.facts.of(Accreditation, fact["account_id"])
            if one["agency_id"] == fact["agency_id"]
            and max(one["valid_from"], fact["valid_from"]) <= min(_end(one), _end(fact))
        ]
        if not held:
            key, agency = desk.work.keys[fact["id"]], desk.agency(fact["agency_id"])
            desk.work.warn("coordinates_elsewhere", key, account=fact["account_id"], agency=agency.name)


def _long_numbers(desk: Desk) -> None:
    """The long form of a number begins like the short one, as far as is known (DOMAIN section 4)."""
    for fact in _said(desk, PracticeNumber):
        short, long = sorted((fact["number"], fact["practitioner_id"]), key=len)
        if len(short) < len(long) and not long.startswith(short):
            desk.work.warn("long_number_differs", desk.work.keys[fact["id"]], short=short, long=long)


def _software(desk: Desk) -> None:
    """What is declared should be a version the payer recognises, where its developer is in the registry."""
    for fact in _said(desk, DeclaredSoftware):
        if fact["developer"] not in desk.developers:
            continue
        known = {(one["name"], one["version"]) for one in desk.facts.of(Software, fact["developer"])}
        if (fact["name"], fact["version"]) not in known:
            what = " ".join(filter(None, (fact["name"], fact["version"])))
            desk.work.warn(
                "software_not_recognised", desk.work.keys[fact["id"]], software=what, number=fact["developer"]
            )


def _said(desk: Desk, family: type[Fact]) -> Iterator[Values]:
    """The facts of a family that the file speaks of and that stay."""
    for _, facts in desk.facts.after(family):
        yield from (fact for fact in facts if fact["id"] in desk.work.keys)


def _end(fact: Values) -> date:
    last: date | None = fact["valid_to"]
    return last or date.max
