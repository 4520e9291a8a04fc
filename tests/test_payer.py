"""The payer's letters and how to reach it: dated, in both languages, and without any host of the payer."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from support.command import call

from gateway.clock import TORONTO
from gateway.errors import ConfigError
from gateway.payer import Directory, Hours, Letters, contacts, keep, letters, shelves
from gateway.payer.hours import clock_time, weekday
from gateway.resources import data_dir

DAY = date(2026, 11, 25)  # a Wednesday
HOURS = Hours.parse({"mon": "08:30-16:30", "wed": "10:30-16:30"})
OWN = """
[[contact]]
service = "professionals"
from = 2026-06-01
phones = [{ region = "quebec", number = "418 555-0123" }]
email = "aide@payeur.example"
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO)


def directory(*own: Path) -> Directory:
    folders = (*shelves(), *own)
    return Directory.load(folders, Letters.load(folders))


@pytest.mark.parametrize(
    ("moment", "until", "opens"),
    [
        ("2026-11-25T08:45", None, "2026-11-25T10:30"),  # Wednesday, later than other days
        ("2026-11-25T10:30", "2026-11-25T16:30", None),
        ("2026-11-25T16:29", "2026-11-25T16:30", None),
        ("2026-11-25T16:30", None, "2026-11-30T08:30"),
        ("2026-11-28T12:00", None, "2026-11-30T08:30"),  # Saturday
        ("2026-11-01T01:30", None, "2026-11-02T08:30"),  # the night the clocks go back
    ],
)
def test_a_service_is_open_or_opens_next(moment: str, until: str | None, opens: str | None) -> None:
    now = HOURS.at(at(moment))
    assert (now.until, now.opens) == (until and at(until), opens and at(opens))


def test_a_holiday_is_closed_and_a_service_that_never_opens_says_so() -> None:
    assert HOURS.at(at("2026-11-25T11:00"), {date(2026, 11, 25)}.__contains__).opens == at("2026-11-30T08:30")
    assert Hours({}).at(at("2026-11-25T11:00")).opens is None


def test_a_moment_in_utc_is_read_in_quebec() -> None:
    assert HOURS.at(datetime(2026, 11, 25, 15, 30, tzinfo=UTC)).is_open  # 10:30 there
    assert not HOURS.at(datetime(2026, 11, 25, 15, 29, tzinfo=UTC)).is_open


def test_times_are_written_as_quebec_writes_them() -> None:
    assert [clock_time(t, "fr") for t in (time(10, 30), time(9))] == ["10 h 30", "9 h"]
    assert [clock_time(t, "en") for t in (time(8, 30), time(9))] == ["8:30", "9:00"]
    assert (weekday(DAY, "fr"), weekday(DAY, "en")) == ("mercredi", "Wednesday")


def test_of_every_way_the_newest_is_shown_with_its_letter() -> None:
    found = directory().service("professionals", DAY)
    assert found is not None
    said = {way: fact.letter and fact.letter.id for way, fact in found.ways.items()}
    assert said == {
        "phones": "375",
        "choose": "375",
        "email": "375",
        "fax": "facturacte-accreditation",
        "hours": "facturacte-accreditation",
        "post": "034",
    }
    assert len(found.older["phones"]) == 2


def test_a_service_is_known_as_it_was_on_a_day() -> None:
    found = directory().service("professionals", date(2017, 1, 1))
    assert found is not None
    assert found.ways["phones"].since == date(2016, 5, 2)
    assert directory().services(date(2010, 1, 1)) == []


def test_forms_go_to_the_fax_and_the_box_the_letter_names() -> None:
    found = directory().service("accreditation", DAY)
    assert found is not None
    assert [line.number for line in found.ways["fax"].value] == ["418 646-8110"]
    assert "C. P. 6600, succ. Terminus" in found.ways["post"].value


def test_no_host_of_the_payer_travels_with_the_program() -> None:
    for file in (data_dir("config") / "ramq").glob("*.toml"):
        assert not re.search(r"[\w.]@\w+\.\w|https?:|www\.|\.(ca|qc|com|org)\b", file.read_text("utf-8")), file


def test_every_rule_a_letter_names_exists() -> None:
    written = "".join(file.read_text("utf-8") for file in data_dir("schemas").glob("*/rules.toml"))
    known = set(re.findall(r'^code = "(\w+)"', written, re.MULTILINE))
    named = {rule for letter in Letters.load(shelves()).every() for change in letter.changes for rule in change.rules}
    assert named <= known
    assert {"956", "SUBMISSION_LIMIT"} <= named


def test_a_rule_leads_to_the_letter_it_rests_on_on_that_day() -> None:
    register = Letters.load(shelves())
    assert [letter.id for letter, _ in register.changing("956", date(2018, 4, 1))] == ["375"]
    assert register.changing("956", date(2018, 3, 31)) == []
    assert [letter.id for letter, _ in register.changing("paper_1200", date(2016, 12, 31))] == ["034"]
    assert register.changing("paper_1200", date(2017, 1, 1)) == []


