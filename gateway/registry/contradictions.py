"""What a registry cannot hold: two values for one thing on one day, mailboxes that mix agencies up, unknown payers."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from gateway.catalog import Catalog
from gateway.config import Config
from gateway.config.strict import nearest
from gateway.identifiers import is_test_number
from gateway.models import (
    AccountChannel,
    Accreditation,
    AgencyStanding,
    PracticeNumber,
    Source,
    TransmissionNumber,
)
from gateway.models.facts import Fact
from gateway.registry.dated import Values
from gateway.registry.desk import Desk
from gateway.registry.file import AgencyEntry
from gateway.registry.severities import refuse_wishes
from gateway.registry.steps import Work

Place = tuple[str, ...]


def find_contradictions(desk: Desk, config: Config, catalog: Catalog) -> None:
    """Refuse what the registry, as it would be, could not answer for. What was so before is not this file's fault."""
    for agency in desk.said.agencies:
        _payers(desk.work, agency, config)
        refuse_wishes(desk.work, agency, catalog)
    for family in Fact.__subclasses__():
        if family.ONE:
            _one_value(desk, family)
    _accreditations(desk)
    _numbers_of_people(desk)
    _mailboxes(desk)


def _payers(work: Work, agency: AgencyEntry, config: Config) -> None:
    key = f"agency[{agency.name}]"
    for name in dict.fromkeys((*agency.payers, *(number.payer for number in agency.numbers))):
        if name not in config.payer_names:
            work.refuse("payer_unknown", key, payer=name, near=nearest(name, config.payer_names))
    for number in agency.numbers:
        if number.payer not in config.payer_names or number.retract:
            continue
        is_test = config.payer(number.payer).environment == "test"
        if is_test_number(number.number) != is_test:
            why = "number_not_test" if is_test else "number_is_test"
            work.refuse(why, f"{key}.number[{number.number}]", payer=number.payer, number=number.number)


def _one_value(desk: Desk, family: type[Fact]) -> None:
    """No day on which one thing is in two agencies' hands, or a person in two standings."""
    for _, facts in desk.facts.after(family):
        if not any(fact["id"] in desk.work.keys for fact in facts):
            continue
        for one, other in _overlaps(facts):
            if any(one[name] != other[name] for name in family.VALUE):
                _refuse_two(desk, family, one, other)


def _overlaps(facts: list[Values]) -> Iterator[tuple[Values, Values]]:
    """Every two facts that hold on a same day."""
    running: list[Values] = []
    for fact in sorted(facts, key=lambda fact: (fact["valid_from"], fact["id"])):
        running = [one for one in running if _end(one) >= fact["valid_from"]]
        yield from ((one, fact) for one in running)
        running.append(fact)


def _refuse_two(desk: Desk, family: type[Fact], one: Values, other: Values) -> None:
    """`other` begins last, on the first day they share; the key is the file's last word on either."""
    said = [row_id for row_id in desk.work.keys if row_id in (one["id"], other["id"])]
    if not said:
        return
    key, day, agency = desk.work.keys[said[-1]], other["valid_from"], desk.called.agency
    if family is TransmissionNumber:
        names = {"one": agency[one["agency_id"]], "other": agency[other["agency_id"]]}
        desk.work.refuse("number_of_two", key, thing=f"{one['number']} ({one['payer']})", day=day, **names)
    elif family is Accreditation:
        names = {"one": agency[one["agency_id"]], "other": agency[other["agency_id"]]}
        desk.work.refuse("account_of_two", key, thing=one["account_id"], day=day, **names)
    else:
        words = desk.called.words(one)
        thing = ", ".join(str(words.get(name.removesuffix("_id")) or one[name]) for name in family.SUBJECT)
        values = {"one": _value(desk, family, one), "other": _value(desk, family, other)}
        desk.work.refuse("two_values", key, thing=thing, day=day, **values)


def _value(desk: Desk, family: type[Fact], fact: Values) -> str:
    words = desk.called.words(fact)
    return ", ".join(str(words.get(name.removesuffix("_id")) or fact[name] or "–") for name in family.VALUE)


