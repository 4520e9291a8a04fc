"""The deadline guardian: what has something to lose, by which day, what is told once, and what is sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support.command import call
from support.house import AUTUMN, House, paimt, sample
from support.registry import one_agency

from gateway import deadlines, salvage
from gateway.clock import today
from gateway.deadlines import LATE, Risk, to_tell, who, within
from gateway.models import DeadlineAlert, Invoice, Reply, Request, Statement, StatementEntry, Submission
from gateway.stages.deadlines import Deadlines
from gateway.stages.resend import NotSentAgainError, send_again
from gateway.store import deadlines as rows
from gateway.store.engine import bulk, changed, table_of

LAST = date(2026, 12, 13)  # 90 days from the service of 2026-09-14


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def risks(house: House) -> list[Risk]:
    with house.store.read() as tx:
        return deadlines.ranked(rows.open_invoices(tx), house.rooms.catalog, today(house.clock))


def standings(house: House) -> list[tuple[str | None, str, int]]:
    return [(risk.of.number, risk.of.standing, risk.of.invoices) for risk in risks(house)]


def answered(house: House, number: str, *verdicts: str, state: str = "RECEIVABLE") -> Request:
    """The payer's answer to a request, invoice by invoice."""
    request = house.request(number)
    with house.store.write() as tx:
        row = table_of(Request)
        values = {"state": state, "transmitted_at": tx.now}
        changed(tx, row.update().where(row.c.id == request.id).values(values))
        for ordinal, verdict in enumerate(verdicts, 1):
            submission = tx.session.get_one(Submission, (request.id, ordinal))
            submission.verdict = verdict
            if verdict == "receivable":
                invoice = tx.session.get_one(Invoice, submission.invoice_id)
                invoice.no_fact_ramq = f"{ordinal:011d}"
                invoice.preliminary_cents = 5000 * ordinal
    return request


def shown(house: House, *numbers: str) -> None:
    """A statement shows these invoices."""
    amounts = dict.fromkeys(("paid_cents", "withheld_cents", "carried_in_cents", "carried_out_cents", "total_cents"), 0)
    invoices = {invoice.no_fact_ext: invoice.id for invoice in house.all(Invoice)}
    with house.store.write() as tx:
        tx.session.add(Reply(id="RET-1", kind="statement", state="DISTRIBUTED", name="ec.xml", created_at=tx.now))
        tx.session.flush()
        tx.session.add(
            Statement(
                reply_id="RET-1",
                payer="sandbox",
                no_etat_compte="1",
                dated=AUTUMN.date(),
                period="202620",
                mode="ACTE",
                system="RFP",
                account="personal:231234",
                agency_id="AGE-1",
                **amounts,
            )
        )
        for position, number in enumerate(numbers, 1):
            tx.session.add(
                StatementEntry(
                    reply_id="RET-1", position=position, invoice_id=invoices[number], kind="PAIE", paid_cents=1
                )
            )


# -- what has something to lose --