def test_a_letter_of_ones_own_replaces_the_programs(tmp_path: Path) -> None:
    own = '[[letter]]\nid = "375"\ndate = 2018-03-01\nsubject = { fr = "Corrigée", en = "Corrected" }\n'
    (tmp_path / "letters@2026-01-01.toml").write_text(own, "utf-8")
    assert Letters.load((*shelves(), tmp_path)).get("375", "").subject.en == "Corrected"


@pytest.mark.parametrize(
    "text",
    [
        '[[letter]]\nid = "1"\nsubject = { fr = "a", en = "b" }',
        '[[letter]]\nid = "1"\ndate = 2020-01-01\nno_earlier_than = 2020-01-01\nsubject = { fr = "a", en = "b" }',
        '[[letter]]\nid = "1"\ndate = "2020-01-01"\nsubject = { fr = "a", en = "b" }',
    ],
)
def test_a_letter_is_dated_or_says_what_it_cannot_precede(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"own\.toml"):
        letters.check(file)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("418 555-0123", "418-555-0123"),
        ("from = 2026-06-01\n", ""),
        ('"aide@payeur.example"', '"aide@payeur.example"\nhours = { wed = "16:30-10:30" }'),
        ('"aide@payeur.example"', '"aide@payeur.example"\nhours = { mer = "10:30-16:30" }'),
        ("from = 2026-06-01", 'letter = "377"'),
    ],
)
def test_a_file_of_contacts_is_judged_before_it_is_kept(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, "utf-8")
    assert contacts.check(file, Letters.load(shelves())) == 1
    file.write_text(OWN.replace(before, after), "utf-8")
    with pytest.raises(ConfigError, match=r"own\.toml"):
        contacts.check(file, Letters.load(shelves()))


def test_other_bytes_never_replace_what_is_kept_for_a_day(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, "utf-8")
    kept = keep(file, tmp_path / "var", "contacts", DAY)
    assert keep(file, tmp_path / "var", "contacts", DAY) == kept
    file.write_text(OWN.replace("0123", "0199"), "utf-8")
    with pytest.raises(ConfigError, match="2026-11-25"):
        keep(file, tmp_path / "var", "contacts", DAY)


def test_the_command_says_when_it_opens_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ("--state-dir", str(tmp_path / "var"))
    assert call("contacts", "--today", "2026-11-25", "--lang", "fr", *state) == 0
    assert "ouvre mercredi 10 h 30" in capsys.readouterr().out
    assert call("contacts", "--today", "2026-11-25", "--lang", "en", *state) == 0
    assert "opens Wednesday 10:30" in capsys.readouterr().out
    assert call("contacts", "--today", "2026-11-24T09:00", "--lang", "fr", *state) == 0
    assert "ouvert jusqu'à 16 h 30" in capsys.readouterr().out
    assert call("contacts", "--today", "2026-06-24T09:00", "--lang", "fr", *state) == 0  # the Fête nationale
    assert "ouvre jeudi 8 h 30" in capsys.readouterr().out
    assert call("contacts", "--today", "mardi", *state) == 2


def test_what_an_operator_imports_is_the_newest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, state = tmp_path / "own.toml", ("--state-dir", str(tmp_path / "var"))
    file.write_text(OWN, "utf-8")
    assert call("contacts", "import", str(file), *state) == 0
    capsys.readouterr()
    assert call("contacts", "--today", "2026-11-25", "--json", *state) == 0
    found = next(s for s in json.loads(capsys.readouterr().out) if s["service"] == "professionals")
    assert found["ways"]["email"] == {"value": "aide@payeur.example", "since": "2026-06-01", "letter": None}
    assert found["ways"]["fax"]["letter"] == "facturacte-accreditation"
    assert found["opens"].startswith("2026-11-25T10:30")
    assert call("contacts", "--all", "--lang", "en", *state) == 0
    assert "before" in capsys.readouterr().out


def test_the_register_is_shown_whole_by_rule_and_by_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ("--state-dir", str(tmp_path / "var"))
    assert call("letters", "show", "--json", *state) == 0
    assert len(json.loads(capsys.readouterr().out)) == 5
    assert call("letters", "show", "--rule", "956", "--on", "2026-01-01", "--lang", "fr", *state) == 0
    said = capsys.readouterr().out
    assert "infolettre 375 (2018-02-28)" in said
    assert said.count("  – ") == 1
    assert call("letters", "show", "376", "--lang", "en", *state) == 2
    assert '"375"' in capsys.readouterr().err
    assert call("letters", "show", "--rule", "NOTHING", *state) == 0
