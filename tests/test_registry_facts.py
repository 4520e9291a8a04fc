"""Facts on two lines of time: the database keeps them, large plans are staged, and what cannot be true is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from support.dying import Killed
from test_registry_histories import CONFIG

from gateway import catalog, platform
from gateway.clock import FixedClock
from gateway.errors import StoreError
from gateway.models import Accreditation
from gateway.models.facts import Fact
from gateway.registry import Book, Plan, bring
from gateway.registry.carrying import IN_ONE
from gateway.registry.file import RegistryFile
from gateway.store import Store, connection, moves, schema
from gateway.store import registry as rows

FILE = Path("registre.toml")
LITE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
DAY = date(2026, 3, 2)


def bringing(store: Store, **said: Any) -> Plan:
    return bring(store, FILE, RegistryFile.model_validate(said), CONFIG, catalog.Catalog([]))


def book(store: Store, known_on: date | None = None) -> Book:
    with store.read() as tx:
        return Book.load(tx, known_on)


def agency(name: str, kind: str = "in_practice", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, **more}


def account(id_: str, kind: str = "personal", *practitioners: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": kind, "practitioners": list(practitioners), **more}


def accreditation(account_: str, name: str, start: date, **more: Any) -> dict[str, Any]:
    return {"account": account_, "agency": name, "from": start, **more}


ONE = {
    "agency": [agency("Tilleuls"), agency("Laurier", "commercial")],
    "account": [account("personal:231234", "personal", "231234")],
    "accreditation": [accreditation("personal:231234", "Tilleuls", date(2020, 1, 1))],
}


# -- the database --


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accreditation SET valid_to = '2026-01-01'",
        "UPDATE accreditation SET agency_id = (SELECT id FROM agency WHERE name = 'Laurier')",
        "UPDATE accreditation SET recorded_at = '2001-01-01 00:00:00'",
        "DELETE FROM accreditation",
    ],
)
def test_the_database_itself_keeps_every_fact_as_it_was_recorded(store: Store, change: str) -> None:
    bringing(store, **ONE)
    with pytest.raises(StoreError, match="registry is never"), store.write() as tx:
        tx.session.execute(text(change))
    assert len(book(store).holders("personal:231234")) == 1


def test_a_fact_is_superseded_once(store: Store) -> None:
    bringing(store, **ONE)
    with store.write() as tx:
        tx.session.execute(text("UPDATE accreditation SET superseded_at = '2026-03-02 17:00:00'"))
    with pytest.raises(StoreError, match="never rewritten"), store.write() as tx:
        tx.session.execute(text("UPDATE accreditation SET superseded_at = NULL"))


def test_every_table_of_facts_is_guarded_and_every_table_of_the_registry_is_noticed(store: Store) -> None:
    bringing(store, **ONE)
    with store.read() as tx:
        names = {row[0] for row in tx.session.execute(text(TRIGGERS[tx.session.get_bind().dialect.name]))}
        assert {f"keep_{family.word()}" for family in Fact.__subclasses__()} <= names
        assert {f"notice_{table}" for table in ("agency", "source", "agency_payer", "account", "accreditation")} <= {
            name.removesuffix("_insert") for name in names
        }


TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger",
}


def test_what_a_transaction_undid_is_never_taken_for_what_another_one_did(store: Store) -> None:
    bringing(store, **ONE)

    def undone() -> None:
        with store.write() as tx:
            tx.session.execute(text("UPDATE account SET kind = 'other'"))
            assert Book.load(tx).account("personal:231234", DAY).kind == "other"  # type: ignore[union-attr]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    found = book(store).account("personal:231234", DAY)
    assert found is not None
    assert found.kind == "personal"


def test_an_older_registry_keeps_what_it_knew(address: str | Path, clock: FixedClock) -> None:
    engine = connection.connect(address)
    schema.upgrade(engine, "0005")
    with connection.writer(engine).begin() as writing:
        for statement in BEFORE:
            writing.execute(text(statement))
    schema.upgrade(engine)
    engine.dispose()
    store = Store.open(address, clock)
    now = book(store)
    assert now.agency_is("AGE-1", "migrated", date(2016, 7, 1))
    assert not now.agency_is("AGE-1", "migrated", date(2016, 6, 30))
    assert now.practitioners("admin:12345") == {"231234"}
    assert (now.agency_of("admin:12345", DAY), now.agency_of("admin:12345", date(2026, 3, 5))) == ("AGE-1", None)
    declared = now.declared_software("SRC-1", DAY)
    assert declared is not None
    assert (declared.developer, declared.name, declared.version) == ("18001", "FactSoft", "4.2")
    store.close()


AT = "'2026-01-01 00:00:00'"
_AGENCY = "id, name, kind, language, active, migrated_on, learned_at, rules, on_invalid, set_aside"
_SOURCE = "id, agency_id, name, developer, software, version, position, strict, active, pickup, returns, tolerances"
_ACCREDITATION = "id, account_id, agency_id, valid_from, valid_to, learned_at, retracted_at"
BEFORE = tuple(
    f"INSERT INTO {table} VALUES ({values})"
    for table, values in (
        (f"agency ({_AGENCY})", f"'AGE-1', 'L', 'solo', 'fr', true, '2016-07-01', {AT}, '{{}}', 'salvage', 'refused'"),
        (f"source ({_SOURCE})", "'SRC-1', 'AGE-1', 's', '18001', 'FactSoft', '4.2', 1, false, true, '{}', '{}', '[]'"),
        ("account (id, kind, learned_at)", f"'admin:12345', 'admin_collective', {AT}"),
        ("account_practitioner (account_id, practice)", "'admin:12345', '231234'"),
        (f"accreditation ({_ACCREDITATION})", f"'1', 'admin:12345', 'AGE-1', '2020-01-01', '2026-03-04', {AT}, NULL"),
        (f"accreditation ({_ACCREDITATION})", f"'2', 'admin:12345', 'AGE-1', '2027-01-01', NULL, {AT}, {AT}"),
    )
)


# -- a large plan --


def large(count: int = IN_ONE) -> dict[str, Any]:
    names = [f"personal:{100000 + n}" for n in range(count)]
    return {
        "agency": [agency("Tilleuls"), agency("Laurier", "commercial")],
        "account": [account(name) for name in names],
        "accreditation": [accreditation(name, "Tilleuls", date(2020, 1, 1)) for name in names],
    }


@LITE
def test_a_large_plan_is_seen_whole_or_not_at_all(store: Store, killing: Callable[..., None]) -> None:
    killing("registry.staged")
    with pytest.raises(Killed):
        bringing(store, **large())
    assert book(store).all_agencies() == []
    assert book(store).account("personal:100000", DAY) is None
    with store.read() as tx:
        assert moves.verify_chain(tx) is None


@LITE
def test_what_an_interrupted_writer_staged_never_counts(store: Store, killing: Callable[..., None]) -> None:
    killing("registry.staged")
    with pytest.raises(Killed):
        bringing(store, **large())
    assert bringing(store, **ONE).applied  # names that were staged are free
    assert book(store).agency_of("personal:100000", DAY) is None
    other = large()
    other["accreditation"] = [{**one, "agency": "Laurier"} for one in other["accreditation"]]
    assert bringing(store, **other).applied
    found = book(store)
    assert {found.agency(str(found.agency_of(f"personal:{100000 + n}", DAY))).name for n in range(IN_ONE)} == {
        "Laurier"
    }
    with store.read() as tx:
        left = tx.session.execute(
            text("SELECT count(*) FROM accreditation WHERE recorded_at >= '9999-01-01'")
        ).scalar_one()
        told = [e.reason for e in tx.session.execute(text("SELECT reason FROM event ORDER BY seq"))]
    assert left == 0
    assert told[-1] == "registry_applied"
    assert bringing(store, **other).steps == ()


@LITE
def test_a_plan_made_for_another_registry_is_made_again(store: Store) -> None:
    bringing(store, **ONE)
    mine = accreditation("personal:231234", "Laurier", date(2026, 2, 1))
    closing = accreditation("personal:231234", "Tilleuls", date(2020, 1, 1), to=date(2026, 1, 31))
    theirs = accreditation("personal:231234", "Laurier", date(2026, 2, 1), to=date(2026, 2, 28))

    def meanwhile(here: str) -> None:
        if here == "registry.planned":
            platform.listen(None)
            assert bringing(store, accreditation=[closing, theirs]).applied

    platform.listen(meanwhile)
    plan = bringing(store, accreditation=[closing, mine])
    platform.listen(None)
    assert (plan.steps, plan.refusals) == ((), ())
    assert [(f.valid_from, f.valid_to) for f in book(store).holders("personal:231234")] == [
        (date(2020, 1, 1), date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 28)),
    ]


# -- what cannot be true, and what is odd --


def refusal(store: Store, **said: Any) -> str:
    plan = bringing(store, **said)
    assert len(plan.refusals) == 1, plan.refusals
    assert plan.refusals[0]["fr"] != plan.refusals[0]["en"]
    assert plan.steps
    assert not plan.applied
    return plan.refusals[0]["en"]


@LITE
def test_no_account_is_entrusted_to_a_commercial_agency_that_is_not_recognised(store: Store) -> None:
    unrecognised = {"standing": "unrecognised", "from": date(2025, 1, 1)}
    said = ONE | {"agency": [agency("Tilleuls", "commercial", standing=[unrecognised])]}
    assert "2025-01-01" in refusal(store, **said)
    until = accreditation("personal:231234", "Tilleuls", date(2020, 1, 1), to=date(2024, 12, 31))
    assert bringing(store, **(said | {"accreditation": [until]})).applied


@LITE
def test_an_account_that_bills_with_facturacte_is_tied_to_no_agency_that_has_not_migrated(store: Store) -> None:
    channel = {"channel": "facturacte", "from": date(2026, 5, 2)}
    said = ONE | {"account": [account("personal:231234", channel=[channel])]}
    assert "2026-05-02" in refusal(store, **said)
    assert bringing(store, **(said | {"agency": [agency("Tilleuls", migrated_on=date(2026, 5, 1))]})).applied


@LITE
def test_a_practitioner_has_one_standing_and_a_number_one_owner(store: Store) -> None:
    retired = [{"standing": "retired", "from": date(2026, 1, 1)}, {"standing": "moved", "from": date(2026, 2, 1)}]
    person = {"number": "231234", "profession": "dentist"}
    assert "two values on 2026-02-01" in refusal(store, practitioner=[person | {"standing": retired}])
    other = {"number": "231235", "profession": "dentist", "other_number": [{"number": "231234"}]}
    assert "another practitioner" in refusal(store, practitioner=[person, other])
    both_ = {"number": "231234", "profession": "dentist", "other_number": [{"number": "2312345"}]}
    accounts = [account("personal:231234"), account("personal:2312345")]
    assert "two personal accounts" in refusal(store, practitioner=[both_], account=accounts)


@LITE
def test_statements_are_sent_one_way_on_any_day(store: Store) -> None:
    ways = [{"account": "personal:231234", "route": "paper"}]
    ways += [{"account": "personal:231234", "route": "agency", "agency": "Tilleuls", "from": date(2026, 1, 1)}]
    assert "two values on 2026-01-01" in refusal(store, **ONE, statement_coordinates=ways)
    assert bringing(store, **ONE, statement_coordinates=ways[1:]).applied
    found = book(store).statement_coordinates("personal:231234", DAY)
    assert found is not None
    assert (found.route, book(store).agency(found.agency_id or "").name) == ("agency", "Tilleuls")


@LITE
def test_what_may_be_true_but_is_odd_is_only_told(store: Store) -> None:
    said = {
        "developer": [{"number": "18001", "name": "D", "software": [{"name": "FactSoft", "version": "4.2"}]}],
        "practitioner": [{"number": "231234", "profession": "dentist", "other_number": [{"number": "9912345"}]}],
        "group": [{"name": "G", "member": [{"practitioner": "231234"}]}],
        "agency": [agency("Tilleuls", group="G"), agency("Laurier", "commercial")],
        "account": [
            account("personal:231299", "personal", "231299"),
            account("admin:12345", "admin_collective", "231234"),
        ],
        "accreditation": [
            accreditation("personal:231299", "Tilleuls", date(2020, 1, 1)),
            accreditation("admin:12345", "Laurier", date(2020, 1, 1)),
        ],
        "statement_coordinates": [{"account": "personal:231299", "route": "agency", "agency": "Laurier"}],
    }
    plan = bringing(store, **said)
    told = "\n".join(warning["en"] for warning in plan.warnings)
    assert plan.applied
    words = ("begin with 231234", 'group "G", of which 231299', "not signed by 231234", "not accredited")
    assert [word for word in words if word not in told] == []
    signed = {"account": "admin:12345", "agency": "Laurier", "from": date(2020, 1, 1), "signatories": ["9912345"]}
    again = bringing(store, **said, mandate=[signed])
    assert "not signed" not in "\n".join(warning["en"] for warning in again.warnings)
    assert book(store).signatures_missing("admin:12345", book(store).agency_of("admin:12345", DAY) or "", DAY) == set()


# -- the book --


@LITE
def test_one_person_is_found_under_every_form_of_its_number_while_it_has_it(store: Store) -> None:
    other = {"number": "2312345", "from": date(2015, 1, 1), "to": date(2026, 3, 2)}
    person = {"number": "231234", "profession": "dentist", "other_number": [other]}
    bringing(store, practitioner=[person], **ONE)
    found = book(store)
    assert found.practice_numbers("2312345", DAY) == ("231234", "2312345")
    assert found.agency_of("personal:2312345", DAY) == found.agency_of("personal:231234", DAY) is not None
    assert found.agency_of("personal:2312345", date(2026, 3, 3)) is None
    assert found.bills_through("2312345", "personal:231234", DAY)
    assert found.agency_of("personal:2312344", DAY) is None


@LITE
def test_a_correction_is_known_from_the_day_it_was_made(store: Store, clock: FixedClock) -> None:
    bringing(store, **ONE)
    clock.advance(timedelta(days=3))
    late = accreditation("personal:231234", "Tilleuls", date(2020, 1, 1), covers_services_from=date(2020, 6, 1))
    plan = bringing(store, accreditation=[late])
    assert ["covers_services_from – → 2020-06-01" in change["fr"] for change in plan.changes] == [True]
    for known_on, covers in ((None, date(2020, 6, 1)), (date(2026, 3, 4), None), (date(2026, 3, 5), date(2020, 6, 1))):
        (fact,) = book(store, known_on).holders("personal:231234")
        assert fact.covers_services_from == covers
    assert book(store, date(2026, 3, 1)).holders("personal:231234") == ()
    with store.read() as tx:
        versions = rows.history(tx, Accreditation, "account_id", ["personal:231234"])
        assert [version.superseded_at is None for version in versions] == [False, True]


@LITE
def test_software_is_declared_until_the_next_declaration(store: Store) -> None:
    def source(**software: Any) -> dict[str, Any]:
        box = {"kind": "folder", "path": "in"}
        return agency(
            "Tilleuls", source=[{"name": "s", "pickup": box, "returns": box | {"path": "out"}, "software": software}]
        )

    bringing(store, agency=[source(name="FactSoft", version="4.2")])
    assert bringing(store, agency=[source(name="FactSoft", version="4.2")]).steps == ()
    bringing(store, agency=[source(name="FactSoft", version="4.3")])
    bringing(store, agency=[source(name="Autre", **{"from": date(2026, 9, 1)})])
    assert book(store, date(2026, 3, 1)).all_agencies() == []
    found = book(store)
    (made,) = found.sources(found.agencies()[0].id)
    days = (date(2020, 1, 1), date(2026, 3, 1), DAY, date(2026, 8, 31), date(2026, 9, 1))
    declared = [found.declared_software(made.id, day) for day in days]
    assert [f"{d.name} {d.version}" for d in declared if d] == [
        "FactSoft 4.2",
        "FactSoft 4.2",
        "FactSoft 4.3",
        "FactSoft 4.3",
        "Autre None",
    ]
