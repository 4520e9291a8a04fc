"""Every procedure of the payer's letter 003 (and form 4319), one line each: the data say what the letter says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.applications.procedures import Book, Procedure, check
from gateway.errors import ConfigError
from gateway.payer import Letters, shelves

DAY = date(2026, 11, 25)
P, C = "personal", "admin_collective"
ALONE, ALL = (P, "admin_individual"), (P, "admin_individual", C)
NOBODY, APPLICANT, UNSTATED = "nobody", "applicant", "applicant (not stated)"
USERS, STAFF = "applicant_and_users", "user_and_authorisers"
FAX_POST = "fax post"
WEEKS, NOW, NONE = "4-6 weeks", "0 days", "–"
SOFTWARE = {"3988": ("3", "4"), "2404": ("",)}
# kind, route, accounts, forms → sections, who signs, how sent, number to, password to, password in, treated in, said by
TABLE = [
    # « Je veux faire ma propre facturation sans logiciel » : Je ne m'accrédite pas pour le moment; immédiat
    ("self_no_software", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "screen"),
    ("self_no_software", "account_opening", ALL, {}, NOBODY, "online fax post", None, None, None, NOW, "not_stated"),
    # « … avec logiciel » : numéro à l'écran, mot de passe en 3 jours; ou 3988 (3, 4) et 2404, courriel au développeur
    ("self_software", "online", ALONE, {}, NOBODY, "online", "applicant", "applicant", "3 days", NOW, "screen"),
    ("self_software", "form", ALL, SOFTWARE, UNSTATED, FAX_POST, "developer", "developer", None, WEEKS, "number"),
    # « … à un proche ou à un membre de mon personnel administratif », de façon exclusive
    ("relative", "online", ALONE, {}, NOBODY, "online", "applicant", "applicant", "3 days", NOW, "screen"),
    ("relative", "form", ALL, SOFTWARE, UNSTATED, FAX_POST, "developer", "developer", None, WEEKS, "number"),
    # « Je veux créer une agence dans mon lieu de pratique » : formulaire seulement, 3988 (2, 4), courriel au demandeur
    *[
        ("new_on_site", "form", ALL, forms, UNSTATED, FAX_POST, "applicant", "applicant", None, WEEKS, "number")
        for forms in [{"2404": ("",), "3988": ("2", "4")}]
    ],
    # « Je veux adhérer à l'agence déjà existante » : une demande par compte, lettre
    ("join_on_site", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "letter"),
    ("join_on_site", "form", ALL, {"2404": ("",)}, UNSTATED, FAX_POST, None, None, None, WEEKS, "letter"),
    # « J'adhère à une agence commerciale (professionnel seul) » : 2788 et 2404
    ("join_commercial", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "letter"),
    *[
        ("join_commercial", "form", ALONE, forms, UNSTATED, FAX_POST, None, None, None, WEEKS, "letter")
        for forms in [{"2788": ("",), "2404": ("",)}]
    ],
    # « … (regroupement) » : formulaire seulement, signé par tous les utilisateurs
    *[
        ("join_commercial_group", "form", (C,), forms, USERS, FAX_POST, None, None, None, WEEKS, "letter")
        for forms in [{"2788": ("",), "2404": ("",)}]
    ],
    # « Je change d'agence » : section 3 la nouvelle, section 4 l'actuelle et la fin du mandat; 2788 le cas échéant
    ("change_agency", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "letter"),
    *[
        ("change_agency", "form", ALL, forms, USERS, FAX_POST, None, None, None, WEEKS, "letter")
        for forms in [{"2404": ("3", "4", ""), "2788 if commercial": ("",)}]
    ],
    # « Je change de logiciel » : 3988, « Modifications », « Nouveau logiciel »
    ("change_software", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "screen"),
    ("change_software", "form", ALL, {"3988": ("", "")}, APPLICANT, FAX_POST, None, None, None, WEEKS, "not_stated"),
    # « Je mets fin à mon adhésion » : 2404, sections 1 et 4, tous les utilisateurs
    ("leave", "online", ALONE, {}, NOBODY, "online", None, None, None, NOW, "screen"),
    ("leave", "form", ALL, {"2404": ("1", "4")}, USERS, FAX_POST, None, None, None, WEEKS, "not_stated"),
    # 4319 (letter 034): the original, by post only; identifiers to whoever authorised
    *[
        ("staff_access", "form", ALL, forms, STAFF, "post", "authoriser", "authoriser", None, NONE, "identifiers")
        for forms in [{"4319": ("2", "3", "5")}]
    ],
]


@pytest.fixture(scope="module")
def book() -> Book:
    return Book.load(shelves())


def row(book: Book, found: Procedure) -> tuple[object, ...]:
    """A procedure as a line of the table."""
    forms = {
        book.form(needed.role, DAY).number + " if commercial" * (needed.when == "commercial"): tuple(
            section.number for section in needed.sections
        )
        for needed in found.forms
    }
    signs = found.signatories if found.signatories_stated else f"{found.signatories} (not stated)"
    in_days = f"{found.password_delay.days} days" if found.password_delay else None
    delay = found.delay
    treated = (
        NONE if delay is None else f"{delay.weeks[0]}-{delay.weeks[1]} weeks" if delay.weeks else f"{delay.days} days"
    )
    to = (found.number_to, found.password_to, in_days)
    how = (forms, signs, " ".join(found.send))
    return (found.kind, found.route, found.accounts, *how, *to, treated, found.confirmation)


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line[0]}-{line[1]}")
def test_a_procedure_is_what_the_letter_says(book: Book, line: tuple[object, ...]) -> None:
    assert [row(book, p) for p in book.procedures if (p.kind, p.route) == line[:2]] == [line]


def test_the_table_has_every_procedure(book: Book) -> None:
    assert sorted((p.kind, p.route) for p in book.procedures) == sorted((line[0], line[1]) for line in TABLE)


@pytest.mark.parametrize("kind", sorted({line[0] for line in TABLE}))
def test_a_collective_account_has_no_online_route(book: Book, kind: str) -> None:
    assert "online" not in book.routes(kind, C, DAY)


def test_a_new_agency_on_site_has_no_online_route_for_anyone(book: Book) -> None:
    assert {route for account in ALL for route in book.routes("new_on_site", account, DAY)} == {"form"}


def test_a_number_given_through_a_developer_waits_for_his_go_ahead(book: Book) -> None:
    assert {p.kind for p in book.procedures if p.go_ahead} == {"self_software", "relative"}
    assert {p.kind for p in book.procedures if p.exclusive} == {"relative"}


def test_only_the_4319_must_be_an_original(book: Book) -> None:
    assert {p.kind for p in book.procedures if p.original} == {"staff_access"}


def test_every_delay_by_form_runs_for_four_to_six_weeks(book: Book) -> None:
    by_form = [p for p in book.procedures if p.route == "form" and p.kind != "staff_access"]
    assert {p.delay.weeks if p.delay else None for p in by_form} == {(4, 6)}


def test_every_procedure_and_form_names_a_letter_of_the_register(book: Book) -> None:
    letters = Letters.load(shelves())
    for named in (*book.procedures, *book.forms):
        assert letters.get(named.letter or "", "").id == named.letter


RENAMED = """
[[form]]
role = "accreditation"
number = "9999"
from = 2027-01-01
title = { fr = "Gestion des comptes", en = "Managing accounts" }
"""
FASTER = """
[[procedure]]
kind = "leave"
route = "form"
accounts = ["personal"]
from = 2027-01-01
letter = "je-facture"
send = ["post"]
delay = { weeks = [2, 3] }
confirmation = "letter"
"""


def test_a_renamed_form_and_a_changed_delay_count_from_their_day(tmp_path: Path) -> None:
    (tmp_path / "forms@2026-12-01.toml").write_text(RENAMED, "utf-8")
    (tmp_path / "procedures@2026-12-01.toml").write_text(FASTER, "utf-8")
    book = Book.load((*shelves(), tmp_path))
    assert book.form("accreditation", date(2026, 12, 31)).number == "2404"
    assert book.form("accreditation", date(2027, 1, 1)).number == "9999"
    before, after = (book.find("leave", "form", P, day) for day in (date(2026, 12, 31), date(2027, 1, 1)))
    assert before is not None
    assert after is not None
    assert before.delay is not None
    assert (before.delay.weeks, after.send) == ((4, 6), ("post",))
    assert book.find("leave", "form", C, date(2027, 1, 1)) is not None  # the new one does not speak of it


def test_a_file_of_forms_is_judged_before_it_is_kept(tmp_path: Path) -> None:
    file, letters = tmp_path / "own.toml", Letters.load(shelves())
    file.write_text(RENAMED, "utf-8")
    assert check(file, "forms", letters) == 1
    file.write_text(RENAMED + 'letter = "99"', "utf-8")
    with pytest.raises(ConfigError, match="99"):
        check(file, "forms", letters)
    file.write_text(FASTER.replace("weeks = [2, 3]", "weeks = [3, 2]"), "utf-8")
    with pytest.raises(ConfigError, match=r"leave|procedure"):
        check(file, "procedures", letters)
