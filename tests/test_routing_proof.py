"""A thousand statements in no order, over thirty agencies whose numbers look alike: each to its owner, or held."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from support.returns import ReturnHouse, parcel, statement

from gateway.models import Account, Accreditation, Invoice, Reply, TransmissionNumber
from gateway.models.facts import ALWAYS
from gateway.stages.match import statements

HOW_MANY = 1000
EARLY, BEFORE, CHANGE, AFTER = date(2018, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2026, 9, 15)
# Leading zeros, the same digits shifted, swapped, doubled, prefixes of each other once zeros are dropped.
NUMBERS = [
    "00180", "00181", "01800", "01801", "18000", "18001", "18010", "18100", "10018", "10180",
    "11800", "81001", "80010", "00018", "00811", "08100", "10081", "10810", "18011", "18101",
    "18110", "10801", "01018", "01081", "00108", "00810", "08010", "08011", "11080", "11081",
]  # fmt: skip
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Case:
    """One statement, what is written on and in it, and whose it must be (None: nobody's)."""

    name: str
    under: str  # the credential that fetches it
    inside: str
    outside: str
    account: str
    dated: date
    owner: str | None


class Town:
    """Thirty agencies; accounts that look alike, every fifth of which changed agency, and two numbers that did."""

    def __init__(self, house: ReturnHouse) -> None:
        self.house, self.agencies = house, [f"AGE-{place:02}" for place in range(len(NUMBERS))]
        self.number = dict(zip(self.agencies, NUMBERS, strict=True))
        self.holds: dict[str, list[tuple[str, date, date | None]]] = {}
        rows: list[Any] = []
        for agency, number in self.number.items():
            house.agency(agency, None)
            handed = number in ("00811", "81001")  # from the agency before it, on the day of the change
            rows.append(self._number(number, agency, CHANGE if handed else EARLY, None))
            if handed:
                rows.append(self._number(number, self._next(agency), EARLY, BEFORE))
        for place in range(90):
            rows += self._account(place)
        with house.store.write() as tx:
            tx.session.add_all(row for row in rows if isinstance(row, Account))
            tx.session.flush()
            tx.session.add_all(row for row in rows if not isinstance(row, Account))

    def _next(self, agency: str, by: int = 1) -> str:
        return self.agencies[(self.agencies.index(agency) + by) % len(self.agencies)]

    def _number(self, number: str, agency: str, since: date, to: date | None) -> TransmissionNumber:
        days: dict[str, Any] = {"valid_from": since, "valid_to": to, "recorded_at": self.house.clock.now()}
        return TransmissionNumber(id=f"NUM-{number}-{agency}", payer="sandbox", number=number, agency_id=agency, **days)

    def _account(self, place: int) -> Iterator[Any]:
        """`admin:00012`, `admin:00120`, `admin:01200` …, and personal ones of 6 digits and of 7 that begin alike."""
        stem = f"{place // 3 + 10}"
        shapes = (f"admin:{stem:0>5}", f"admin:{stem:0<5}", f"personal:2{stem:0>5}")
        account, agency = shapes[place % 3], self.agencies[place % 30]
        if place % 9 == 8:
            account += "0"
        kind = "personal" if account.startswith("p") else "admin_individual"
        yield Account(id=account, kind=kind, recorded_at=self.house.clock.now())
        ends = [(agency, EARLY, BEFORE), (self._next(agency, 7), CHANGE, None)] if place % 5 == 0 else []
        self.holds[account] = ends or [(agency, EARLY, None)]
        for holder, since, to in self.holds[account]:
            days: dict[str, Any] = {"valid_from": since, "valid_to": to, "recorded_at": self.house.clock.now()}
            yield Accreditation(id=f"ACC-{account}-{holder}", account_id=account, agency_id=holder, **days)

    def owner(self, account: str, day: date) -> str | None:
        """By the lists above, not by the registry."""
        found = [a for a, since, to in self.holds.get(account, ()) if since <= day <= (to or date.max)]
        return found[0] if len(found) == 1 else None


def cases(town: Town, dice: random.Random) -> list[Case]:
    """Statements as they should be; every twentieth is made to contradict itself in one of six ways."""
    made: list[Case] = []
    for place in range(HOW_MANY):
        account = dice.choice(sorted(town.holds))
        dated = dice.choice((BEFORE, CHANGE, AFTER))
        owner = town.owner(account, dated)
        assert owner is not None
        number = town.number[owner]
        moved = number in ("00811", "81001") and dated < CHANGE  # it was another agency's then
        case = Case(f"EC-{place:04}", number, number, number, account, dated, None if moved else owner)
        made.append(case if place % 20 else replace(contradict(case, town, place // 20), owner=None))
    dice.shuffle(made)
    return made


def contradict(case: Case, town: Town, turn: int) -> Case:
    """One thing about it does not agree with the others."""
    other = next(n for n in NUMBERS if n != case.under and town.owner(case.account, case.dated) != holder(town, n))
    return (
        replace(case, inside=other),
        replace(case, outside=other),
        replace(case, inside=case.inside.translate(WIDE)),
        replace(case, outside=f"{case.outside} "),
        replace(case, under=other, inside=other, outside=other),  # all agree, but for whose account it is
        replace(case, account=case.account[:-2] + "77"),  # looks alike, and nobody knows it
    )[turn % 6]


def holder(town: Town, number: str) -> str:
    return next(agency for agency, own in town.number.items() if own == number)


def written(case: Case) -> str:
    """The statement's document: the sample, with its own number, date, credential and account."""
    kind, _, digits = case.account.partition(":")
    own = f"<typ_moda_paimt>1</typ_moda_paimt><id_prof>{digits}</id_prof>"
    if kind == "admin":
        own = f"<typ_moda_paimt>2</typ_moda_paimt><no_cpte_admin>{digits}</no_cpte_admin>"
    text = TEMPLATE.replace("EC-0", case.name).replace("<dat_etat_compte>2026-10-08", f"<dat_etat_compte>{case.dated}")
    text = text.replace("<no_trnsm>18001", f"<no_trnsm>{case.inside}")
    return re.sub(r"<compte>.*?</compte>", f"<compte>{own}</compte>", text, flags=re.S)


def with_entries(text: str, entries: list[str]) -> str:
    """A sample statement with other entries, each of 45 dollars, and sums that tie."""
    text = re.sub(
        r"<liste_entree>.*</liste_entree>", f"<liste_entree>{''.join(entries)}</liste_entree>", text, flags=re.S
    )
    total = 4500 * len(entries)
    text = text.replace("<nb_entree>5", f"<nb_entree>{len(entries)}").replace("109.40", f"{total / 100:.2f}")
    return text.replace("116.00", f"{(total + 1200 - 540) / 100:.2f}")


FIRST = re.findall(r"<entree>.*?</entree>", statement(), re.S)[0]
TEMPLATE = with_entries(
    statement("EC-0"), ["<entree><typ_entree>AJUST</typ_entree><mnt_paie>45.00</mnt_paie></entree>"]
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


@pytest.mark.timeout(400)
def test_each_of_a_thousand_statements_goes_to_its_owner_or_is_held(tmp_path: Path) -> None:
    house = ReturnHouse(tmp_path)
    with house.store.write() as tx:  # the house's own agency is not of this town
        tx.session.get_one(TransmissionNumber, "NUM-18001").superseded_at = tx.now
    town = Town(house)
    every = cases(town, random.Random(20261008))
    assert sum(case.owner is None for case in every) >= HOW_MANY // 20
    parcels: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in every:
        parcels[case.under, case.outside].append(case)
    for (under, outside), inside in parcels.items():
        house.left(f"EC_{outside}_2026-10-08.zip", parcel(**{case.name: written(case) for case in inside}), under)
    for number in NUMBERS:
        house.fetched(number)
        house.matched(number)
    found = {reply.name.removesuffix(".xml"): reply for reply in house.all(Reply)}
    wrong = [case for case in every if found[case.name].agency_id != case.owner]
    assert wrong == []
    assert {found[case.name].state for case in every if case.owner is None} == {"HELD"}
    for agency in town.agencies[::10]:  # a reply's agency is what it is delivered by (tests/test_distribute.py)
        house.distributed(agency.replace("AGE", "SRC"))
        mine = {case.name for case in every if case.owner == agency}
        lying = {name.split("_")[2] for name in house.at_the_agency(agency.replace("AGE", "SRC"))}
        assert lying == mine, agency
    house.close()


def queries(house: ReturnHouse, entries: int) -> int:
    """How many queries routing a statement of so many entries takes, of which every second is a former agency's. Not
    counted: that a transaction takes its turn, once for each piece of a long statement that is written ahead."""
    each = [
        FIRST.replace("00000000101", f"{entries + n:011}").replace("F-0001", f"F-{entries + n}") for n in range(entries)
    ]
    text = with_entries(statement(f"EC-{entries}"), each)
    with house.store.write() as tx:
        for n in range(entries):
            known = Invoice(
                id=f"FAC-{entries}-{n}", agency_id="AGE-1" if n % 2 else "AGE-2", payer="sandbox", request_id="DEM-0",
                ordinal=n, batch_id="LOT-0", no_fact_ramq=f"{entries + n:011}", account="personal:231234",
            )  # fmt: skip
            tx.session.add(known)
    house.left(f"EC_18001_{entries}.zip", parcel(EC=text))
    house.fetched()
    asked: list[str] = []

    def count(_c: Any, _x: Any, sql: str, *_: Any) -> None:
        asked.append(sql)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert house.matched().worked == 1
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    turns = sum(sql.startswith("SELECT chain_head.id") for sql in asked)
    return sum(sql.lstrip().upper().startswith("SELECT") for sql in asked) - turns


def test_routing_a_statement_asks_as_many_queries_however_many_entries_it_has(
    house: ReturnHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "IN_ONE", 500)  # the longest one is written in pieces
    house.agency("AGE-2", "18002")
    with house.store.write() as tx:
        days: dict[str, Any] = {"valid_from": ALWAYS, "valid_to": date(2016, 6, 30), "recorded_at": tx.now}
        tx.session.add(Accreditation(id="ACC-before", account_id="personal:231234", agency_id="AGE-2", **days))
    queries(house, 10)  # reads the registry, once while it does not change
    few = queries(house, 40)
    assert queries(house, 1200) == few
    extracts = house.replies("extract")
    assert [reply.facts["entries_total"] for reply in extracts] == [5, 20, 600]
