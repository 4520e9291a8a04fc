"""Applications: what may be asked, sent and confirmed, what is missing, late and blocked, what the registry learns."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.applications import AgencyFacts, Book, Known, Progress, examine, judged, propose
from gateway.applications.known import Held
from gateway.applications.procedures import Delay
from gateway.applications.progress import span
from gateway.models import Application
from gateway.payer import shelves

DAY = date(2026, 11, 2)  # a Monday
COMMERCIAL = AgencyFacts("AGE-1", "Laurier", "commercial", "17001")
CLINIC = AgencyFacts("AGE-2", "Tilleuls", "in_practice", "17002")
SOLO = AgencyFacts("AGE-3", "Érable", "solo", "17003")
UNRECOGNISED = AgencyFacts("AGE-4", "Sureau", "commercial", "17004", recognised=False)
GROUP = "admin:12345"
MINE = "personal:231234"


@pytest.fixture(scope="module")
def book() -> Book:
    return Book.load(shelves())


def application(kind: str, route: str = "form", **values: Any) -> Application:
    account = values.pop("account_id", MINE)
    account_kind = "personal" if account.startswith("personal") else "admin_collective"
    own = {"account_kind": account_kind, "practice": "231234", "opened_on": DAY} | values
    return Application(
        id="APP-1", kind=kind, route=route, account_id=account, created_at=datetime(2026, 11, 2, tzinfo=UTC), **own
    )


def group(kind: str = "join_commercial_group", **values: Any) -> Application:
    return application(kind, account_id=GROUP, **values)


def known(agency: AgencyFacts | None = None, holder: AgencyFacts | None = None, **values: Any) -> Known:
    held = (Held(holder, date(2020, 1, 1), None),) if holder else ()
    return Known(**({"account_kind": "personal", "held": held, "agency": agency} | values))


USERS = frozenset({"231234", "231235", "231236"})
GROUP_KNOWN = known(COMMERCIAL, account_kind="admin_collective", users=USERS)


def at(book: Book, row: Application, day: date, facts: Known, *signed: str) -> Progress:
    made = examine(row, dict.fromkeys(signed, DAY), book, facts, day)
    assert made is not None
    return made


def codes(remarks: Any) -> list[str]:
    for remark in remarks:
        assert all(remark.both.values())
    return [remark.code for remark in remarks]


# -- may it be asked --


@pytest.mark.parametrize(
    ("row", "facts", "code"),
    [
        (group("change_agency", route="online"), known(COMMERCIAL, CLINIC), "collective_not_online"),
        (group("self_software", route="online"), known(), "collective_not_online"),
        (application("new_on_site", "online"), known(), "no_such_route"),
        (application("staff_access", "online"), known(), "no_such_route"),
        (group("join_commercial"), known(COMMERCIAL), "not_for_account"),
        (application("join_commercial_group"), known(COMMERCIAL), "not_for_account"),
        (application("join_commercial"), known(CLINIC), "agency_not_commercial"),
        (application("join_commercial"), known(UNRECOGNISED), "agency_not_recognised"),
        (application("join_on_site"), known(COMMERCIAL), "agency_is_commercial"),
        (application("join_on_site"), known(SOLO), "agency_is_solo"),
        (application("change_agency"), known(SOLO, CLINIC), "agency_is_solo"),
        (application("change_agency"), known(CLINIC, CLINIC), "same_agency"),
        (application("change_agency"), known(None, CLINIC), "agency_missing"),
        (application("staff_access"), known(COMMERCIAL), "staff_of_commercial"),
        (application("leave"), known(None, CLINIC, others=(application("change_agency"),)), None),
        (application("leave"), known(None, CLINIC), None),
        (application("staff_access"), known(CLINIC), None),
        (application("join_commercial", facts={"agency_number": "17009"}), known(), None),
        (group(), GROUP_KNOWN, None),
    ],
)
def test_what_contradicts_the_letters_is_refused(book: Book, row: Application, facts: Known, code: str | None) -> None:
    assert codes(judged.asked(row, facts, book).refusals) == ([code] if code else [])


@pytest.mark.parametrize(
    ("kind", "waiting", "refused"),
    [
        ("leave", "change_agency", True),  # both change who bills
        ("change_agency", "change_agency", True),
        ("change_software", "change_agency", False),
        ("change_software", "change_software", True),
        ("staff_access", "leave", False),
    ],
)
def test_an_account_has_one_application_at_a_time(book: Book, kind: str, waiting: str, refused: bool) -> None:
    other = application(waiting)
    other.id = "APP-0"
    agency = COMMERCIAL if kind == "change_agency" else None
    refusals = judged.asked(application(kind), known(agency, CLINIC, others=(other,)), book).refusals
    assert codes(refusals) == (["already_asked"] if refused else [])


@pytest.mark.parametrize(
    ("row", "facts", "code"),
    [
        (application("leave"), known(), "nobody_to_leave"),
        (application("change_agency"), known(COMMERCIAL), "nobody_to_leave"),
        (application("join_commercial"), known(COMMERCIAL, CLINIC), "already_accredited"),
        (application("join_commercial", facts={"agency_number": "17009"}), known(), "agency_unknown"),
        (application("self_software"), known(account_kind=None), "account_unknown"),
        (application("self_software"), known(users=frozenset({"231299"})), "not_a_user"),
        (application("self_software"), known(account_kind="admin_individual"), "account_kind_differs"),
    ],
)
def test_what_the_registry_cannot_tell_is_only_warned_of(book: Book, row: Any, facts: Known, code: str) -> None:
    judgement = judged.asked(row, facts, book)
    assert (codes(judgement.refusals), codes(judgement.warnings)) == ([], [code])


def test_whoever_comes_back_to_an_agency_is_warned_of_paper_statements(book: Book) -> None:
    held = (Held(COMMERCIAL, date(2020, 1, 1), date(2026, 5, 31)), Held(CLINIC, date(2026, 6, 1), None))
    judgement = judged.asked(application("change_agency"), known(COMMERCIAL, held=held), book)
    assert (judgement.refusals, codes(judgement.warnings)) == ((), ["back_again"])


# -- forms and signatures --


@pytest.mark.parametrize(
    ("row", "facts", "forms"),
    [
        (application("self_software"), known(), ["3988", "2404"]),
        (application("self_software", outside_quebec=True), known(), ["3988", "3018"]),
        (application("change_agency"), known(COMMERCIAL, CLINIC), ["2404", "2788"]),
        (application("change_agency"), known(CLINIC, COMMERCIAL), ["2404"]),
        (application("change_agency", facts={"agency_number": "17009"}), known(None, CLINIC), ["2404", "2788"]),
        (application("change_agency", facts={"agency_kind": "in_practice"}), known(None, CLINIC), ["2404"]),
        (application("change_agency", "online"), known(COMMERCIAL, CLINIC), []),
        (application("staff_access"), known(), ["4319"]),
    ],
)
def test_the_forms_follow_from_where_the_professional_is_and_from_the_agency(
    book: Book, row: Application, facts: Known, forms: list[str]
) -> None:
    assert [form.number for form in at(book, row, DAY, facts).forms] == forms


def test_every_user_of_a_collective_account_signs(book: Book) -> None:
    row = group(forms_ready=["2788", "2404"])
    progress = at(book, row, DAY, GROUP_KNOWN, "231234", "231236")
    assert (progress.unsigned, progress.standing, progress.complete) == (["231235"], "draft", False)
    row.sent_by = "fax"
    assert codes(judged.sent(row, progress, progress.procedure)) == ["signatures_missing"]
    assert codes(judged.unsigned_group(row, progress, GROUP_KNOWN)) == ["signatures_missing"]
    whole = at(book, row, DAY, GROUP_KNOWN, *USERS)
    assert (whole.standing, judged.sent(row, whole, whole.procedure)) == ("ready", [])
    assert judged.unsigned_group(row, whole, GROUP_KNOWN) == []


def test_a_user_who_joined_meanwhile_must_sign_too(book: Book) -> None:
    later = known(COMMERCIAL, account_kind="admin_collective", users=USERS | {"231299"})
    assert at(book, group(), DAY, later, *USERS).unsigned == ["231299"]


def test_a_collective_account_whose_users_nobody_knows_cannot_be_whole(book: Book) -> None:
    facts = known(COMMERCIAL, account_kind=None)
    row = group(forms_ready=["2788", "2404"], sent_by="post")
    progress = at(book, row, DAY, facts, "231234")
    assert (progress.users_unknown, progress.complete) == (True, False)
    assert codes(judged.sent(row, progress, progress.procedure)) == ["users_unknown"]
    row.signatories = ["231235"]
    assert at(book, row, DAY, facts, "231234", "231235").complete


def test_a_collective_account_that_joins_the_clinic_is_no_matter_of_a_mandate(book: Book) -> None:
    facts = known(CLINIC, COMMERCIAL, account_kind="admin_collective", users=USERS)
    row = group("change_agency")
    assert judged.unsigned_group(row, at(book, row, DAY, facts), facts) == []


def test_a_form_that_was_filled_in_under_an_old_number_is_filled_in_again(book: Book, tmp_path: Path) -> None:
    text = '[[form]]\nrole = "mandate"\nnumber = "9999"\nfrom = 2026-12-01\ntitle = { fr = "a", en = "b" }\n'
    (tmp_path / "forms@2026-11-30.toml").write_text(text, "utf-8")
    own, row = Book.load((*shelves(), tmp_path)), group(forms_ready=["2788", "2404"])
    assert [form.ready for form in at(own, row, date(2026, 11, 30), GROUP_KNOWN).forms] == [True, True]
    assert [form.ready for form in at(own, row, date(2026, 12, 1), GROUP_KNOWN).forms] == [False, True]
    row.sent_on = date(2026, 11, 30)
    assert at(own, row, date(2026, 12, 1), GROUP_KNOWN).forms[0].number == "2788"  # it went in time


def test_the_4319_is_signed_by_the_user_and_every_professional_and_goes_by_post(book: Book) -> None:
    row = application("staff_access", signatories=["231235"], forms_ready=["4319"], sent_by="fax")
    progress = at(book, row, DAY, known(), "user", "231234")
    assert list(progress.signatures) == ["user", "231234", "231235"]
    assert progress.unsigned == ["231235"]
    assert codes(judged.sent(row, progress, progress.procedure)) == ["original_only", "signatures_missing"]
    row.sent_by = "post"
    whole = at(book, row, DAY, known(), "user", "231234", "231235")
    assert judged.sent(row, whole, whole.procedure) == []
    assert (whole.expected, codes(whole.blocked)) == (None, ["no_access"])


def test_a_form_says_what_it_lacks(book: Book) -> None:
    row = application("self_software", facts={"developer_name": "FactSoft", "developer_number": "16001"})
    forms = at(book, row, DAY, known()).forms
    assert forms[0].missing == ("agency_name", "software_name", "software_version")
    assert forms[0].sections[1][0] == "4"


# -- delays --


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (Delay(days=0), (DAY, DAY)),
        (Delay(days=3), (date(2026, 11, 5), date(2026, 11, 5))),
        (Delay(weeks=(4, 6)), (date(2026, 11, 30), date(2026, 12, 14))),
    ],
)
def test_a_delay_is_counted_from_a_day(delay: Delay, expected: tuple[date, date]) -> None:
    assert span(DAY, delay) == expected


def test_a_last_day_that_is_no_business_day_is_pushed_on() -> None:
    holiday = date(2026, 12, 14)
    assert span(DAY, Delay(weeks=(4, 6)), lambda d: d + timedelta(days=d == holiday))[1] == date(2026, 12, 15)


def test_delays_run_from_receipt(book: Book) -> None:
    row = application("leave", sent_on=DAY, sent_by="post")
    sent = at(book, row, DAY, known(None, CLINIC)).expected
    assert sent is not None
    assert (sent.latest, sent.provisional) == (date(2026, 12, 14), True)
    row.received_on = date(2026, 11, 9)
    received = at(book, row, DAY, known(None, CLINIC)).expected
    assert received is not None
    assert (received.earliest, received.latest, received.provisional) == (date(2026, 12, 7), date(2026, 12, 21), False)


def test_an_answer_is_late_after_its_last_day_and_no_longer_once_it_came(book: Book) -> None:
    row = application("leave", sent_on=DAY, sent_by="fax", received_on=DAY)
    facts = known(None, CLINIC)
    assert at(book, row, date(2026, 12, 14), facts).overdue == ()
    late = at(book, row, date(2026, 12, 17), facts).overdue
    assert [(remark.code, remark.values["days"]) for remark in late] == [("answer_overdue", 3)]
    row.confirmed_on = row.effective_from = date(2026, 12, 17)
    assert at(book, row, date(2026, 12, 20), facts).overdue == ()


def test_a_temporary_password_is_late_after_three_days(book: Book) -> None:
    row = application("self_software", "online", sent_on=DAY, sent_by="online", received_on=DAY, number="17050")
    row.confirmed_on = row.effective_from = DAY
    assert at(book, row, date(2026, 11, 5), known()).overdue == ()
    assert codes(at(book, row, date(2026, 11, 6), known()).overdue) == ["password_overdue"]
    assert at(book, row, date(2026, 11, 6), known(credential="TEMPORARY")).overdue == ()
    row.password_on = DAY
    assert at(book, row, date(2026, 11, 6), known()).overdue == ()


# -- what is blocked --


def test_an_agency_without_number_password_or_go_ahead_cannot_transmit(book: Book) -> None:
    row = application("self_software")
    assert codes(at(book, row, DAY, known()).blocked) == ["no_number", "no_go_ahead", "not_effective"]
    row.number, row.confirmed_on, row.effective_from = "17050", DAY, DAY
    assert codes(at(book, row, DAY, known(credential="EXPECTED")).blocked) == ["no_password", "no_go_ahead"]
    assert codes(at(book, row, DAY, known(credential="ACTIVE")).blocked) == ["no_go_ahead"]
    row.go_ahead_on = DAY
    assert at(book, row, DAY, known(credential="ACTIVE")).blocked == ()


def test_a_new_agency_on_site_waits_for_no_developer(book: Book) -> None:
    assert codes(at(book, application("new_on_site"), DAY, known()).blocked) == ["no_number", "not_effective"]


def test_a_joined_agency_that_waits_for_its_password_is_told(book: Book) -> None:
    row = application("join_on_site")
    assert codes(at(book, row, DAY, known(CLINIC, credential="EXPECTED")).blocked) == ["no_password", "not_effective"]
    assert codes(at(book, row, DAY, known(CLINIC)).blocked) == ["not_effective"]  # it does not send through us


def test_the_new_agency_does_not_bill_before_its_day(book: Book) -> None:
    row = application("change_agency", confirmed_on=DAY, effective_from=date(2026, 12, 1))
    facts = known(COMMERCIAL, CLINIC)
    before = at(book, row, date(2026, 11, 30), facts)
    assert (before.standing, codes(before.blocked)) == ("confirmed", ["not_effective_before"])
    on = at(book, row, date(2026, 12, 1), facts)
    assert (on.standing, on.blocked) == ("in_force", ())


@pytest.mark.parametrize(
    ("ends", "since", "gap"),
    [
        (date(2026, 11, 30), date(2026, 12, 1), False),
        (date(2026, 11, 30), date(2026, 12, 2), True),
        (date(2026, 12, 15), date(2026, 12, 1), False),
        (date(2026, 11, 30), None, True),
        (None, None, False),
    ],
)
def test_between_two_agencies_nobody_bills(book: Book, ends: date | None, since: date | None, gap: bool) -> None:
    row = application("change_agency", mandate_ends=ends, effective_from=since, confirmed_on=DAY if since else None)
    assert ("nobody_bills" in codes(at(book, row, DAY, known(COMMERCIAL, CLINIC)).blocked)) == gap


def test_what_was_withdrawn_is_neither_late_nor_blocked(book: Book) -> None:
    row = application("self_software", sent_on=DAY, sent_by="fax", withdrawn_on=DAY)
    progress = at(book, row, date(2027, 6, 1), known())
    assert (progress.standing, progress.overdue, progress.blocked) == ("withdrawn", (), ())


# -- days and confirmation --


def test_days_follow_one_another_and_none_is_ahead() -> None:
    days = {"opened_on": DAY, "sent_on": date(2026, 11, 4), "received_on": date(2026, 11, 3), "confirmed_on": None}
    assert codes(judged.in_order(days, date(2026, 11, 30))) == ["day_before"]
    assert codes(judged.in_order({"sent_on": DAY}, DAY - timedelta(days=1))) == ["day_ahead"]
    (said,) = judged.in_order({"sent_on": DAY}, DAY - timedelta(days=1))
    assert said.both["fr"].startswith("envoi")
    assert judged.in_order({"opened_on": DAY, "sent_on": DAY, "received_on": None}, DAY) == []


@pytest.mark.parametrize(
    ("row", "letter", "refused"),
    [
        (application("change_agency"), True, ["effective_missing"]),
        (application("change_agency", effective_from=DAY), False, ["letter_missing"]),
        (application("change_agency", effective_from=DAY), True, []),
        (application("self_software", effective_from=DAY), False, ["number_missing"]),
        (application("self_software", effective_from=DAY, number="1234"), False, ["number_shape"]),
        (application("self_software", effective_from=DAY, number="17050"), False, []),
        (application("change_software"), False, []),
        (application("staff_access"), False, []),
    ],
)
def test_a_confirmation_says_what_the_kind_needs(book: Book, row: Any, letter: bool, refused: list[str]) -> None:
    procedure = at(book, row, DAY, known(COMMERCIAL, CLINIC)).procedure
    judgement = judged.confirmed(row, procedure, letter=letter)
    assert (codes(judgement.refusals), codes(judgement.warnings)) == (refused, ["never_sent"])


def test_a_test_number_is_told() -> None:
    row = application("self_software", effective_from=DAY, number="18001", sent_on=DAY)
    procedure = at(Book.load(shelves()), row, DAY, known()).procedure
    assert codes(judged.confirmed(row, procedure, letter=False).warnings) == ["number_is_test"]


# -- what the registry learns --


def learnt(row: Application, facts: Known, payer: str | None = "regie") -> dict[str, Any]:
    return tomllib.loads(propose(row, facts, payer).text)


SINCE = date(2026, 12, 1)


def test_a_change_closes_the_old_on_the_eve_and_opens_the_new() -> None:
    row = application("change_agency", effective_from=SINCE)
    assert learnt(row, known(COMMERCIAL, CLINIC))["accreditation"] == [
        {"account": MINE, "agency": "Tilleuls", "from": date(2020, 1, 1), "to": date(2026, 11, 30)},
        {"account": MINE, "agency": "Laurier", "from": SINCE},
    ]


@pytest.mark.parametrize(
    ("ends", "closed", "warned"),
    [
        (date(2026, 11, 15), date(2026, 11, 15), ["nobody_bills"]),
        (date(2026, 11, 30), date(2026, 11, 30), []),
        (date(2026, 12, 31), date(2026, 11, 30), ["mandate_cut"]),  # never two agencies on one day
    ],
)
def test_the_mandate_s_end_counts_unless_two_agencies_would_meet(ends: date, closed: date, warned: list[str]) -> None:
    proposal = propose(
        application("change_agency", effective_from=SINCE, mandate_ends=ends), known(COMMERCIAL, CLINIC), None
    )
    assert tomllib.loads(proposal.text)["accreditation"][0]["to"] == closed
    assert codes(proposal.warnings) == warned


def test_a_mandate_goes_along_with_who_signed_it_and_the_old_one_ends() -> None:
    old = AgencyFacts("AGE-5", "Bouleau", "commercial")
    held = (Held(old, date(2020, 1, 1), None),)
    row = group("change_agency", effective_from=SINCE)
    facts = known(COMMERCIAL, account_kind="admin_collective", users=USERS, held=held, mandates=held)
    assert tomllib.loads(propose(row, facts, None, USERS).text)["mandate"] == [
        {"account": GROUP, "agency": "Bouleau", "from": date(2020, 1, 1), "to": date(2026, 11, 30)},
        {"account": GROUP, "agency": "Laurier", "form": "2788", "from": SINCE, "signatories": sorted(USERS)},
    ]
    assert "mandate" not in learnt(row, known(CLINIC, account_kind="admin_collective"))
    assert "mandate" not in learnt(application("change_agency", "online", effective_from=SINCE), known(COMMERCIAL))


def test_an_address_for_statements_is_proposed_where_nobody_said_one() -> None:
    row = application("self_no_software", "online", effective_from=SINCE, facts={"statement_address": "C. P. 1"})
    said = {"account": MINE, "route": "paper", "from": SINCE, "address": "C. P. 1"}
    assert learnt(row, known())["statement_coordinates"] == [said]
    other = propose(row, known(coordinates="agency"), None)
    assert ("statement_coordinates" in other.text, codes(other.warnings)) == (False, ["coordinates_differ"])


@pytest.mark.parametrize("kind", ["leave", "self_no_software"])
def test_leaving_only_closes(kind: str) -> None:
    said = learnt(application(kind, "online", effective_from=SINCE), known(None, CLINIC))
    assert said == {
        "accreditation": [{"account": MINE, "agency": "Tilleuls", "from": date(2020, 1, 1), "to": date(2026, 11, 30)}]
    }


@pytest.mark.parametrize(
    ("kind", "becomes"), [("self_software", "solo"), ("relative", "solo"), ("new_on_site", "in_practice")]
)
def test_a_new_number_is_a_new_agency(kind: str, becomes: str) -> None:
    row = application(kind, effective_from=SINCE, number="17050", facts={"agency_name": 'Dre "Essai" \\ Hiver'})
    said = learnt(row, known())
    (agency,) = said["agency"]
    assert (agency["name"], agency["kind"], agency["payers"]) == ('Dre "Essai" \\ Hiver', becomes, ["regie"])
    assert agency["number"] == [{"payer": "regie", "number": "17050", "from": SINCE}]
    assert said["accreditation"] == [{"account": MINE, "agency": agency["name"], "from": SINCE}]
    assert codes(propose(row, known(), "regie").warnings) == ["source_to_add"]
    assert codes(propose(row, known(), None).warnings) == ["no_payer"]


def test_an_account_the_registry_does_not_know_is_declared() -> None:
    said = learnt(group(effective_from=SINCE, signatories=["231235"]), known(COMMERCIAL, account_kind=None))
    assert said["account"] == [{"id": GROUP, "kind": "admin_collective", "practitioners": ["231234", "231235"]}]


def test_what_the_registry_holds_already_is_not_proposed_again() -> None:
    held = (Held(CLINIC, date(2020, 1, 1), date(2026, 11, 30)), Held(COMMERCIAL, SINCE, None))
    proposal = propose(application("change_agency", effective_from=SINCE), known(COMMERCIAL, held=held), None)
    assert proposal.text == ""
    assert proposal.warnings == ()


def test_an_accreditation_that_begins_later_elsewhere_is_told() -> None:
    held = (Held(CLINIC, date(2020, 1, 1), date(2026, 12, 31)), Held(SOLO, date(2027, 1, 1), None))
    proposal = propose(application("change_agency", effective_from=SINCE), known(COMMERCIAL, held=held), None)
    assert codes(proposal.warnings) == ["begins_later"]


@pytest.mark.parametrize("kind", ["change_software", "staff_access"])
def test_what_changes_no_accreditation_teaches_the_registry_nothing(kind: str) -> None:
    assert propose(application(kind, effective_from=SINCE), known(None, CLINIC), None).text == ""
