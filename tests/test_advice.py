"""Through which channel, by which form, until when: every case of the letters, one line each with its source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.command import call

from gateway import catalog, limits
from gateway.advice import PROFESSIONS, Cases, Known, Question, advise
from gateway.errors import CatalogError, ConfigError
from gateway.limits import Limits, Who
from gateway.payer import shelves
from gateway.resources import data_dir


def day(text: str) -> date:
    return date.fromisoformat(text)


def known(*folders: Path) -> Known:
    families = catalog.load([*folders, data_dir("schemas")]).families.values()
    by_system = {str(f.settings["system"]): limits.of(f.settings) for f in families if "system" in f.settings}
    return Known(Cases.load(shelves()), by_system)


KNOWN = known()

WHOSE = {"dental": ("dentist", "oral_surgeon", "optometrist"), "physicians": ("general_practitioner", "specialist")}
PAPER = {"dentist": "1670", "oral_surgeon": "1670", "optometrist": "1500"}


def lines() -> list[tuple[str, dict[str, str]]]:
    """(profession, the line's cells by its head) of every line of the table."""
    text = (Path(__file__).parent / "cases" / "advice.txt").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line and line[0] != "#"]
    made = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return [(who, row) for row in made for name in row["whose"].split() for who in WHOSE.get(name, (name,))]


@pytest.mark.parametrize(("who", "row"), lines(), ids=[f"{row['source']}-{row['case']}-{who}" for who, row in lines()])
def test_every_case_of_the_letters(who: Any, row: dict[str, Any]) -> None:
    asked = Question(
        profession=who,
        service=day(row["service"]),
        today=day(row["today"]),
        kind=row["kind"],
        first_billed=row["billed"],
        old_software=row["old"] or None,
        statement=day(row["statement"]) if row["statement"] else None,
    )
    found = advise(asked, KNOWN)
    assert (found.case, found.channel) == (row["case"], row["channel"])
    assert [form.number for form in found.forms] == ([PAPER[who]] if "/" in row["forms"] else row["forms"].split())
    assert (found.due.last.isoformat() if found.due else "") == row["last"]
    assert found.days_left == ((day(row["last"]) - asked.today).days if row["last"] else None)
    assert found.says["fr"] != found.says["en"]


def test_every_case_of_the_file_has_its_line_in_the_table() -> None:
    by_asker = {"facturacte-not-for-agencies", "facturacte-account-tied", "forms-not-for-staff"}  # below
    assert {case.id for case in KNOWN.cases.cases} == {row["case"] for _, row in lines()} | by_asker


DENTIST_2017 = Question(
    profession="dentist",
    service=date(2017, 12, 1),
    today=date(2018, 4, 10),
    first_billed="old",
    old_software="no",
    statement=date(2018, 2, 1),
    refused="DEM-7",
)


def test_what_to_write_on_the_paper_form() -> None:
    marks = {mark.box["fr"]: mark.value["fr"] for mark in advise(DENTIST_2017, KNOWN).marks}
    assert marks == {
        "date du service": "2017-12-01",
        "C.S.": "B",
        "Diagnostic principal et renseignements complémentaires": "DEM-7 2018-02-01",
    }
    blank = advise(replace(DENTIST_2017, refused=None, statement=None), KNOWN)
    assert "numéro de la demande refusée" in blank.marks[2].value["fr"]
    assert any("--statement-date" in warning["en"] for warning in blank.warnings)


def test_the_ninetieth_day_is_the_last_and_the_next_is_too_late() -> None:
    last = advise(replace(DENTIST_2017, today=date(2018, 5, 2)), KNOWN)
    assert (last.days_left, last.too_late) == (0, False)
    assert advise(replace(DENTIST_2017, today=date(2018, 5, 3)), KNOWN).too_late


def test_without_the_fact_that_decides_the_earliest_limit_counts_and_the_fact_is_asked_for() -> None:
    open_question = advise(replace(DENTIST_2017, old_software=None), KNOWN)
    assert (open_question.channel, open_question.missing) == ("depends", ("old_software",))
    assert {"375-2.1", "375-2.2-paper"} <= set(open_question.may_be)
    assert open_question.due is not None
    assert open_question.due.last == date(2018, 5, 2)


