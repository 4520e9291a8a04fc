"""Agencies beside each other, with numbers that look alike: whatever an agency or the payer mixes up ends refused,
held or with its owner, and nothing of one agency ever lies in another one's returns."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.returns import Fact, ReturnHouse, parcel, recev, statement
from support.town import Agency, Town, town, zipped

from gateway.models import Reply, Request, TransmissionNumber
from gateway.stages.loop import WorkLoop
from gateway.states import RequestState

ALIKE = ("18001", "18010", "18100", "10018", "18011", "11018", "18081", "18018", "10081", "18000")
PEOPLE = {"18001": "personal:231236", "18010": "personal:231237", "18100": "personal:231238"}


# -- the whole way, over real SFTP --


@dataclass
class Street:
    """Three agencies after a day on which everybody mixed everything up."""

    place: Town
    first: Agency
    second: Agency
    third: Agency

    def ids(self, agency: Agency) -> set[bytes]:
        """Everything by which an agency's own things are known."""
        found = {agency.name.encode(), agency.account.partition(":")[2].encode(), f"_{agency.number}_".encode()}
        for table in ("batch", "request", "reply"):
            query = f"select t.id from {table} t join agency a on a.id = t.agency_id where a.name = ?"
            found |= {row["id"].encode() for row in self.place.rows(query, agency.name)}
        return found

    def held(self, kind: str) -> list[str]:
        rows = self.place.rows("select reason from reply where state = 'HELD' and kind = ?", kind)
        return sorted(row["reason"] for row in rows)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with town(tmp_path_factory.mktemp("street"), PEOPLE) as place:
        first, second, third = place.agencies.values()
        for agency in (first, second, third):
            agency.deposit("lot.xml", agency.lot(request_number="D-1"))
        first.deposit("sender.xml", first.lot(seed=2, agency=second.number))
        first.deposit("account.xml", first.lot(seed=3, account=second.account, practice=second.practice))
        first.deposit("both.xml", second.lot(seed=4))
        first.deposit(f"recev_{second.number}_D-1.xml", first.lot(seed=5))
        members = {f"{second.number}.xml": first.lot(seed=6), f"{second.number}/x.xml": second.lot(seed=7)}
        first.deposit(f"{second.number}.zip", zipped(members))
        place.settle()
        _misdelivered(place, second, first, "recev_*.xml", "D-1.recev.xml")
        place.payer.issue_statements(date(2026, 11, 2))
        _swapped(place, first, third)
        _misdelivered(place, second, first, f"../../payeur/users/{second.number}/retour/EC_*.zip", "EC_18001_X.zip")
        place.settle()
        yield Street(place, first, second, third)


def _misdelivered(place: Town, whose: Agency, to: Agency, found: str, name: str) -> None:
    """The payer lays a copy of what is one agency's into another one's return box."""
    (own,) = (whose.home / "retours").glob(found)
    shutil.copy(own, place.payer.returns(to.number) / name)


def _swapped(place: Town, one: Agency, other: Agency) -> None:
    """The payer mistakes one return box for the other."""
    boxes = [place.payer.returns(agency.number) for agency in (one, other)]
    aside = boxes[0].with_name("aside")
    boxes[0].rename(aside)
    boxes[1].rename(boxes[0])
    aside.rename(boxes[1])


def test_everybodys_own_lot_of_the_same_name_and_number_goes_its_own_way(street: Street) -> None:
    for agency in (street.first, street.second, street.third):
        assert street.place.states(agency)["lot.xml"] == ("RECEIVABLE", None)
    sent = [(deposit.number, deposit.name, deposit.processed) for deposit in street.place.payer.journal()]
    assert {("18001", "D-1.xml", 1), ("18010", "D-1.xml", 1), ("18100", "D-1.xml", 1)} <= set(sent)


def test_what_names_another_agency_never_leaves(street: Street) -> None:
    states = street.place.states(street.first)
    assert states["sender.xml"] == states["both.xml"] == ("REFUSED", "FOREIGN_NUMBER")
    assert states["account.xml"] == ("HELD", "ACCOUNT_OTHER_AGENCY")
    assert states["recev_18010_D-1.xml"] == ("RECEIVABLE", None)  # a file's name says nothing
    rows = street.place.rows("select member, state, number from request where member is not null")
    assert {(row["member"], row["state"]) for row in rows} == {
        ("18010.xml", "RECEIVABLE"),
        ("18010/x.xml", "REFUSED"),
    }
    assert [deposit.name for deposit in street.place.payer.journal() if deposit.number == "18010"] == ["D-1.xml"]


