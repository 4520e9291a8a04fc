"""`gateway registry show|history|import|drift` and `gateway find`: what they answer, in both languages."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.models import Event
from gateway.registry.tabular import read_sheet

CONFIG = """
[gateway]
state_dir = "state"
[[payer]]
name = "sandbox"
formats = ["ramq-rfp"]
environment = "test"
host = "127.0.0.1"
"""
REGISTRY = """
[[developer]]
number = "18001"
name = "Logiciels Érable"
  [[developer.software]]
  name = "FactSoft"
  version = "4.2"
[[practitioner]]
number = "231234"
profession = "dentist"
  [[practitioner.other_number]]
  number = "2312345"
  [[practitioner.standing]]
  standing = "retired"
  from = 2026-06-30
[[group]]
name = "Clinique des Tilleuls"
  [[group.member]]
  practitioner = "231234"
[[agency]]
name = "Tilleuls"
kind = "in_practice"
group = "Clinique des Tilleuls"
payers = ["sandbox"]
migrated_on = 2017-01-01
  [[agency.number]]
  payer = "sandbox"
  number = "18002"
  from = 2017-01-01
    [[agency.number.suspension]]
    from = 2025-01-01
    to = 2025-01-31
[[agency]]
name = "Laurier"
kind = "commercial"
payers = ["sandbox"]
[[account]]
id = "personal:231234"
kind = "personal"
practitioners = ["231234"]
[[account]]
id = "admin:12345"
kind = "admin_collective"
practitioners = ["231234", "231235"]
[[accreditation]]
account = "personal:231234"
agency = "Tilleuls"
from = 2020-01-01
[[accreditation]]
account = "admin:12345"
agency = "Laurier"
from = 2020-01-01
[[mandate]]
account = "admin:12345"
agency = "Laurier"
from = 2020-01-01
signatories = ["2312345"]
[[statement_coordinates]]
account = "personal:231234"
route = "paper"
"""
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose registry is applied, to copy."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "registry.toml").write_text(REGISTRY, encoding="utf-8")
    told = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(told), pytest.raises(SystemExit) as left:
        main(["registry", "apply", "registry.toml", "--lang", "en", "--actor", "Rose Tremblay-Essai"])
    assert left.value.code == 0
    assert "mandate (2788) is not signed by 231235" in told.getvalue()
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_ACTOR", "Rose Tremblay-Essai")

    def call(*words: str, lang: str = "en") -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main([*words, "--lang", lang])
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out + told.err

    return call


def test_an_account_is_shown_on_a_day_under_either_form_of_its_number(run: Run) -> None:
    for name in ("personal:231234", "personal:2312345"):
        code, said = run("registry", "show", name, "--on", "2026-07-01")
        assert code == 0
        for word in ("Tilleuls (18002) [2020-01-01 – …]", "231234 (retired)", "paper"):
            assert word in said
    assert "Tilleuls (18002)" not in run("registry", "show", "personal:231234", "--on", "2019-12-31")[1]
    assert "nobody" not in run("registry", "show", "nobody")[1].replace('"nobody"', "")
    assert run("registry", "show", "nobody")[0] == 2


def test_what_was_known_on_a_day_is_not_what_is_known_now(run: Run) -> None:
    code, said = run("registry", "show", "personal:231234", "--known-on", "2020-06-01")
    assert (code, "Nothing in the registry" in said or "Tilleuls" not in said) == (2, True)


def test_history_tells_each_version_who_said_it_and_till_when_it_was_believed(run: Run) -> None:
    whole = REGISTRY[REGISTRY.index("[[accred") :].partition("\n[[")[0]
    closing = whole + "\nto = 2026-01-31\n"
    Path("closing.toml").write_text(closing, encoding="utf-8")
    assert run("registry", "apply", "closing.toml", "--actor", "Jean Essai")[0] == 0
    _, said = run("registry", "history", "personal:231234", lang="fr")
    first = next(line for line in said.splitlines() if "[2020-01-01 – …]" in line and "accréditation" in line)
    last = next(line for line in said.splitlines() if "[2020-01-01 – 2026-01-31]" in line)
    assert "Rose Tremblay-Essai" in first
    assert "tenu pour vrai jusqu'au" in first
    assert "(Jean Essai)" in first
    assert "Jean Essai" in last
    assert "tenu pour vrai" not in last
    _, told = run("registry", "history", "18002", "--json")
    kinds = {entry["kind"] for entry in json.loads(told)}
    assert kinds == {"number", "agency"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("18001", {"developer"}),
        ("18002", {"transmission number", "agency", "password"}),
        ("231234", {"practitioner", "account"}),
        ("2312345", {"practitioner", "account"}),
        ("12345", {"account"}),
        ("admin:12345", {"account"}),
        ("Clinique des Tilleuls", {"group"}),
    ],
)
def test_find_tells_everything_that_bears_a_name_and_the_next_command(run: Run, text: str, kinds: set[str]) -> None:
    code, said = run("find", text, "--json")
    rows = json.loads(said)
    assert (code, {row["kind"] for row in rows}) == (0, kinds)
    for row in rows:
        assert row["next"].startswith("gateway ")
        assert run(*row["next"].replace("'", "").split(maxsplit=3)[1:])[0] == 0


def test_find_says_when_nothing_bears_the_name(run: Run) -> None:
    assert run("find", "018002")[0] == 1


def test_no_drift_is_said(run: Run) -> None:
    code, said = run("registry", "drift")
    assert (code, "declared software" in said) == (0, True)


# -- spreadsheets --


PEOPLE = "Numéro;Nom;Profession;Classe;Autre numéro;Statut;Statut depuis\n"


def test_practitioners_of_a_windows_spreadsheet_are_taken_and_every_refused_row_is_told(run: Run) -> None:
    rows = [
        "271111;Zoé Éssai;dentist;2;2711111;;",
        "27111;Trop Court;dentist;2;;;",
        "",
        "271112;Autre Métier;plombier;2;;;",
        "271113;Mal Daté;dentist;2;;retired;30/06/2026",
        "271111;Deux Fois;dentist;2;;;",
    ]
    file = Path("gens.csv")
    file.write_bytes((PEOPLE + "\r\n".join(rows)).encode("cp1252"))
    code, said = run("registry", "import", "practitioners", "gens.csv", lang="fr")
    assert code == 1
    for line, column in ((3, "number"), (5, "profession"), (6, "standing_from"), (7, "number")):
        assert f"! gens.csv:{line} : {column}" in said
    assert "+ professionnel 271111 (dentist)" in said
    assert "5 lignes lues, dont 4" in said
    assert run("registry", "show", "2711111")[0] == 0
    good = PEOPLE + rows[0]
    file.write_text(good, encoding="utf-8-sig")
    code, said = run("registry", "import", "practitioners", "gens.csv")
    assert (code, "Nothing to do" in said) == (0, True)


def test_accounts_of_a_spreadsheet_bring_their_accreditations_and_a_contradiction_names_its_line(run: Run) -> None:
    head = "account,kind,practitioners,agency,from,to\n"
    good = "personal:271111,personal,271111,Tilleuls,2024-01-01,2025-12-31\n"
    good += "personal:271111,personal,,Laurier,2026-01-01,\n"
    Path("comptes.csv").write_text(head + good, encoding="utf-8")
    code, said = run("registry", "import", "accounts", "comptes.csv", "--dry-run")
    assert (code, "nothing was written" in said) == (0, True)
    assert run("registry", "import", "accounts", "comptes.csv")[0] == 0
    assert "Laurier" in run("registry", "show", "personal:271111", "--on", "2026-01-01")[1]
    wrong = (
        head + "personal:271112,personal,271112,Nobody,2026-01-01,\npersonal:271111,personal,,Tilleuls,2026-02-01,\n"
    )
    Path("comptes.csv").write_text(wrong, encoding="utf-8")
    code, said = run("registry", "import", "accounts", "comptes.csv")
    assert code == 1
    assert "comptes.csv:2" in said
    assert "comptes.csv:3" in said
    assert "Nothing was applied" in said


def test_a_spreadsheet_that_names_no_column_we_need_is_refused(run: Run) -> None:
    Path("x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    code, said = run("registry", "import", "accounts", "x.csv")
    assert (code, "account, kind" in said) == (2, True)
    assert run("registry", "import", "agencies", "x.csv")[0] == 2


def test_a_row_of_the_mac_or_a_cell_with_a_line_break_keeps_its_line(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text('number,profession,name\n271111,dentist,"Deux\nlignes"\n2711,dentist,x\n', encoding="utf-8")
    sheet = read_sheet(file, "practitioners")
    assert len(sheet.said.practitioners) == 1
    assert f"{file}:4" in sheet.refused[0]["fr"]


def test_every_event_names_who_did_it(run: Run) -> None:
    assert Event.__tablename__ == "event"
    code, said = run("registry", "history", "Tilleuls")
    assert (code, "Rose Tremblay-Essai" in said) == (0, True)
