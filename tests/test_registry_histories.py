"""Random histories of accreditations: one sender a day, no gap in a hand-over, and what was known stays known."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from gateway import catalog
from gateway.clock import FixedClock, today
from gateway.config import Config, GatewayConfig, PayerConfig
from gateway.identifiers import new_id
from gateway.models import Accreditation, Proposal
from gateway.registry import Book, Plan, bring
from gateway.registry.evidence import stands
from gateway.registry.file import RegistryFile
from gateway.registry.proposed import accept
from gateway.registry.timeline import Timeline
from gateway.store import Store, proposals

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(-1, 32)]
AGENCIES, ACCOUNTS = ("Aubépine", "Bouleau", "Cèdre"), ("admin:12345", "personal:231234")
CONFIG = Config(
    GatewayConfig(state_dir=Path("state")),
    (PayerConfig.model_validate({"name": "sandbox", "formats": ["ramq-rfp"], "environment": "test", "host": "h"}),),
)
SETTING = {
    "agency": [{"name": name, "kind": "in_practice"} for name in AGENCIES],
    "account": [{"id": id_, "kind": "personal" if id_[0] == "p" else "admin_individual"} for id_ in ACCOUNTS],
}
day = some.integers(0, 29).map(lambda n: FIRST + timedelta(days=n))


@some.composite
def facts(draw: some.DrawFn) -> dict[str, Any]:
    """One [[accreditation]] as anybody might write it."""
    said: dict[str, Any] = {"account": draw(some.sampled_from(ACCOUNTS)), "agency": draw(some.sampled_from(AGENCIES))}
    said["from"] = draw(day)
    if draw(some.booleans()):
        said["to"] = said["from"] + timedelta(days=draw(some.integers(0, 12)))
    if draw(some.integers(0, 5)) == 0:
        said["retract"] = True
    return said


files = some.lists(facts(), min_size=1, max_size=3)
histories = some.lists(files, min_size=1, max_size=8)
Answers = dict[tuple[str, date], str | None]


class House:
    """A store with three agencies and two accounts, whose clock goes on a day with every file."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self.store, self.clock = store, clock

    def apply(self, accreditations: list[dict[str, Any]], **more: Any) -> Plan:
        said = RegistryFile.model_validate({"accreditation": accreditations, **more})
        return bring(self.store, Path("registre.toml"), said, CONFIG, catalog.Catalog([]))

    def book(self, known_on: date | None = None) -> Book:
        with self.store.read() as tx:
            return Book.load(tx, known_on)

    def answers(self, known_on: date | None = None) -> Answers:
        book = self.book(known_on)
        return {(account, on): book.agency_of(account, on) for account in ACCOUNTS for on in DAYS}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "gateway.db"
    store = Store.open(file, FixedClock(NOON))
    assert House(store, FixedClock(NOON)).apply([], **SETTING).applied
    store.close()
    return file


@contextmanager
def house(template: Path) -> Iterator[House]:
    with TemporaryDirectory() as folder:
        shutil.copy(template, folder)
        clock = FixedClock(NOON)
        clock.advance(timedelta(days=1))
        store = Store.open(Path(folder) / template.name, clock)
        yield House(store, clock)
        store.close()


def quick(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )


@quick(15)
@given(history=histories)
def test_whatever_is_written_an_account_has_one_sender_a_day_and_what_was_known_stays_known(
    template: Path, history: list[list[dict[str, Any]]]
) -> None:
    with house(template) as place:
        known = {}
        for file in history:
            before = place.answers()
            plan = place.apply(file)
            assert plan.applied or plan.refusals or not plan.steps
            if plan.refusals:
                assert place.answers() == before
            else:
                assert place.apply(file).steps == ()
            book = place.book()
            for account in ACCOUNTS:
                for on in DAYS:
                    assert len({fact.agency_id for fact in book.accreditations(account, on)}) <= 1
            known[today(place.clock)] = place.answers()
            place.clock.advance(timedelta(days=1))
        for on, answers in known.items():
            assert place.answers(known_on=on) == answers
        assert set(place.answers(known_on=FIRST).values()) == {None}


@quick(8)
@given(first=day, days=some.integers(1, 20), who=some.permutations(AGENCIES))
def test_a_hand_over_leaves_no_day_without_a_sender(template: Path, first: date, days: int, who: list[str]) -> None:
    with house(template) as place:
        start = date(2020, 1, 1)
        account = ACCOUNTS[0]
        assert place.apply([{"account": account, "agency": who[0], "from": start}]).applied
        closing = {"account": account, "agency": who[0], "from": start, "to": first - timedelta(days=1)}
        assert place.apply([closing, {"account": account, "agency": who[1], "from": first}]).applied
        book = place.book()
        holders = [book.agency(book.agency_of(account, on) or "").name for on in DAYS]
        assert holders == [who[0] if on < first else who[1] for on in DAYS]
        late = {"account": account, "agency": who[2], "from": first + timedelta(days=days)}
        assert place.apply([late]).refusals
        assert place.book().agency_of(account, late["from"]) == book.agency_of(account, late["from"])


@some.composite
def intervals(draw: some.DrawFn) -> Accreditation:
    start = draw(day)
    last = draw(some.none() | some.integers(0, 15).map(lambda n: start + timedelta(days=n)))
    return Accreditation(
        id=f"ACC-{draw(some.integers(0, 10**6))}", account_id="a", agency_id="x", valid_from=start, valid_to=last
    )


@quick(100)
@given(rows=some.lists(intervals(), max_size=8))
def test_a_timeline_says_of_every_day_what_looking_at_every_fact_says(rows: list[Accreditation]) -> None:
    line = Timeline(rows)
    for on in (*DAYS, date.min, date.max):
        naive = [row for row in rows if row.valid_from <= on <= (row.valid_to or date.max)]
        assert sorted(id(fact) for fact in line.on(on)) == sorted(id(row) for row in naive)


@quick(10)
@given(history=histories, account=some.sampled_from(ACCOUNTS), agency=some.sampled_from(AGENCIES), on=day)
def test_an_accepted_proposal_holds_from_its_day_on_and_changes_no_day_before(
    template: Path, history: list[list[dict[str, Any]]], account: str, agency: str, on: date
) -> None:
    with house(template) as place:
        for file in history:
            place.apply(file)
            place.clock.advance(timedelta(days=1))
        book, before = place.book(), place.answers()
        id_ = next(one.id for one in book.agencies() if one.name == agency)
        facts = {"what": "accreditation", "subject": account, "agency_id": id_, "payer": "sandbox", "number": "18001"}
        claim = Proposal(id=new_id("PRO"), since=on, opened_at=place.clock.now(), **facts)
        if not stands(book, claim):
            assert before[account, on] == id_
            return
        with place.store.write() as tx:
            proposals.note(tx, claim, "RET-1", on, lambda known: stands(book, known))
            tx.session.expunge_all()
        plan = accept(place.store, claim, CONFIG, catalog.Catalog([]))
        assert plan.refusals == ()
        after = place.answers()
        assert after[account, on] == id_
        assert all(after[key] == then for key, then in before.items() if key[0] != account or key[1] < on)
        assert not stands(place.book(), claim)
        with place.store.read() as tx:
            assert [one.decision for one in proposals.every(tx, decided=True)] == ["accepted"]
