"""The register of confidentiality incidents: what an entry needs, what cannot be, its notices, how long it is kept."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from support.command import call
from support.registry import one_agency

from gateway import incidents
from gateway.app import open_app
from gateway.clock import SystemClock, today
from gateway.config import load
from gateway.models import Event, Incident
from gateway.store import moves

CANARY = "canari-4b1d"


def entry(**values: Any) -> Incident:
    facts: dict[str, Any] = {"id": "INC-1", "opened_at": datetime(2026, 3, 2, tzinfo=UTC), "opened_by": "Rose"}
    return Incident(**{**facts, "origin": "person", "aware_on": date(2026, 3, 2), **values})


WHOLE: dict[str, Any] = {
    "information": "statements",
    "circumstances": "handed over to another agency",
    "began_on": date(2026, 3, 1),
    "persons": 3,
    "residents": 2,
    "serious": False,
    "reasoning": "the agency destroyed them",
    "measures": "the registry was corrected",
}


def test_an_entry_lacks_notices_only_where_the_risk_is_serious() -> None:
    assert incidents.missing(entry(**WHOLE)) == []
    assert incidents.missing(entry(**WHOLE | {"serious": True})) == ["commission_on", "persons_on"]
    assert incidents.missing(entry(**WHOLE | {"serious": None, "persons": None})) == ["persons", "serious"]
    assert incidents.missing(entry(**WHOLE | {"persons": 0, "residents": 0})) == []
    assert incidents.standing(entry(**WHOLE)) == "complete"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"ended_on": date(2026, 2, 1)}, "end_before_start"),
        ({"began_on": date(2026, 3, 3)}, "aware_before_start"),
        ({"commission_on": date(2026, 3, 1)}, "notice_before_aware"),
        ({"persons_on": date(2027, 1, 1)}, "in_future"),
        ({"residents": 4}, "more_residents"),
    ],
)
def test_what_cannot_be_is_named(values: dict[str, Any], why: str) -> None:
    assert incidents.wrong(entry(**WHOLE | values), date(2026, 6, 1)) == [why]


def test_an_entry_is_kept_five_years_from_the_day_it_was_learned_of() -> None:
    assert incidents.kept_until(entry()) == date(2031, 3, 2)
    assert incidents.kept_until(entry(aware_on=date(2028, 2, 29))) == date(2033, 3, 1)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_notice_says_what_is_known_and_leaves_a_blank_for_the_rest(lang: str) -> None:
    said = incidents.notice(entry(**WHOLE), "commission", lang, date(2026, 3, 5))
    for text in ("handed over to another agency", "2026-03-01", "INC-1", "________", "the agency destroyed them"):
        assert text in said
    to_persons = incidents.notice(entry(**WHOLE), "persons", lang, date(2026, 3, 5))
    assert "the agency destroyed them" not in to_persons
    assert "  3\n" not in to_persons


@pytest.fixture
def at(tmp_path: Path) -> tuple[str, ...]:
    return one_agency(tmp_path)


def test_an_incident_is_entered_completed_and_closed(
    at: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert call(*words, *at) == code
        out = capsys.readouterr()
        return out.out + out.err

    on = str(today(SystemClock()))
    incident = ("audit", "incident")
    assert "No incident is entered" in said(*incident, "list")
    said(*incident, "new", "--circumstances", f"a letter went astray {CANARY}", "--from", on, "--record", "RET-9")
    (row,) = json.loads(said(*incident, "list", "--json"))
    assert (row["standing"], row["aware_on"], row["records"]) == ("incomplete", on, ["RET-9"])
    assert json.loads(said("status", "--json"))["incidents"] == 1
    assert "1 confidentiality incident(s)" in said("status")
    assert "Missing: Information concerned" in said(*incident, "close", row["id"], code=1)
    record = (*incident, "record", row["id"][-8:])
    assert "more Quebec residents than persons" in said(*record, "--persons", "1", "--residents", "2", code=2)
    assert "no number of persons" in said(*record, "--persons", "many", code=2)
    assert "one option at least" in said(*record, code=2)
    assert "say yes or no" in said(*record, "--serious", "maybe", code=2)
    words = ("--information", "a statement", "--reasoning", "it came back sealed", "--measures", "asked for it")
    assert "Missing: Risk" in said(*record, *words, "--persons", "1", "--residents", "1", "--contact", "418")
    assert "Notice to the Commission" in said(*record, "--serious", "yes")
    said(*record, "--commission-notified", on, "--persons-notified", on)
    shown = said(*incident, "show", row["id"])
    for text in ("complete, to be closed", "gateway show RET-9", "it came back sealed", "yes"):
        assert text in shown
    assert "NOTICE OF A CONFIDENTIALITY INCIDENT" in said(*incident, "show", row["id"], "--notice", "persons")
    assert said(*incident, "show", row["id"], "--notice", "nobody", code=2)
    assert "to be kept until" in said(*incident, "close", row["id"])
    assert "changes no more" in said(*record, "--persons", "5", code=2)
    assert "changes no more" in said(*incident, "close", row["id"], code=2)
    assert "No entry is called" in said(*incident, "show", "nothing", code=2)
    (kept,) = json.loads(said("audit", "export", "incidents", "--from", on, "--format", "json"))
    assert (kept["reasoning"], kept["persons"], kept["commission_on"]) == ("it came back sealed", 1, on)
    assert "it came back sealed" in said("audit", "export", "incidents", "--from", on)
    then = ("--from", "2020-01-01", "--to", "2020-01-31", "--format", "json")
    assert json.loads(said("audit", "export", "incidents", *then)) == []
    with open_app(load(tmp_path / "gateway.toml")) as app, app.store.read() as tx:
        assert moves.verify_chain(tx) is None
        events = [e for e in tx.session.exec(select(Event)) if e.record_kind == "incident"]
        assert [e.reason for e in events][0::5] == ["incident_opened"]
        assert events[-1].reason == "incident_closed"
        assert all(CANARY not in str(e.detail) for e in events)