def test_every_invoice_not_yet_receivable_has_its_last_day(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    (risk,) = [one for one in risks(house) if one.of.service == date(2026, 9, 14)]
    assert risk.counted is not None
    assert (risk.counted.last, risk.left, risk.of.standing) == (LAST, 73, "pending")
    assert (risk.of.cents, risk.of.unknown) == (None, risk.of.invoices)  # the new system's requests state no amount


def test_receivable_ones_stay_until_a_statement_shows_them(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", "receivable", "receivable")
    assert sum(count for _, standing, count in standings(house) if standing == "receivable") == 2
    assert sum(risk.cents for risk in risks(house)) == 15000
    shown(house, "F-1")
    assert sum(count for _, _, count in standings(house)) == 1
    assert sum(risk.cents for risk in risks(house)) == 10000


def test_the_hourly_look_closes_what_has_nothing_to_lose_any_more(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", "receivable", "receivable")
    Deadlines().run(house.rooms, "all")
    assert house.request("D-1").closed_at is None
    shown(house, "F-1", "F-2")
    Deadlines().run(house.rooms, "all")
    assert house.request("D-1").closed_at == house.clock.now()


def test_what_is_cancelled_has_nothing_to_lose(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", "receivable", "receivable")
    with house.store.write() as tx:
        row = table_of(Invoice)
        changed(tx, row.update().values(cancelled_by="DEM-later"))
    assert risks(house) == []


def test_a_refused_invoice_stays_until_it_is_deposited_again(house: House) -> None:
    house.given("wrong.xml", paimt("D-1"))
    answered(house, "D-1", "not_receivable", "not_receivable", state="NOT_RECEIVABLE")
    assert {(number, standing) for number, standing, _ in standings(house)} == {("D-1", "not_receivable")}
    house.given("right.xml", paimt("D-2", second="F-9"))
    left = {number: count for number, _, count in standings(house)}
    assert left["D-1"] == 1  # F-2 was not deposited again
    assert {(number, standing) for number, standing, _ in standings(house)} >= {("D-2", "pending")}


def test_a_request_a_person_cancelled_is_given_up(house: House) -> None:
    (request,) = house.given("lot.xml", paimt("D-1"))
    with house.store.write() as tx:
        row = table_of(Request)
        changed(tx, row.update().where(row.c.id == request.id).values(state="CANCELLED"))
    assert risks(house) == []


def test_fewest_days_come_first_then_most_money(house: House) -> None:
    def group(number: str, service: date, cents: int | None) -> rows.Open:
        return rows.Open(
            "AGE-1", f"DEM-{number}", "LOT-1", number, "sandbox", "ramq-rfp", "231234", service, "held", None, 1, cents,
            int(cents is None),
        )  # fmt: skip

    groups = [
        group("later", date(2026, 9, 20), 900),
        group("poor", date(2026, 9, 1), 100),
        group("rich", date(2026, 9, 1), 90000),
        group("unknown", date(2026, 9, 1), None),
        group("late", date(2026, 6, 1), 1),
        group("before every limit", date(2001, 1, 1), 1),
    ]
    ranked = deadlines.ranked(groups, house.rooms.catalog, AUTUMN.date())
    assert [risk.of.number for risk in ranked] == ["late", "rich", "poor", "unknown", "later", "before every limit"]
    assert ranked[0].left == -32
    assert ranked[-1].left is None


@pytest.mark.parametrize(
    ("practice", "professions"),
    [
        ("231234", {"dentist", "oral_surgeon"}),
        ("112345", {"general_practitioner", "specialist"}),
        ("912345", {"denturist", "optometrist"}),
        (None, {"denturist", "optometrist"}),
    ],
)
def test_of_whom_an_invoice_may_be_the_earliest_limit_counts(
    practice: str | None, professions: set[str], house: House
) -> None:
    settings = house.rooms.catalog.families["ramq-rfp"].settings
    assert who(settings, practice).professions == professions
    assert who({}, practice).professions == frozenset()


def test_the_number_of_questions_does_not_grow_with_the_invoices(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    asked: list[str] = []
    with house.store.read() as tx:
        event.listen(tx.session.get_bind(), "before_cursor_execute", lambda *said: asked.append(said[2]))
        few = rows.open_invoices(tx)
    request = house.request("D-1")
    common: dict[str, Any] = {"request_id": request.id, "batch_id": request.batch_id, "agency_id": "AGE-1"}
    with house.store.write() as tx:
        more = range(100, 3100)
        service = {"practice": "231234", "first_service": date(2026, 9, 14), "action": "new"}
        bulk(tx, Submission, [common | service | {"ordinal": n, "invoice_id": f"FAC-{n}"} for n in more])
        bulk(tx, Invoice, [common | {"id": f"FAC-{n}", "ordinal": n, "no_fact_ext": f"N{n}"} for n in more])
    asked.clear()
    with house.store.read() as tx:
        many = rows.open_invoices(tx)
    assert len([said for said in asked if "submission" in said]) == 1
    assert len(many) == len(few)
    assert sum(group.invoices for group in many) == 3000 + sum(group.invoices for group in few)


# -- alerts --


def test_a_threshold_is_the_tightest_that_the_days_left_are_within() -> None:
    days = (30, 14, 7, 3, 1)
    assert [within(left, days) for left in (31, 30, 8, 7, 1, 0, -1)] == [None, 30, 14, 7, 1, 1, LATE]


def test_each_threshold_is_told_once_and_a_wider_one_never_after_a_tighter(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    stage = Deadlines()

    def told() -> list[int]:
        stage.run(house.rooms, "all")
        stage.run(house.rooms, "all")
        return sorted(alert.threshold for alert in house.all(DeadlineAlert) if alert.service == date(2026, 9, 14))

    assert told() == []
    house.clock.advance(timedelta(days=66))  # 7 days left
    assert told() == [7]
    house.clock.advance(timedelta(days=1))
    assert told() == [7]
    house.clock.advance(timedelta(days=6))  # the last day
    assert told() == [1, 7]
    house.clock.advance(timedelta(days=1))
    assert told() == [LATE, 1, 7]
    house.clock.advance(timedelta(days=30))
    assert told() == [LATE, 1, 7]


def test_several_standings_of_one_request_and_service_are_one_alert(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    answered(house, "D-1", "receivable", "not_receivable")
    house.clock.advance(timedelta(days=73))
    told = to_tell(risks(house), (7,), {})
    assert len({(one.request_id, one.service) for one in told}) == len(told)
    assert sum(one.invoices for one in told) == 2


def test_an_alert_cannot_be_dismissed_past_the_date(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    house.clock.advance(timedelta(days=73))
    Deadlines().run(house.rooms, "all")
    alert = next(one for one in house.all(DeadlineAlert) if one.last == LAST)
    with house.store.write() as tx:
        assert rows.dismiss(tx, alert.id, LAST, said="seen") is True
        assert rows.dismiss(tx, alert.id, LAST + timedelta(days=1), said="seen") is False
        assert rows.dismiss(tx, "ALR-none", LAST, said="seen") is None
    (dismissed,) = [one for one in house.all(DeadlineAlert) if one.id == alert.id]
    assert (dismissed.said, dismissed.dismissed_by) == ("seen", "system")


# -- sending again --


def resent(house: House) -> Request:
    """D-1 is receivable, F-1 is on a statement, the payer's 45 days are over: F-2 is sent again."""
    house.given("lot.xml", paimt("D-1"))
    old = answered(house, "D-1", "receivable", "receivable")
    shown(house, "F-1")
    house.clock.advance(timedelta(days=46))
    send_again(house.rooms, old.id, reason="asked the payer")
    house.judged()
    return house.request("D-1-R1")


def test_what_no_statement_shows_is_sent_again_with_new_numbers_linked_to_the_old(house: House) -> None:
    new = resent(house)
    old = house.request("D-1")
    assert (new.replaces, new.state, new.invoices) == (old.id, "READY", 1)
    assert [one.no_fact_ext for one in house.all(Invoice) if one.request_id == new.id] == ["F-2-R1"]
    before, after = house.kept(old.archive_ref), house.kept(new.archive_ref)
    assert b"F-1<" not in after
    second = before[before.index(b"F-2</no_fact_ext>") + 3 : before.index(b"</liste_fact>")]
    assert second in after  # byte for byte, but for its number
    assert standings(house) == [("D-1-R1", "pending", 1)]  # the old one has nothing to lose while this one goes


def test_the_old_one_is_open_again_when_the_new_one_comes_to_nothing(house: House) -> None:
    new = resent(house)
    with house.store.write() as tx:
        row = table_of(Request)
        changed(tx, row.update().where(row.c.id == new.id).values(state="CANCELLED"))
    assert standings(house) == [("D-1", "receivable", 1)]
    send_again(house.rooms, house.request("D-1").id, reason="once more")
    house.judged()
    assert house.request("D-1-R2").replaces == house.request("D-1").id


def test_nothing_is_sent_again_before_the_wait_is_over_nor_twice(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    with pytest.raises(NotSentAgainError, match="only a receivable request"):
        send_again(house.rooms, house.request("D-1").id, reason="r")
    old = answered(house, "D-1", "receivable", "receivable")
    house.clock.advance(timedelta(days=45))
    with pytest.raises(NotSentAgainError, match="has until 2026-11-15"):
        send_again(house.rooms, old.id, reason="r")
    house.clock.advance(timedelta(days=1))
    assert [risk.waited for risk in risks(house)] == [True] * len(risks(house))
    send_again(house.rooms, old.id, reason="r")
    with pytest.raises(NotSentAgainError, match="sent again already by LOT-"):
        send_again(house.rooms, old.id, reason="r")
    house.judged()
    with pytest.raises(NotSentAgainError, match="sent again already by DEM-"):
        send_again(house.rooms, old.id, reason="r")


def test_what_is_all_on_statements_is_not_sent_again(house: House) -> None:
    house.given("lot.xml", paimt("D-1"))
    old = answered(house, "D-1", "receivable", "receivable")
    shown(house, "F-1", "F-2")
    house.clock.advance(timedelta(days=60))
    with pytest.raises(NotSentAgainError, match="none of its receivable invoices"):
        send_again(house.rooms, old.id, reason="r")


def test_an_old_system_invoice_is_sent_again_under_another_control_number(house: House) -> None:
    house.agency("AGE-3", "18003", kind="solo", migrated=None)
    house.account("personal:251111", "AGE-3")
    text = sample("ramq-dp", "valid_DP_RACIN_two_requests")
    (old,) = house.given("dp.xml", text, "SRC-3")
    answered(house, str(old.no_dem_ext), "receivable", "receivable")
    shown(house, "18003-8045001-0001")
    house.clock.advance(timedelta(days=46))
    send_again(house.rooms, old.id, reason="asked the payer")
    house.judged("AGE-3")
    (new,) = [one for one in house.all(Request) if one.replaces == old.id]
    assert (new.state, new.invoices, new.no_dem_ext != old.no_dem_ext) == ("READY", 1, True)
    assert [one.no_fact_ext for one in house.all(Invoice) if one.request_id == new.id] == ["18003-8074001-0003"]
    begin, end = text.index("<DP CHN", text.index("</DP>")), text.rindex("</DP>")
    assert text[begin:end].replace('NCE="0002"', 'NCE="0003"') in house.kept(new.archive_ref).decode()


@pytest.mark.parametrize(
    ("invoice", "locator", "new", "made"),
    [
        ('<DP T="1" N="07"/>', ("@T", "@N"), "1-08", '<DP T="1" N="08"/>'),
        ("\n <!DP/><DP/>", ("@T", "@N"), "1-08", None),  # it has no number at all
        ("<DP T='1' N = '07'><A N='07'/></DP>", ("@T", "@N"), "1-08", "<DP T='1' N = '08'><A N='07'/></DP>"),
        ('<DP T="1" N="&#48;7"/>', ("@T", "@N"), "1-08", None),  # not written plainly
        ('<DP T="1" N="07"/>', ("@T", "@N"), "2-08", None),  # another sender
        ("<f><n>1-07</n><m>1-07</m></f>", ("n",), "1-08", "<f><n>1-08</n><m>1-07</m></f>"),
        ("<f><n> 1-07 </n><n>1-07</n></f>", ("n",), "1-08", None),  # twice
        ("<f><n>1-070</n></f>", ("n",), "1-08", None),
    ],
)
def test_a_number_is_written_over_where_it_stands_plainly_once(
    invoice: str, locator: tuple[str, ...], new: str, made: str | None
) -> None:
    if made is None:
        with pytest.raises(ValueError, match=r"\w"):
            salvage.written_over(invoice, locator, "1-07", new)
    else:
        assert salvage.written_over(invoice, locator, "1-07", new) == made


def test_the_next_control_number_has_as_many_digits_and_begins_again_after_the_last() -> None:
    assert salvage.next_last("18003-8074001-0002", used={"18003-8074001-0003"}.__contains__) == "18003-8074001-0004"
    assert salvage.next_last("1-9", used={"1-0"}.__contains__) == "1-1"
    with pytest.raises(ValueError, match="every count"):
        salvage.next_last("1-9", used=lambda _: True)
    with pytest.raises(ValueError, match="no count"):
        salvage.next_last("F-1b", used=lambda _: False)


# -- the command --


@pytest.fixture
def folder(tmp_path: Path) -> tuple[str, ...]:
    """An installation with one lot that is held, whose limit has long passed on the day the tests run."""
    at = one_agency(tmp_path)
    (tmp_path / "lots" / "lot.xml").write_text(paimt("D-1").replace("2026-09-1", "2024-09-1"), encoding="utf-8")
    assert call("once", *at) == 0  # judges the lot
    assert call("once", *at) == 0  # looks at the limits of what is there
    return at


def test_the_command_ranks_and_status_tells_what_is_past(
    folder: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call("deadlines", "--json", *folder) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sums"] == {"invoices": 2, "cents": 0, "without_amount": 2, "late": 2, "send_again": 0}
    assert {row["last"] for row in told["invoices"]} <= {"2024-12-13", "2024-12-14"}
    alert = told["alerts"][0]
    assert (alert["threshold"], alert["days_left"] < 0) == (-1, True)
    assert call("deadlines", *folder) == 0
    assert "past the last day" in capsys.readouterr().out
    assert call("status", *folder) == 0
    assert "`gateway deadlines`" in capsys.readouterr().out
    assert call("deadlines", "dismiss", alert["id"], "--reason", "seen", *folder) == 2
    assert "has passed" in capsys.readouterr().err
    assert call("deadlines", "dismiss", "ALR-none", "--reason", "seen", *folder) == 2


def test_the_command_says_why_a_request_is_not_sent_again(
    folder: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call("deadlines", "resend", "D-1", "--reason", "asked the payer", *folder) == 2
    assert "only a receivable request" in capsys.readouterr().err


def test_the_command_can_look_at_another_day_and_at_one_agency(
    folder: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call("deadlines", "--today", "2024-12-01", "--within", "20", "--json", *folder) == 0
    assert {row["days_left"] for row in json.loads(capsys.readouterr().out)["invoices"]} <= {12, 13}
    assert call("deadlines", "--today", "2024-12-01", "--within", "2", *folder) == 0
    assert "Nothing is at risk" in capsys.readouterr().out
    assert call("deadlines", "--agency", "Nobody", *folder[:-1], "fr") == 0
    assert "Rien n'est menacé" in capsys.readouterr().out