@pytest.mark.parametrize("who", PROFESSIONS)
def test_facturacte_is_never_for_an_agency_nor_with_an_account_tied_to_one_that_has_not_migrated(who: Any) -> None:
    asked = Question(profession=who, service=date(2026, 11, 2), today=date(2026, 11, 22), via="facturacte")
    assert advise(replace(asked, by="commercial_agency"), KNOWN).channel == "agency_software"
    tied = advise(replace(asked, account="not_migrated"), KNOWN)
    assert tied.channel == "new_account"
    assert "papier" in tied.notes[0]["fr"]
    assert advise(replace(asked, account="migrated"), KNOWN).channel != "new_account"


def test_hourly_forms_cannot_be_delegated_and_want_two_responsible_persons() -> None:
    asked = Question(profession="dentist", service=date(2026, 11, 2), today=date(2026, 11, 22), kind="hourly")
    for by in ("staff", "commercial_agency"):
        found = advise(replace(asked, by=by), KNOWN)  # type: ignore[arg-type]
        assert (found.case, [form.number for form in found.forms]) == ("forms-not-for-staff", ["1215"])
        assert any("deux responsables" in note["fr"] for note in found.notes)


def test_a_modification_that_adds_a_late_service_is_warned_of() -> None:
    asked = Question(
        profession="dentist", service=date(2026, 6, 1), today=date(2026, 11, 22), first_billed="new",
        statement=date(2026, 11, 20), adds=date(2026, 6, 1),
    )  # fmt: skip
    assert any("2026-08-30" in warning["en"] for warning in advise(asked, KNOWN).warnings)
    assert advise(replace(asked, adds=date(2026, 11, 1)), KNOWN).warnings == ()


def test_odd_dates_are_told() -> None:
    asked = replace(DENTIST_2017, statement=date(2017, 11, 1), today=date(2017, 10, 1))
    said = [warning["en"] for warning in advise(asked, KNOWN).warnings]
    assert any("after the day of the question" in one for one in said)
    assert any("precedes the service" in one for one in said)


# -- limits: dated, confirmed or not, extended --

RFP = KNOWN.limits["RFP"]
PHYSICIAN = Who(frozenset({"specialist"}))


def own_limits(folder: Path, text: str) -> Limits:
    (folder / "tables" / "ramq-rfp").mkdir(parents=True)
    (folder / "tables" / "ramq-rfp" / "limits.toml").write_text(text, encoding="utf-8")
    return known(folder / "schemas").limits["RFP"]


def test_while_a_change_is_not_confirmed_the_earlier_day_counts_and_the_other_is_shown() -> None:
    counted = RFP.submission(date(2026, 11, 1), PHYSICIAN)
    assert counted is not None
    assert (counted.last, counted.limit.confirmed) == (date(2026, 12, 16), False)
    assert [last for _, last in counted.others] == [date(2027, 1, 30)]


def test_a_confirmed_change_settles_it(tmp_path: Path) -> None:
    text = '[[submission_limit]]\nfrom = 2026-01-01\ndays = 60\nletter = "400"\nprofessions = ["specialist"]\n'
    counted = own_limits(tmp_path, text).submission(date(2026, 11, 1), PHYSICIAN)
    assert counted is not None
    assert (counted.last, counted.limit.letter, counted.others) == (date(2026, 12, 31), "400", ())


def test_whose_it_is_not_known_gets_the_earliest_limit() -> None:
    counted = RFP.submission(date(2026, 11, 1), Who(None))
    assert counted is not None
    assert counted.limit.days == 45
    assert RFP.submission(date(2026, 11, 1), Who(frozenset({"dentist", "oral_surgeon"}))).limit.days == 90  # type: ignore[union-attr]
    assert RFP.submission(date(2010, 1, 1), Who(None)) is None