def test_what_the_payer_mixed_up_is_held_for_a_person(street: Street) -> None:
    assert street.held("receivability") == ["invoice_unknown"] or street.held("receivability") == ["reply_contradicts"]
    assert street.held("statement") == ["number_disagrees"] * 3


def test_nothing_of_another_agency_lies_in_anybodys_returns(street: Street) -> None:
    everyone = (street.first, street.second, street.third)
    for agency in everyone:
        foreign = set().union(*(street.ids(other) for other in everyone if other is not agency))
        for name, data in agency.returned().items():
            whole = name.encode() + b"\n" + data
            allowed = {b"_18010_"} if b"recev_18010_D-1.xml" in data else set()  # the agency's own file name
            assert not [token for token in foreign - allowed if token in whole], name


# -- the way back, in memory --


@dataclass
class Mail:
    """One file the payer leaves, and whose it is. `owner` None: nobody may get it."""

    name: str
    data: bytes
    box: str
    tag: str  # in the document, and in no other
    owner: str | None


@dataclass
class Crowd:
    """Ten agencies, and the payer's mail for them."""

    house: ReturnHouse
    draw: random.Random
    accounts: dict[str, str] = field(default_factory=dict)
    mail: list[Mail] = field(default_factory=list)

    def agency(self, number: str) -> str:
        return f"AGE-{ALIKE.index(number) + 1}"

    def settle(self, requests: int) -> None:
        for place, number in enumerate(ALIKE):
            self.accounts[number] = f"2312{34 + place}"
            if place:
                self.house.agency(self.agency(number), number)
                self.house.account(f"personal:{self.accounts[number]}", self.agency(number))
            for turn in range(requests):
                self.house.transmitted(f"D-{turn}", ["F-1"], agency=self.agency(number), under=number)

    def reply(self, number: str, turn: int, wrong: str | None) -> None:
        """The answer to D-<turn>; every agency has a request and an invoice of that number."""
        other = self.draw.choice([n for n in ALIKE if n != number])
        tag = f"{ALIKE.index(number):03d}{turn:08d}"
        asked = "D-99" if wrong == "request" else f"D-{turn}"
        invoice = "F-9" if wrong == "invoice" else "F-1"
        name = f"D-{turn + 1}.xml" if wrong == "name" else f"D-{turn}.recev.xml"
        data = recev(asked, Fact(invoice, tag)).encode()
        self.mail.append(Mail(name, data, number, tag, None if wrong else self.agency(number)))
        assert other != number

    def statement(self, number: str, turn: int, wrong: str | None) -> None:
        other = self.draw.choice([n for n in ALIKE if n != number])
        inside = other if wrong == "inside" else number
        account = self.accounts[other if wrong == "account" else number]
        envelope = other if wrong == "envelope" else number
        tag = f"EC-{number}-{turn}"
        text = statement(tag).replace("<no_trnsm>18001", f"<no_trnsm>{inside}")
        text = text.replace("<id_prof>231234", f"<id_prof>{account}", 1)
        box = other if wrong == "box" else number
        name = f"EC_{envelope}_2026-10-08_{turn}.zip"
        self.mail.append(Mail(name, text.encode(), box, tag, None if wrong else self.agency(number)))

    def leave(self) -> None:
        """In any order: replies one by one, right statements in one parcel of each number, wrong ones by themselves."""
        self.draw.shuffle(self.mail)
        parcels: dict[str, dict[str, bytes]] = {}
        for mail in self.mail:
            if not mail.name.startswith("EC_"):
                self.house.left(mail.name, mail.data, mail.box)
            elif mail.owner is None:
                self.house.left(mail.name, parcel(EC=mail.data), mail.box)
            else:
                parcels.setdefault(mail.box, {})[mail.tag] = mail.data
        for number, members in parcels.items():
            self.house.left(f"EC_{number}_2026-10-08.zip", parcel(**members), number)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ReturnHouse]:
    house = ReturnHouse(tmp_path)
    yield house
    house.close()


def loop(house: ReturnHouse) -> WorkLoop:
    return WorkLoop(house.rooms, [house.receive, house.match, house.distribute])


