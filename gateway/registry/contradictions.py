"""What a registry cannot hold: two agencies for one thing on one day, mailboxes that mix them up, unknown payers."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import combinations
from typing import Any

from gateway.catalog import Catalog
from gateway.config import Config
from gateway.config.strict import nearest
from gateway.identifiers import is_test_number
from gateway.models import Accreditation, Source, TransmissionNumber
from gateway.registry.file import AgencyEntry, RegistryFile
from gateway.registry.severities import refuse_wishes
from gateway.registry.steps import Work
from gateway.store.registry import Tables

DatedRow = TransmissionNumber | Accreditation
Place = tuple[str, ...]


def find_contradictions(work: Work, said: RegistryFile, after: Tables, config: Config, catalog: Catalog) -> None:
    """Refuse what the registry, as it would be, could not answer for. What was so before is not this file's fault."""
    for agency in said.agencies:
        _payers(work, agency, config)
        refuse_wishes(work, agency, catalog)
    names = {agency.id: agency.name for agency in after.agencies}
    _two_agencies(work, "number_of_two", [(f"{n.number} ({n.payer})", n) for n in after.numbers], names)
    _two_agencies(work, "account_of_two", [(a.account_id, a) for a in after.accreditations], names)
    _mailboxes(work, after, names)


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


def _two_agencies(work: Work, why: str, facts: Iterable[tuple[str, DatedRow]], names: Mapping[str, str]) -> None:
    """No day on which one thing is in two agencies' hands."""
    by_thing: dict[str, list[DatedRow]] = defaultdict(list)
    for thing, fact in facts:
        by_thing[thing].append(fact)
    for thing, rows in by_thing.items():
        for one, other in combinations(rows, 2):
            first, last = max(one.valid_from, other.valid_from), min(_end(one), _end(other))
            if one.agency_id == other.agency_id or first > last:
                continue
            if said := [row_id for row_id in work.keys if row_id in (one.id, other.id)]:  # the file's last word on it
                values = {"one": names[one.agency_id], "other": names[other.agency_id], "day": first}
                work.refuse(why, work.keys[said[-1]], thing=thing, **values)


def _end(row: DatedRow) -> date:
    return row.valid_to or date.max


def _mailboxes(work: Work, after: Tables, names: Mapping[str, str]) -> None:
    """A pickup serves one source and is nobody's returns; returns serve one agency. Otherwise lots or replies mix."""
    active = [source for source in after.sources if source.active]
    pickups: dict[Place, list[Source]] = defaultdict(list)
    returns: dict[Place, list[Source]] = defaultdict(list)
    for source in active:
        pickups[_place(source.pickup)].append(source)
        returns[_place(source.returns)].append(source)
    for source in active:
        key = work.keys.get(source.id)
        if key is None:
            continue
        place = _place(source.pickup)
        if others := [s for s in (*pickups[place], *returns.get(place, ())) if s is not source]:
            work.refuse("pickup_shared", f"{key}.pickup", other=_called(others[0], names))
        elif place == _place(source.returns):
            work.refuse("pickup_is_returns", f"{key}.returns")
        if others := [s for s in returns[_place(source.returns)] if s.agency_id != source.agency_id]:
            work.refuse("returns_shared", f"{key}.returns", other=_called(others[0], names))


def _called(source: Source, names: Mapping[str, str]) -> str:
    return f"{names[source.agency_id]}, {source.name}"


def _place(settings: Mapping[str, Any]) -> Place:
    """What tells two mailboxes apart."""
    path = settings.get("path", "")
    if settings.get("kind") == "folder":
        path = os.path.normcase(os.path.normpath(path))
    return (*(str(settings.get(key, "")) for key in ("kind", "host", "port", "user")), path)