def test_an_extension_moves_the_last_day_only_of_whom_it_names_and_never_back(tmp_path: Path) -> None:
    text = """
    [[extension]]
    of = "submission"
    until = 2027-06-30
    letter = "accord rétroactif, infolettre 500"
    professions = ["specialist"]
    from = 2026-05-01
    to = 2026-06-30
    [[extension]]
    of = "submission"
    until = 2026-09-01
    letter = "facturation tardive autorisée"
    practices = ["212345"]
    [[extension]]
    of = "change"
    until = 2027-06-30
    letter = "à confirmer"
    confirmed = false
    """
    own = own_limits(tmp_path, text)
    one = own.submission(date(2026, 6, 1), PHYSICIAN)
    assert one is not None
    assert one.extension is not None
    assert (one.last, one.extension.letter) == (date(2027, 6, 30), "accord rétroactif, infolettre 500")
    for service, who in ((date(2026, 7, 1), PHYSICIAN), (date(2026, 6, 1), Who(frozenset({"dentist"})))):
        assert own.submission(service, who).extension is None  # type: ignore[union-attr]
    late = Who(frozenset({"dentist"}), practice="212345")
    assert own.submission(date(2026, 5, 1), late).last == date(2026, 9, 1)  # type: ignore[union-attr]
    assert own.submission(date(2026, 8, 1), late).last == date(2026, 10, 30)  # type: ignore[union-attr]
    assert own.change(date(2026, 6, 1), late).extension is None  # type: ignore[union-attr]
    assert own.by_practice
    assert not RFP.by_practice


@pytest.mark.parametrize(
    "text",
    [
        "[[submission_limit]]\nfrom = 2026-01-01\n",
        "[[submission_limit]]\nfrom = 2026-01-01\ndays = '45'\n",
        "[[extension]]\nof = 'anything'\nuntil = 2026-01-01\n",
        "[[extension]]\nof = 'change'\nuntil = 2026-01-01\nprofession = 'dentist'\n",
        "[[limit]]\n",
        "days = \n",
    ],
)
def test_a_wrong_limit_of_ones_own_is_told_with_its_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"limits\.toml"):
        own_limits(tmp_path, text)


def test_a_case_of_ones_own_comes_first_and_must_name_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "payer").mkdir()
    file = tmp_path / "payer" / "advice@2027-01-01.toml"
    case = (
        '[[case]]\nid = "own"\nletter = "375"\nchannel = "ask"\nkinds = ["travel"]\n{}says = {{ fr = "f", en = "e" }}\n'
    )
    file.write_text(case.format(""), encoding="utf-8")
    own = Known(Cases.load(shelves(tmp_path)), KNOWN.limits)
    asked = Question(profession="dentist", service=date(2026, 1, 1), today=date(2026, 2, 1), kind="travel")
    assert advise(asked, own).case == "own"
    file.write_text(case.format('forms = ["9999"]\n'), encoding="utf-8")
    with pytest.raises(ConfigError, match="9999"):
        Cases.load(shelves(tmp_path))


# -- the command --


ASKED = ("--profession", "dentist", "--service-date", "2017-12-01", "--first-billed", "old")


def test_the_command_answers_in_both_languages_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*ASKED, "--old-software", "no", "--statement-date", "2018-02-01")
    assert call("advise", *words, "--today", "2018-04-10", "--lang", "fr") == 0
    said = capsys.readouterr().out
    assert "1670" in said
    assert "infolettre 375 (2018-02-28), 2.2" in said
    assert call("advise", *words, "--today", "2018-05-03", "--lang", "en") == 1
    assert "passed 1 day(s) ago" in capsys.readouterr().out
    assert call("advise", *words, "--today", "2018-04-10", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["limit"]["last"], told["days_left"], told["marks"][1]["value"]["fr"]) == ("2018-05-02", 22, "B")


def test_the_command_says_what_it_needs_and_whom_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("advise", *ASKED, "--today", "2018-04-10", "--lang", "en") == 2
    assert "--old-software" in capsys.readouterr().out
    assert call("advise", "--profession", "dentist", "--lang", "en") == 2
    assert "--service-date" in capsys.readouterr().err
    assert call("advise", "--profession", "dentiste", "--service-date", "2018-01-01", "--lang", "en") == 2
    assert (
        call("advise", *ASKED[:4], "--old-software", "no", "--today", "2018-01-05", "--kind", "travel", "--lang", "fr")
        == 0
    )
    assert "Centre d'assistance aux professionnels" in capsys.readouterr().out
