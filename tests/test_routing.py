"""Routing: who may send for an account on a day, and who is owed its statement, each answer with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.config import PayerConfig
from gateway.messages import LANGUAGES, room
from gateway.models import (
    Account,
    AccountPractitioner,
    Accreditation,
    Agency,
    AgencyStanding,
    NumberSuspension,
    Practitioner,
    PractitionerStanding,
    StatementCoordinates,
    TransmissionNumber,
)
from gateway.models.facts import Fact
from gateway.registry import Book, may_send, sending, statement_recipient
from gateway.registry.reasons import codes
from gateway.registry.sending import Claim, Sending
from gateway.store.registry import Tables

DAY = date(2026, 6, 15)
OLD = date(2016, 7, 1)
NOW = datetime(2026, 6, 15, tzinfo=UTC)
X = "admin:12345"


class Registry:
    """A registry in memory, fact by fact."""

    def __init__(self) -> None:
        self.tables = Tables()
        for id_, kind in (
            ("AGE-A", "commercial"),
            ("AGE-B", "commercial"),
            ("AGE-C", "in_practice"),
            ("AGE-S", "solo"),
        ):
            self.tables.agencies.append(Agency(id=id_, name=f"Agence {id_[-1]}", kind=kind, recorded_at=NOW))
            self.fact(AgencyStanding, OLD, agency_id=id_, standing="migrated")

    def fact(self, family: type[Fact], since: date, to: date | None = None, **values: Any) -> None:
        rows: list[Any] = self.tables.of(family)
        rows.append(family(id=f"{family.PREFIX}-{len(rows)}", valid_from=since, valid_to=to, **values))

    def holds(self, agency: str, since: date = OLD, to: date | None = None, account: str = X, **more: Any) -> None:
        if account not in {one.id for one in self.tables.accounts}:
            kind = "personal" if account.startswith("personal") else "admin_individual"
            self.tables.accounts.append(Account(id=account, kind=kind, recorded_at=NOW))
        self.fact(Accreditation, since, to, account_id=account, agency_id=agency, **more)

    def statements_go(self, route: str, since: date, to: date | None = None, agency: str | None = None) -> None:
        self.fact(StatementCoordinates, since, to, account_id=X, route=route, agency_id=agency)

    @property
    def book(self) -> Book:
        return Book(self.tables)

    def asked(self, agency: str, day: date = DAY, account: str | None = X, **more: Any) -> list[str]:
        return codes(may_send(self.book, agency, account, day, **more).reasons)


@pytest.fixture
def registry() -> Registry:
    return Registry()


# -- may it send --


def test_an_accreditation_must_cover_the_day_of_sending_and_not_the_services(registry: Registry) -> None:
    registry.holds("AGE-A", since=date(2026, 6, 1))
    assert registry.asked("AGE-A", service_dates=[date(2026, 1, 5)]) == []
    assert registry.asked("AGE-A", date(2026, 6, 1)) == []
    assert registry.asked("AGE-A", date(2026, 5, 31)) == ["ACCOUNT_NOT_YET"]


def test_an_accreditation_may_say_itself_from_which_service_it_covers(registry: Registry) -> None:
    registry.holds("AGE-A", since=date(2026, 6, 1), covers_services_from=date(2026, 6, 1))
    assert registry.asked("AGE-A", service_dates=[date(2026, 6, 1)]) == []
    (why,) = may_send(registry.book, "AGE-A", X, DAY, [date(2026, 5, 31), date(2026, 6, 2)]).reasons
    assert (why.code, why.facts["start"], why.facts["service"]) == ("SERVICES_NOT_COVERED", "2026-06-01", "2026-05-31")


def test_after_a_hand_over_only_the_new_agency_sends_also_for_services_of_before(registry: Registry) -> None:
    registry.holds("AGE-A", OLD, date(2026, 5, 31))
    registry.holds("AGE-B", date(2026, 6, 1))
    before = [date(2026, 5, 20)]
    assert registry.asked("AGE-A", service_dates=before) == ["ACCOUNT_OTHER_AGENCY"]
    assert registry.asked("AGE-B", service_dates=before) == []


def test_what_is_unknown_ended_or_contradictory_is_told_apart(registry: Registry) -> None:
    registry.holds("AGE-A", OLD, date(2026, 5, 31))
    assert registry.asked("AGE-A", account="admin:99999") == ["ACCOUNT_UNKNOWN"]
    assert may_send(registry.book, "AGE-A", X, DAY).reasons[0].facts["ended"] == "2026-05-31"
    registry.holds("AGE-B")
    registry.holds("AGE-C")
    assert registry.asked("AGE-B") == ["ACCOUNT_TWO_AGENCIES"]
    assert registry.asked("AGE-A") == ["ACCOUNT_OTHER_AGENCY"]


def test_the_number_of_who_bills_alone_is_for_that_persons_invoices_only(registry: Registry) -> None:
    registry.tables.practitioners.append(Practitioner(id="231234", profession="dentist", recorded_at=NOW))
    registry.holds("AGE-S", account="personal:231234")
    registry.holds("AGE-S")
    registry.fact(AccountPractitioner, OLD, account_id=X, practice="231234")
    assert registry.asked("AGE-S", practitioners=["231234"]) == []
    assert registry.asked("AGE-S", practitioners=["239999"]) == ["SOLO_OTHER_HOLDER"]
    assert registry.asked("AGE-S", account="personal:231234", practitioners=["239999"]) == ["SOLO_OTHER_HOLDER"]


@pytest.mark.parametrize("standing", ["non_participating", "disengaged", "moved", "retired"])
def test_services_of_who_left_the_plan_are_held(registry: Registry, standing: str) -> None:
    registry.holds("AGE-A")
    registry.tables.practitioners.append(Practitioner(id="231234", profession="dentist", recorded_at=NOW))
    registry.fact(PractitionerStanding, date(2026, 6, 1), practitioner_id="231234", standing=standing)
    asked = {"practitioners": ["231234"], "service_dates": [date(2026, 5, 31)]}
    assert registry.asked("AGE-A", **asked) == []
    asked["service_dates"] = [date(2026, 5, 31), date(2026, 6, 1)]
    assert registry.asked("AGE-A", **asked) == ["PRACTITIONER_NOT_BILLING"]


def test_an_agency_suspended_or_not_recognised_sends_nothing(registry: Registry) -> None:
    registry.holds("AGE-A")
    registry.holds("AGE-C", account="admin:00001")
    for agency in ("AGE-A", "AGE-C"):
        registry.fact(AgencyStanding, DAY, DAY, agency_id=agency, standing="unrecognised")
        registry.fact(AgencyStanding, DAY, DAY, agency_id=agency, standing="suspended")
    assert registry.asked("AGE-A") == ["AGENCY_SUSPENDED", "AGENCY_UNRECOGNISED"]
    assert registry.asked("AGE-C", account="admin:00001") == ["AGENCY_SUSPENDED"]  # recognition is for commercial ones
    assert registry.asked("AGE-A", DAY + timedelta(days=1)) == []


def test_only_anothers_number_or_a_test_number_in_production_refuses(registry: Registry) -> None:
    registry.holds("AGE-A")
    for number, agency in (("12345", "AGE-A"), ("18001", "AGE-A"), ("54321", "AGE-B"), ("54322", "AGE-A")):
        registry.fact(TransmissionNumber, OLD, payer="ramq", number=number, agency_id=agency)
    registry.fact(NumberSuspension, OLD, payer="ramq", number="54322")
    payer = PayerConfig(name="ramq", formats=("ramq-rfp",), kind="memory", environment="production")

    def told(sender: str, account: str = X) -> tuple[str, list[str]]:
        request = Sending("AGE-A", payer, sender, None, frozenset({Claim(account)}), migrated_only=True)
        answer = sending.clearance(registry.book, request, DAY)
        return answer.outcome, answer.codes

    assert told("12345") == ("send", [])
    assert told("54321") == ("refused", ["FOREIGN_NUMBER"])
    assert told("18001") == ("refused", ["TEST_NUMBER_IN_PRODUCTION"])
    assert told("54322") == ("held", ["NUMBER_SUSPENDED"])
    assert told("99999") == ("held", ["NUMBER_UNKNOWN"])
    assert told("12345", "admin:54321") == ("held", ["ACCOUNT_UNKNOWN"])


# -- whose is the statement --


def routed(registry: Registry, day: date = DAY, **more: Any) -> tuple[str, str | None, str]:
    answer = statement_recipient(registry.book, X, day, **more)
    assert (answer.agency_id is None) == (answer.route == "held")
    return answer.route, answer.agency_id, answer.reasons[0].code


def test_a_statement_is_owed_to_who_was_accredited_on_its_date(registry: Registry) -> None:
    registry.holds("AGE-A", OLD, date(2026, 5, 31))
    registry.holds("AGE-B", date(2026, 6, 1))
    assert routed(registry, date(2026, 5, 31)) == ("agency", "AGE-A", "STATEMENT_ACCREDITED")
    assert routed(registry, date(2026, 6, 1)) == ("agency", "AGE-B", "STATEMENT_ACCREDITED")


def test_what_nobody_holds_is_held_with_everybody_it_may_be_about(registry: Registry) -> None:
    assert routed(registry) == ("held", None, "STATEMENT_ACCOUNT_UNKNOWN")
    registry.holds("AGE-A", OLD, date(2026, 1, 31))
    assert routed(registry) == ("held", None, "STATEMENT_ACCOUNT_CLOSED")
    registry.holds("AGE-B", date(2026, 9, 1))
    assert routed(registry) == ("held", None, "STATEMENT_BETWEEN")
    registry.holds("AGE-C", date(2026, 2, 1), date(2026, 8, 31))
    registry.holds("AGE-A", date(2026, 6, 1), date(2026, 6, 30))
    assert routed(registry) == ("held", None, "STATEMENT_TWO_AGENCIES")
    everybody = statement_recipient(registry.book, X, DAY).candidates
    assert [one.agency_id for one in everybody] == ["AGE-A", "AGE-C", "AGE-A", "AGE-B"]


def test_an_agency_that_has_not_migrated_gets_new_system_statements_on_paper(registry: Registry) -> None:
    registry.tables.facts[AgencyStanding].clear()
    registry.holds("AGE-A")
    assert routed(registry) == ("agency", "AGE-A", "STATEMENT_ACCREDITED")
    assert routed(registry, migrated_only=True) == ("paper", "AGE-A", "STATEMENT_FOR_UNMIGRATED")


def test_coordinates_send_statements_to_paper_and_never_to_another_agency(registry: Registry) -> None:
    registry.holds("AGE-A")
    registry.statements_go("paper", date(2026, 1, 1), date(2026, 6, 30))
    registry.statements_go("agency", date(2026, 7, 1), date(2026, 7, 31), "AGE-B")
    registry.statements_go("agency", date(2026, 8, 1), agency="AGE-A")
    assert routed(registry) == ("paper", "AGE-A", "STATEMENT_ON_PAPER")
    assert routed(registry, date(2026, 7, 15)) == ("held", None, "STATEMENT_COORDINATES_DISAGREE")
    assert routed(registry, date(2026, 8, 15)) == ("agency", "AGE-A", "STATEMENT_ACCREDITED")


def test_who_goes_away_and_comes_back_is_warned_that_paper_comes(registry: Registry) -> None:
    registry.holds("AGE-A", OLD, date(2026, 3, 31))
    registry.holds("AGE-A", date(2026, 5, 1))
    registry.statements_go("agency", OLD, date(2026, 3, 31), "AGE-A")
    registry.statements_go("paper", date(2026, 4, 1), date(2026, 4, 30))
    registry.statements_go("agency", date(2026, 5, 1), agency="AGE-A")
    answer = statement_recipient(registry.book, X, DAY)
    assert (answer.route, codes(answer.warnings)) == ("agency", ["SWITCHED_ACCREDITATION", "SWITCHED_COORDINATES"])
    assert "nouveau compte" in answer.warnings[0].says["fr"]
    assert statement_recipient(registry.book, X, DAY, window=timedelta(days=20)).warnings == ()
    assert statement_recipient(registry.book, X, date(2028, 1, 1)).warnings == ()


def every_answer() -> Iterator[str]:
    yield from sending.CODES
    yield from (
        f"STATEMENT_{what}"
        for what in (
            "ACCREDITED", "ACCOUNT_UNKNOWN", "ACCOUNT_CLOSED", "BETWEEN", "TWO_AGENCIES", "COORDINATES_DISAGREE",
            "ON_PAPER", "FOR_UNMIGRATED",
        )
    )  # fmt: skip
    yield from ("SWITCHED_ACCREDITATION", "SWITCHED_COORDINATES")


def test_every_code_has_a_sentence_in_both_languages() -> None:
    assert {code.lower() for code in every_answer()} == set(room("routing"))
    assert all(set(sentence) == set(LANGUAGES) for sentence in room("routing").values())