def test_of_two_hundred_shuffled_returns_none_goes_to_a_stranger(house: ReturnHouse) -> None:
    crowd = Crowd(house, random.Random(20261102))
    crowd.settle(requests=10)
    kinds = [("reply", n, t) for n in ALIKE for t in range(10)] + [
        ("statement", n, t) for n in ALIKE for t in range(10)
    ]
    wrongs = iter(
        ["request", "invoice", "name", "request", "invoice", "inside", "account", "envelope", "box", "account"]
    )
    bad = {*crowd.draw.sample(range(100), 5), *crowd.draw.sample(range(100, 200), 5)}
    for place, (kind, number, turn) in enumerate(kinds):
        wrong = next(wrongs) if place in bad else None
        (crowd.reply if kind == "reply" else crowd.statement)(number, turn, wrong)
    crowd.leave()
    for number in ALIKE:
        house.fetched(number)
        house.matched(number)
    replies, known = house.all(Reply), {(mail.box, mail.data): mail for mail in crowd.mail}
    for reply in replies:
        mail = known[(reply.number, house.kept(reply.archive_ref))]
        assert (reply.agency_id, reply.state) == (mail.owner, "MATCHED" if mail.owner else "HELD"), mail
    assert len(replies) == 200
    assert [request.state for request in house.all(Request)].count("RECEIVABLE") == 95
    for place, number in list(enumerate(ALIKE, 1))[:2]:
        house.distributed(f"SRC-{place}")
        got = b"".join(house.at_the_agency(f"SRC-{place}").values())
        own = {mail.tag for mail in crowd.mail if mail.tag.encode() + b"<" in got}
        assert own == {mail.tag for mail in crowd.mail if mail.owner == crowd.agency(number)}


# -- a number that passes from one agency to another --


def passes_on(house: ReturnHouse, day: date) -> None:
    """18001 is the first agency's until the day before, and the second one's from that day on."""
    house.number_until("NUM-18001", day - timedelta(days=1))
    house.add(
        TransmissionNumber(
            id="NUM-2",
            payer="sandbox",
            number="18001",
            agency_id="AGE-2",
            valid_from=day,
            recorded_at=house.clock.now(),
        )
    )


@pytest.fixture
def heirs(house: ReturnHouse) -> ReturnHouse:
    """Both agencies sent a D-1 with an F-1 under the same number, before and after it changed hands."""
    house.agency("AGE-2", None)
    house.account("personal:231237", "AGE-2")
    house.transmitted("D-1", ["F-1"])
    passes_on(house, date(2026, 10, 9))
    house.later(days=10)
    return house


def delivered(house: ReturnHouse) -> tuple[int, int]:
    loop(house).once()
    return len(house.at_the_agency("SRC-1")), len(house.at_the_agency("SRC-2"))


def test_a_late_reply_belongs_to_whoever_asked(heirs: ReturnHouse) -> None:
    (reply,) = heirs.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000101")))
    assert (reply.state, reply.agency_id) == ("MATCHED", "AGE-1")
    assert delivered(heirs) == (3, 0)


def test_a_reply_that_two_holders_of_a_number_may_wait_for_is_held(heirs: ReturnHouse) -> None:
    heirs.transmitted("D-1", ["F-1"], agency="AGE-2")
    (reply,) = heirs.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000101")))
    assert (reply.state, reply.reason, reply.agency_id) == ("HELD", "request_ambiguous", None)
    assert delivered(heirs) == (0, 0)


@pytest.mark.parametrize("fact", [Fact("F-1", "00000000101"), Fact("F-1", code="9901")])
def test_an_answer_said_again_is_not_the_next_holders(heirs: ReturnHouse, fact: Fact) -> None:
    heirs.answered("D-1.recev.xml", recev("D-1", fact))
    later = heirs.transmitted("D-1", ["F-1"], agency="AGE-2")
    assert delivered(heirs) == (3, 0)
    heirs.answered("D-1.recev.xml", recev("D-1", fact))
    assert delivered(heirs) == (3, 0)
    assert heirs.now(later).state == RequestState.TRANSMITTED


def test_the_next_holders_own_answer_reaches_it(heirs: ReturnHouse) -> None:
    heirs.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000101")))
    heirs.transmitted("D-1", ["F-1"], agency="AGE-2")
    heirs.answered("D-1.recev.xml", recev("D-1", Fact("F-1", "00000000909")))
    assert delivered(heirs) == (3, 3)


def test_a_statement_about_the_time_before_reaches_nobody_by_itself(heirs: ReturnHouse) -> None:
    other: dict[str, Any] = {"<id_prof>231234": "<id_prof>231237"}
    for number, text in (("EC-1", statement("EC-1")), ("EC-2", statement("EC-2", **other))):
        heirs.answered(f"EC_18001_2026-10-08_{number}.zip", parcel(EC=text))
    assert sorted(str(r.reason) for r in heirs.all(Reply)) == ["number_reassigned", "statement_other_agency"]
    assert delivered(heirs) == (0, 0)
