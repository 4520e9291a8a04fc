"""Alerts: one for one cause at one place, told once, added to, seen to, over; and nobody learns of another agency."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col
from support.command import call
from support.house import AUTUMN, House, paimt

from gateway import alerts
from gateway.alerts.wording import item
from gateway.config import AlertsConfig, BackupConfig, MonitorConfig, PasswordConfig, RecipientConfig
from gateway.messages import LANGUAGES, room
from gateway.models import Alert, AlertNotice, Event, Message, Request
from gateway.monitor import Monitor, Pulse
from gateway.stages.deadlines import Deadlines
from gateway.stages.watch import Watch
from gateway.states import CredentialState, RequestState
from gateway.store import backups, breakers, due, moves, outbox
from gateway.store import credentials as passwords
from gateway.store.alerts import Symptom
from gateway.watch import Look, history

NAMES = {"AGE-1": "Agence AGE-1", "AGE-2": "Agence AGE-2"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def person(name: str = "garde", **said: Any) -> RecipientConfig:
    return RecipientConfig(name=name, kind="mail", to=f"{name}@example.org", **said)


def told(house: House, *recipients: RecipientConfig) -> None:
    """These are told of alerts from now on."""
    house.rooms = replace(house.rooms, config=replace(house.rooms.config, recipients=recipients))


def watched(house: House, endpoint: str = "often") -> list[Alert]:
    Watch().run(house.rooms, endpoint)
    return [alert for alert in house.all(Alert) if alert.resolved_at is None]


def notices(house: House) -> list[tuple[str, str]]:
    return [(one.recipient, one.what) for one in house.all(AlertNotice)]


def reconciled(house: House, *symptoms: Symptom, known: tuple[str, ...] = ("held",), **said: Any) -> set[str]:
    config = AlertsConfig(**{"calm": 300, "remind": 86400} | said)
    with house.store.write() as tx:
        return alerts.reconcile(tx, symptoms, known, config, house.rooms.config.recipients, NAMES)


def symptom(agency: str | None = "AGE-1", **more: Any) -> Symptom:
    facts = {"what": "request", "code": "no_reply", "example": "DEM-1"}
    return Symptom("held", f"{agency} request no_reply", agency, **{"severity": "warning", "facts": facts} | more)


# -- one cause at one place --


def test_a_cause_is_one_alert_however_often_it_is_seen(house: House) -> None:
    told(house, person())
    assert reconciled(house, symptom()) == {"garde"}
    for things in (2, 3):
        house.later(minutes=1)
        assert reconciled(house, symptom(things=things)) == set()
    (alert,) = house.all(Alert)
    assert (alert.things, alert.state, alert.agency_id) == (3, "OPEN", "AGE-1")
    assert notices(house) == [("garde", "opened")]


def test_another_agency_another_alert(house: House) -> None:
    reconciled(house, symptom("AGE-1"), symptom("AGE-2"))
    assert [alert.agency_id for alert in house.all(Alert)] == ["AGE-1", "AGE-2"]


def test_what_gets_worse_is_told_again_and_opens_what_somebody_was_on(house: House) -> None:
    told(house, person())
    reconciled(house, symptom())
    with house.store.write() as tx:
        alerts.acknowledge(tx, tx.session.get_one(Alert, house.all(Alert)[0].id), date(2026, 10, 1), said="seen")
    reconciled(house, symptom())
    assert house.all(Alert)[0].state == "SEEN"
    reconciled(house, symptom(level=2, severity="critical"))
    (alert,) = house.all(Alert)
    assert (alert.state, alert.severity, alert.seen_by) == ("OPEN", "critical", None)
    reconciled(house, symptom())  # less bad again: nothing new, and it stays as bad as it was
    assert house.all(Alert)[0].severity == "critical"
    assert notices(house) == [("garde", "opened"), ("garde", "worse")]


def test_it_is_over_when_it_was_away_for_long_enough_and_the_next_one_is_new(house: House) -> None:
    told(house, person())
    reconciled(house, symptom())
    house.later(minutes=1)
    reconciled(house)
    assert house.all(Alert)[0].state == "OPEN"  # a flapping line is one alert
    house.later(minutes=5)
    reconciled(house)
    (alert,) = house.all(Alert)
    assert (alert.state, alert.open_key) == ("RESOLVED", None)
    assert notices(house) == [("garde", "opened"), ("garde", "resolved")]
    reconciled(house, symptom())
    assert len(house.all(Alert)) == 2


def test_what_nobody_looked_at_now_stays_as_it_is(house: House) -> None:
    reconciled(house, symptom())
    house.later(days=2)
    reconciled(house, known=("disk",))
    assert house.all(Alert)[0].state == "OPEN"


def test_what_was_tried_is_over_only_when_a_person_says_so(house: House) -> None:
    tried = Symptom("foreign_number", "AGE-1", "AGE-1", "critical")
    reconciled(house, tried, known=("foreign_number",))
    house.later(days=2)
    reconciled(house, known=("foreign_number",))
    (alert,) = house.all(Alert)
    assert alert.state == "OPEN"
    with house.store.write() as tx:
        alerts.acknowledge(tx, tx.session.get_one(Alert, alert.id), date(2026, 10, 3), said="asked the agency")
    reconciled(house, known=("foreign_number",))
    assert house.all(Alert)[0].state == "RESOLVED"


def test_what_nobody_is_on_is_told_again_after_a_day(house: House) -> None:
    told(house, person())
    reconciled(house, symptom())
    for _ in range(3):
        house.later(hours=12)
        reconciled(house, symptom())
    assert notices(house) == [("garde", "opened"), ("garde", "still")]
    house.later(days=3)
    reconciled(house, symptom(), remind=0)
    assert len(notices(house)) == 2


def test_an_alert_is_in_the_history_like_every_other_transition(house: House) -> None:
    reconciled(house, symptom())
    with house.store.write() as tx:
        alerts.acknowledge(tx, tx.session.get_one(Alert, house.all(Alert)[0].id), date(2026, 10, 1), said="on it")
    house.later(hours=1)
    reconciled(house)
    with house.store.read() as tx:
        assert moves.verify_chain(tx) is None
    events = [(one.from_state, one.to_state) for one in house.all(Event) if one.record_kind == "alert"]
    assert sorted(events, key=str) == sorted([(None, "OPEN"), ("OPEN", "SEEN"), ("SEEN", "RESOLVED")], key=str)


# -- who is told --


@pytest.mark.parametrize(
    ("said", "agency", "severity", "learns"),
    [
        ({}, "AGE-1", "notice", True),
        ({}, None, "notice", True),
        ({"agencies": ("Agence AGE-1",)}, "AGE-1", "notice", True),
        ({"agencies": ("AGE-1",)}, "AGE-1", "notice", True),
        ({"agencies": ("Agence AGE-1",)}, "AGE-2", "critical", False),
        ({"agencies": ("Agence AGE-1",)}, None, "critical", False),  # the installation's business
        ({"agencies": ("Agence",)}, "AGE-1", "critical", False),  # names are compared whole
        ({"agencies": ("",)}, None, "critical", False),
        ({"least": "warning"}, "AGE-1", "notice", False),
        ({"least": "critical"}, "AGE-1", "critical", True),
    ],
)
def test_a_recipient_learns_of_its_agencies_and_of_nothing_else(
    house: House, said: dict[str, Any], agency: str | None, severity: str, learns: bool
) -> None:
    told(house, person(**said))
    reconciled(house, symptom(agency, severity=severity))
    assert bool(notices(house)) is learns
    house.later(hours=1)
    reconciled(house)
    assert [what for _, what in notices(house)] == ["opened", "resolved"] * learns


def test_quiet_hours_are_by_severity_and_may_go_over_midnight() -> None:
    one = person(quiet={"warning": "22:00-06:00", "notice": "08:00-18:00"})
    asked = [time(21, 59), time(22), time(5, 59), time(6)]
    assert [one.rests("warning", at) for at in asked] == [False, True, True, False]
    assert [one.rests("notice", at) for at in (time(7, 59), time(8), time(18))] == [False, True, False]
    assert not one.rests("critical", time(3))


# -- what is wrong --


def kinds(found: list[Alert]) -> set[tuple[str, str | None, str]]:
    return {(alert.kind, alert.agency_id, alert.severity) for alert in found}


def test_what_waits_for_a_person_is_an_alert_by_agency_and_reason(house: House) -> None:
    house.agency("AGE-2", "18003")
    for number, source in (("D-1", "SRC-1"), ("D-2", "SRC-1"), ("D-3", "SRC-2")):
        sender = "18001" if source == "SRC-1" else "18003"
        house.given("lot.xml", paimt(number, sender=sender, first=f"{number}A", second=f"{number}B"), source)
    waiting = [request for request in house.all(Request) if request.state == "READY"]
    with house.store.write() as tx:
        for request in waiting:
            moves.move(tx, request, RequestState.HELD, "person")
    found = watched(house)
    assert ("held", "AGE-1", "warning") in kinds(found)
    assert sum(alert.things for alert in found if alert.facts.get("code") == "person") == len(waiting) > 0


def test_another_agencys_number_is_an_attempt_somebody_must_look_at(house: House) -> None:
    house.agency("AGE-2", "18003")
    house.given("lot.xml", paimt("D-1", sender="18003"))
    (alert,) = [one for one in watched(house) if one.kind == "foreign_number"]
    assert (alert.agency_id, alert.severity, alert.things) == ("AGE-1", "critical", 1)
    assert "18003" not in json.dumps(alert.facts)
    house.later(days=2)
    assert [one.kind for one in watched(house)] == ["foreign_number"]


def failing(house: House, stage: str, endpoint: str, error: str | None) -> None:
    with house.store.write() as tx:
        due.sync(tx, [(stage, endpoint, 60.0)])
        due.finish(tx, stage, endpoint, again_in=None, error=error)


@pytest.mark.parametrize(
    ("stage", "endpoint", "error", "kind", "severity"),
    [
        ("transmit", "sandbox:18001", "host_key_changed", "host_key", "critical"),
        ("receive", "sandbox:18001", "denied", "refused", "critical"),
        ("collect", "SRC-1", "password_locked", "refused", "critical"),
        ("validate", "AGE-1", "RuntimeError", "stage", "warning"),
    ],
)
def test_a_mailbox_that_refuses_us_is_told_at_once(
    house: House, stage: str, endpoint: str, error: str, kind: str, severity: str
) -> None:
    failing(house, stage, endpoint, None)
    failing(house, stage, endpoint, error)
    assert kinds(watched(house)) == {(kind, "AGE-1", severity)}
    failing(house, stage, endpoint, None)
    house.later(minutes=6)
    assert watched(house) == []


def test_a_line_that_is_down_is_told_when_it_stays_down(house: House) -> None:
    failing(house, "receive", "sandbox:18001", None)
    failing(house, "receive", "sandbox:18001", "unreachable")
    assert watched(house) == []
    house.later(minutes=15)
    failing(house, "receive", "sandbox:18001", "unreachable")
    assert kinds(watched(house)) == {("unreachable", "AGE-1", "warning")}


def test_a_payer_that_is_left_alone_is_told_for_each_mailbox_as_long_as_it_is_silent(house: House) -> None:
    house.agency("AGE-2", "18003")
    with house.store.write() as tx:
        breakers.silent(tx, "sandbox")
    assert watched(house) == []
    house.later(minutes=15)
    failing(house, "receive", "sandbox:18001", "unreachable")
    assert kinds(watched(house)) == {("unreachable", "AGE-1", "warning"), ("unreachable", "AGE-2", "warning")}
    failing(house, "receive", "sandbox:18001", None)
    with house.store.write() as tx:
        breakers.answered(tx, "sandbox")
    house.later(minutes=6)
    assert watched(house) == []


def test_a_locked_password_speaks_for_the_mailboxes_it_opens(house: House) -> None:
    with house.store.write() as tx:
        row = passwords.expect(tx, "sandbox", "18001")
        moves.move(tx, row, CredentialState.TEMPORARY, "temporary_given")
        moves.move(tx, row, CredentialState.LOCKED, "temporary_refused")
    failing(house, "receive", "sandbox:18001", "password_locked")
    (alert,) = watched(house)
    assert (alert.kind, alert.subject, alert.facts["why"]) == ("password", "sandbox:18001", "temporary_refused")


def test_a_full_disk_is_told_to_those_who_look_after_the_installation(house: House) -> None:
    config = replace(house.rooms.config, monitor=MonitorConfig(disk_low_bytes=1 << 62))
    house.rooms = replace(house.rooms, config=config)
    told(house, person("one", agencies=("Agence AGE-1",)), person("all"))
    assert kinds(watched(house)) == {("disk", None, "critical")}
    assert notices(house) == [("all", "opened")]


def test_a_backup_that_is_not_made_is_told(house: House) -> None:
    config = replace(house.rooms.config, backup=BackupConfig(folder="copies", every=3600))
    house.rooms = replace(house.rooms, config=config)
    with house.store.write() as tx:
        backups.tell(tx, backups.MADE, "20261001T160000Z-00000000")
    house.later(minutes=119)
    assert kinds(watched(house)) == set()
    house.later(minutes=2)
    assert kinds(watched(house)) == {("backup", None, "warning")}


def test_a_look_that_no_worker_takes_is_told(house: House) -> None:
    with house.store.write() as tx:
        due.sync(tx, [("receive", "sandbox:18001", 60.0)])
    house.later(minutes=11)
    assert kinds(watched(house)) == {("overdue", None, "warning")}


def test_a_password_whose_term_comes_near_is_told_at_each_step(house: House) -> None:
    rules = PasswordConfig(life_days=60, safe_days=10, jitter_days=0, remind_days=7)
    payer = house.rooms.config.payers[0].model_copy(update={"password": rules})
    told(house, person())
    house.rooms = replace(house.rooms, config=replace(house.rooms.config, payers=(payer,)))
    with house.store.write() as tx:
        row = passwords.expect(tx, "sandbox", "18001")
        moves.move(tx, row, CredentialState.TEMPORARY, "temporary_given", changed_at=tx.now, current=b"sealed")
    seen = []
    for days in (50, 3, 1, 3, 2, 2):  # 10, 7, 6, 3, 1 days left, and one too many
        house.later(days=days)
        seen += [(one.severity, one.facts["days_left"]) for one in watched(house, "seldom") if one.kind != "audit"]
    assert seen == [("warning", 7), ("warning", 6), ("critical", 3), ("critical", 1), ("critical", -1)]
    assert [what for _, what in notices(house) if what != "still"] == ["opened", "worse", "worse", "worse"]


def test_an_altered_history_is_told_until_it_is_whole_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "STRETCH", 2)
    monkeypatch.setattr(history, "MOST", 2)
    look = Look(house.rooms.config, house.store, house.rooms.catalog, house.clock)
    with house.store.write() as tx:
        moves.tell(tx, "registry", ((f"X-{n}", "told", {}) for n in range(7)))

    def actor(of: str) -> None:
        with house.store.write() as tx:
            tx.session.execute(update(Event).where(col(Event.seq) == 6).values(actor=of))

    one = history.History()
    assert [one.find(look), one.find(look)] == [None, []]
    actor("nobody")
    assert one.find(look) is None  # not that far yet: what is known stays
    (found,) = one.find(look) or ()
    assert (found.kind, found.severity, dict(found.facts)) == ("audit", "critical", {"seq": 6, "code": "altered"})
    actor("system")
    assert [one.find(look), one.find(look)] == [None, []]


def test_lasting_alerts_and_waiting_messages_are_measured(house: House) -> None:
    reconciled(house, symptom(), symptom("AGE-2", severity="critical"))
    with house.store.write() as tx:
        outbox.write(tx, "garde", "alerts", {"alerts": []})
    text = Monitor(house.rooms.config, house.store, house.clock, Pulse(house.clock)).answer("/metrics")[2].decode()
    assert 'gateway_alerts{kind="held",severity="critical"} 1.0' in text
    assert 'gateway_messages_waiting{recipient="garde"} 1.0' in text


def test_limits_are_one_alert_an_agency_told_at_each_threshold_and_never_dismissed_past_the_day(house: House) -> None:
    told(house, person())
    house.given("lot.xml", paimt("D-1"))

    def after(days: int) -> list[Alert]:
        house.later(days=days)
        Deadlines().run(house.rooms, "all")
        return [alert for alert in watched(house, "seldom") if alert.kind == "deadline"]

    assert after(50) != []
    (alert,) = after(21)
    assert (alert.severity, alert.agency_id) == ("critical", "AGE-1")
    assert [what for _, what in notices(house)] == ["opened", "worse"]
    with house.store.write() as tx:
        alerts.acknowledge(tx, tx.session.get_one(Alert, alert.id), house.clock.now().date(), said="on it")
    (alert,) = after(5)  # past the last day
    assert alert.state == "OPEN"
    with house.store.write() as tx, pytest.raises(alerts.TooLate, match="2026-12-1"):
        alerts.acknowledge(tx, tx.session.get_one(Alert, alert.id), house.clock.now().date(), said="on it")


def test_an_agency_that_went_silent_is_told(house: House, tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        '[[rhythm]]\nagency = "Agence AGE-1"\nweekdays = ["mon", "tue", "wed", "thu", "fri"]\nby = 10:00:00\n', "utf-8"
    )
    assert ("silent_agency", "AGE-1", "notice") in kinds(watched(house, "seldom"))


def test_a_source_that_breaks_leaves_its_alerts_and_the_others_as_they_are(house: House, tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        '[[rhythm]]\nagency = "Agence AGE-1"\nweekdays = ["mon", "tue", "wed", "thu", "fri"]\nby = 10:00:00\n', "utf-8"
    )
    watched(house, "seldom")
    (tmp_path / "calendar.toml").write_text("broken", "utf-8")
    house.later(hours=2)
    assert [alert.kind for alert in watched(house, "seldom")] == ["silent_agency"]


# -- what is said --


def every_kind() -> list[str]:
    return sorted(key.removeprefix("kind_") for key in room("alerts") if key.startswith("kind_"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", every_kind())
def test_every_kind_has_its_sentences_with_and_without_facts(kind: str, lang: str) -> None:
    moment = AUTUMN
    for facts in ({}, {"code": "no_reply", "since": moment.isoformat(), "example": "DEM-1", "what": "reply"}):
        alert = Alert(
            id="ALE-1", kind=kind, subject="sandbox:18001", agency_id="AGE-1", severity="warning", level=1, things=2,
            facts=facts, state="OPEN", opened_at=moment, last_seen_at=moment, told_at=moment,
        )  # fmt: skip
        for what in ("opened", "worse", "still", "resolved"):
            body = {"alerts": [item(alert, what, "Clinique\r\nBcc: x")]}
            letter = alerts.letter(
                Message(id="MSG-1", recipient="r", kind="alerts", body=body, created_at=moment), lang
            )
            assert letter.subject.isprintable()
            assert "MSG-1" in letter.text
            assert letter.thread == "ALE-1"


# -- the command --


@pytest.fixture
def folder(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "gateway.toml").write_text("[monitor]\ndisk_low_bytes = 1000000000000000\n", encoding="utf-8")
    at = ("--config", str(tmp_path / "gateway.toml"), "--lang", "en")
    assert call("once", *at) == 0
    return at


def test_the_command_lists_shows_and_takes_charge(folder: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert call("alerts", "list", "--json", *folder) == 0
    (alert,) = json.loads(capsys.readouterr().out)
    assert (alert["kind"], alert["state"]) == ("disk", "OPEN")
    assert call("status", *folder) == 0
    assert "Open alerts: 1" in capsys.readouterr().out
    assert call("alerts", "ack", alert["id"], "--reason", "on it", "--actor", "marie", *folder) == 0
    assert call("alerts", "show", alert["id"], *folder) == 0
    assert "Being seen to by marie: on it" in capsys.readouterr().out
    assert call("alerts", *folder[:-1], "fr") == 0
    assert "le disque se remplit" in capsys.readouterr().out
    assert call("alerts", "show", "ALE-none", *folder) == 2
    assert "No alert bears the number ALE-none" in capsys.readouterr().err