def _accreditations(desk: Desk) -> None:
    """A commercial agency must be recognised (letter 003); an account that also bills with FacturActe must not be tied
    to an agency that has not migrated (letters 000 and 001)."""
    for (account,), facts in desk.facts.after(Accreditation):
        channels = [c for c in desk.facts.of(AccountChannel, account) if c["channel"] == "facturacte"]
        for fact in facts:
            _recognised(desk, fact)
            for channel in channels:
                _not_both(desk, fact, channel)


def _recognised(desk: Desk, fact: Values) -> None:
    agency, key = desk.agency(fact["agency_id"]), desk.work.keys.get(fact["id"])
    if key is None or agency.kind != "commercial":
        return
    for standing in _of(desk.facts.of(AgencyStanding, agency.id), "unrecognised"):
        if day := _shared(fact, standing):
            desk.work.refuse("not_recognised", key, agency=agency.name, day=day)


def _not_both(desk: Desk, fact: Values, channel: Values) -> None:
    agency = desk.agency(fact["agency_id"])
    key = desk.work.keys.get(fact["id"]) or desk.work.keys.get(channel["id"])
    day = _shared(fact, channel)
    if key and day and not any(_holds(s, day) for s in _of(desk.facts.of(AgencyStanding, agency.id), "migrated")):
        facts = {"account": fact["account_id"], "agency": agency.name, "day": day}
        desk.work.refuse("facturacte_not_migrated", key, **facts)


def _of(standings: list[Values], standing: str) -> list[Values]:
    return [fact for fact in standings if fact["standing"] == standing]


def _shared(one: Values, other: Values) -> date | None:
    """The first day both hold."""
    first: date = max(one["valid_from"], other["valid_from"])
    return first if first <= min(_end(one), _end(other)) else None


def _holds(fact: Values, day: date) -> bool:
    return bool(fact["valid_from"] <= day <= _end(fact))


def _end(fact: Values) -> date:
    last: date | None = fact["valid_to"]
    return last or date.max


def _numbers_of_people(desk: Desk) -> None:
    """A number another practitioner is known by is nobody else's; and one person has one personal account."""
    for (number,), facts in desk.facts.after(PracticeNumber):
        for fact in facts:
            person, key = fact["practitioner_id"], desk.work.keys.get(fact["id"])
            if key and number in desk.practitioners and number != person:
                desk.work.refuse("number_of_another", key, number=number)
            names = [f"personal:{number}", f"personal:{person}"]
            key = key or next((f"account[{name}]" for name in names if f"account[{name}]" in desk.work.seen), None)
            if key and number != person and all(name in desk.accounts for name in names):
                desk.work.refuse("two_personal_accounts", key, one=names[0], other=names[1])


def _mailboxes(desk: Desk) -> None:
    """A pickup serves one source and is nobody's returns; returns serve one agency. Otherwise lots or replies mix."""
    active = [source for source in desk.tables.sources if source.active]
    pickups: dict[Place, list[Source]] = defaultdict(list)
    returns: dict[Place, list[Source]] = defaultdict(list)
    for source in active:
        pickups[_place(source.pickup)].append(source)
        returns[_place(source.returns)].append(source)
    for source in active:
        key = desk.work.keys.get(source.id)
        if key is None:
            continue
        place = _place(source.pickup)
        if others := [s for s in (*pickups[place], *returns.get(place, ())) if s is not source]:
            desk.work.refuse("pickup_shared", f"{key}.pickup", other=desk.called.source[others[0].id])
        elif place == _place(source.returns):
            desk.work.refuse("pickup_is_returns", f"{key}.returns")
        if others := [s for s in returns[_place(source.returns)] if s.agency_id != source.agency_id]:
            desk.work.refuse("returns_shared", f"{key}.returns", other=desk.called.source[others[0].id])


def _place(settings: Mapping[str, Any]) -> Place:
    """What tells two mailboxes apart."""
    path = settings.get("path", "")
    if settings.get("kind") == "folder":
        path = os.path.normcase(os.path.normpath(path))
    return (*(str(settings.get(key, "")) for key in ("kind", "host", "port", "user")), path)
