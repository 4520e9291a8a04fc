"""`gateway init`: each profile typed on a real terminal and answered by a file; nothing half made or made twice."""

from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import call

from gateway.cli.init import shapes
from gateway.cli.init.rehearsal import sandbox
from gateway.cli.init.shapes import Wrong
from gateway.messages import LANGUAGES

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ANSWERS = {
    "agency": f"""
        language = "en"
        profile = "agency"
        name = 'Agence "Laurier" & fils'
        number = "17001"
        payer = "depot.payeur.example:2022 {KEY}"
        accounts = ["231236", "12345=231234+231235"]
        since = 2026-01-05
        software = ["Dentix 2.1", "Factô & Soft"]
    """,
    "clinic": 'profile = "clinic"\nname = "Clinique des Tilleuls"\naccounts = ["245001"]\n',
    "developer": 'profile = "developer"\nnumber = "18042"\nsoftware = ["MonLogiciel 1.0"]\n',
}
IN_PLACE = "developer"  # the profile whose folder exists already, empty
# What is typed, line by line, after wrong answers where there are some.
TYPED = {
    "agency": ["en", "agency", "Agence Laurier", "18001", "17001", "", "12345", "12345=231234+231235", "", "Dentix"],
    "clinic": ["", "c", "", "", "", "", ""],
    "developer": ["fr", "nobody", "developer", "Boréal", "17001", "", "MonLogiciel 1.0"],
}


class Terminal:
    """The command line in a process of its own, at a terminal where somebody types."""

    def __init__(self, *words: str) -> None:
        self._end, inner = pty.openpty()
        self.said = ""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "GATEWAY"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", *words],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment | {"LANG": "C.UTF-8", "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(inner)

    def answer(self, line: str) -> None:
        """Wait until something is asked, then type a line."""
        self.until(lambda: self.said.endswith("] > "))
        os.write(self._end, f"{line}\n".encode())
        self.said += "\n"

    def until(self, done: Callable[[], bool]) -> None:
        """Read what is said until `done`."""
        while not done():
            self._read()

    def end(self) -> int:
        """Read the rest; give the exit code."""
        while self._read():
            pass
        os.close(self._end)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            data = os.read(self._end, 65536)
        except OSError:  # Linux: the other end is closed
            data = b""
        self.said += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`made(profile)`: an installation answered by a file, made once for all who only look at it."""
    folders: dict[str, Path] = {}

    def of(profile: str) -> Path:
        if profile not in folders:
            home = tmp_path_factory.mktemp(profile)
            if profile == IN_PLACE:
                (home / "ici").mkdir()
                (home / "inode").write_text(str((home / "ici").stat().st_ino))
            (home / "answers.toml").write_text(ANSWERS[profile], encoding="utf-8")
            assert call("init", str(home / "ici"), "--answers", str(home / "answers.toml")) == 0
            folders[profile] = home / "ici"
        return folders[profile]

    return of


def houses(folder: Path) -> Iterator[Path]:
    """Every house below a folder: the installation, and the one to practise in."""
    yield from (file.parent for file in folder.rglob("gateway.toml"))


def snapshot(folder: Path) -> dict[Path, Any]:
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in folder.rglob("*")}


@pytest.mark.parametrize("profile", shapes.PROFILES)
def test_an_installation_can_be_typed_at_any_terminal(profile: str, tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "ici"))
    for line in TYPED[profile]:
        terminal.answer(line)
    assert terminal.end() == 0, terminal.said
    assert "Traceback" not in terminal.said
    assert terminal.said.count("] > ") == len(TYPED[profile])
    assert [path.name for path in tmp_path.iterdir()] == ["ici"]
    page = "tomorrow.html" if profile == "agency" else "a-faire-demain.html"
    assert str(tmp_path / "ici" / page) in terminal.said


def test_at_most_eight_questions_are_asked(tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "ici"), "--lang", "en")
    for line in ("", "agency", "", "17001", "", "231236", ""):
        terminal.answer(line)
    terminal.until(lambda: "\n8. " in terminal.said.replace("\r", ""))
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "nothing was made" in terminal.said
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_answer_is_told_and_asked_again(tmp_path: Path) -> None:
    terminal = Terminal("init", str(tmp_path / "ici"), "--lang", "fr")
    for line in ("de", "fr", "personne"):
        terminal.answer(line)
    terminal.until(lambda: terminal.said.count("] > ") == 4)
    assert "« de » n’est pas un choix" in terminal.said
    assert "agency, clinic, developer" in terminal.said.rpartition("personne")[2]
    os.write(terminal._end, b"\x04")  # Ctrl-D: nobody answers any more
    assert terminal.end() == 2
    assert "rien n’a été créé" in terminal.said


def test_whoever_stops_it_at_work_leaves_nothing(tmp_path: Path) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(ANSWERS["clinic"], encoding="utf-8")
    terminal = Terminal("init", str(tmp_path / "ici"), "--answers", str(answers))
    while not list(tmp_path.glob(".ici.*.part/essai/lots/*/*")):
        time.sleep(0.02)
        assert terminal.process.poll() is None, terminal.end()
    terminal.process.send_signal(signal.SIGTERM)  # as Ctrl-C, or a terminal that closes
    assert terminal.end() == 130
    assert "Traceback" not in terminal.said
    assert [path.name for path in tmp_path.iterdir()] == ["answers.toml"]


@pytest.mark.parametrize("profile", shapes.PROFILES)
def test_what_was_made_is_well_and_works(
    profile: str, made: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made(profile)
    config = ("--config", str(folder / "gateway.toml"), "--lang", "en")
    assert call("doctor", *config) == 0
    assert call("once", "--fail-on-held", *config) == 0
    for house in houses(folder):
        registry = str(house / "registry.toml")
        capsys.readouterr()
        assert call("registry", "apply", registry, "--config", str(house / "gateway.toml"), "--lang", "en") == 0
        said = capsys.readouterr().out.splitlines()
        assert not [line for line in said if line.startswith(("+", "~", "-", "!"))], "the file says what is applied"


@pytest.mark.parametrize("profile", shapes.PROFILES)
def test_everything_is_its_owners_alone(profile: str, made: Callable[[str], Path]) -> None:
    folder = made(profile)
    found = [folder, *(path for path in folder.rglob("*") if not {"sandbox", "recus"}.intersection(path.parts))]
    assert not [path for path in found if path.is_dir() and stat.S_IMODE(path.stat().st_mode) != 0o700]
    for house in houses(folder):
        for file in (house / "gateway.toml", house / "registry.toml", house / "var/keys/master.key"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.parametrize("profile", shapes.PROFILES)
def test_the_test_lot_is_never_in_a_house_that_talks_to_the_payer(profile: str, made: Callable[[str], Path]) -> None:
    folder = made(profile)
    (practised,) = [house for house in houses(folder) if list(house.glob("retours/*/etat_*.xml"))]
    assert practised == (folder if profile == "developer" else folder / "essai")
    assert list(practised.glob("retours/*/recev_*.xml"))
    payers = tomllib.loads((practised / "gateway.toml").read_text("utf-8"))["payer"]
    assert [(payer["environment"], payer["host"]) for payer in payers] == [("test", "127.0.0.1")]
    kept = sandbox(practised)
    assert payers[0]["host_key"] == kept.host_key_line, "`gateway sandbox` is the payer this house knows"
    assert [user.temporary for user in kept.users()] == [False]


@pytest.mark.parametrize("profile", ["agency", "developer"])
def test_without_a_test_lot_the_same_houses_are_made_and_nothing_is_sent(
    profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(ANSWERS[profile], encoding="utf-8")
    assert call("init", str(tmp_path / "ici"), "--answers", str(answers), "--no-test-lot") == 0
    folder = tmp_path / "ici"
    assert {house.name for house in houses(folder)} == ({"ici"} if profile == "developer" else {"ici", "essai"})
    assert not [file for box in ("lots", "retours") for file in folder.rglob(f"{box}/*/*")]
    practising = folder if profile == "developer" else folder / "essai"
    assert [user.temporary for user in sandbox(practising).users()] == [True]
    capsys.readouterr()
    assert call("status", "--json", "--config", str(practising / "gateway.toml")) == 0
    assert sum(json.loads(capsys.readouterr().out)["batches"].values()) == 0
    for page in ("a-faire-demain.txt", "tomorrow.txt"):
        assert "--no-test-lot" in (folder / page).read_text("utf-8")


def test_an_agency_gets_its_own_answers_back(made: Callable[[str], Path]) -> None:
    folder = made("agency")
    config = tomllib.loads((folder / "gateway.toml").read_text("utf-8"))
    (payer,) = config["payer"]
    assert (payer["environment"], payer["host"], payer["port"]) == ("production", "depot.payeur.example", 2022)
    assert payer["host_key"] == KEY
    registry = tomllib.loads((folder / "registry.toml").read_text("utf-8"))
    (agency,) = registry["agency"]
    assert (agency["name"], agency["kind"]) == ('Agence "Laurier" & fils', "commercial")
    assert agency["number"][0]["number"] == "17001"
    assert [source["name"] for source in agency["source"]] == ["dentix", "facto-soft"]
    assert [(a["id"], a["kind"]) for a in registry["account"]] == [
        ("personal:231236", "personal"),
        ("admin:12345", "admin_collective"),
    ]


def test_what_nobody_knows_yet_waits_as_a_comment(made: Callable[[str], Path]) -> None:
    folder = made("clinic")
    text = (folder / "gateway.toml").read_text("utf-8")
    assert "payer" not in tomllib.loads(text)
    registry = (folder / "registry.toml").read_text("utf-8")
    assert "number" not in tomllib.loads(registry)["agency"][0]
    for line in ("# [[payer]]", '# payers = ["regie"]'):
        assert line in text + registry
    assert "Demandez votre numéro de transmission" in (folder / "a-faire-demain.txt").read_text("utf-8")
    agency = made("agency")
    assert "Obtain your transmission number" not in (agency / "tomorrow.txt").read_text("utf-8")


@pytest.mark.parametrize("profile", shapes.PROFILES)
def test_the_page_is_in_both_languages_and_fetches_nothing(profile: str, made: Callable[[str], Path]) -> None:
    folder = made(profile)
    for name in ("a-faire-demain", "tomorrow"):
        page, text = ((folder / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "txt"))
        assert not [word for word in ("<script", "src=", "<link", "@import", "url(") if word in page]
        assert str(folder) in page
        assert str(folder) in text
        assert ".part" not in page + text
        assert "1. " in text


def test_a_second_run_changes_nothing_and_says_so(
    made: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made("clinic")
    before = snapshot(folder)
    assert call("init", str(folder), "--lang", "en") == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert snapshot(folder) == before


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    before = snapshot(tmp_path)
    assert call("init", str(tmp_path), "--answers", "never-read.toml", "--lang", "en") == 2
    assert "not empty" in capsys.readouterr().err
    assert call("init", str(tmp_path / "letter.txt"), "--lang", "en") == 2
    assert call("init", str(tmp_path / "no" / "where"), "--lang", "en") == 2
    assert "does not exist" in capsys.readouterr().err
    assert snapshot(tmp_path) == before


def test_an_empty_folder_is_filled_in_place(made: Callable[[str], Path]) -> None:
    folder = made(IN_PLACE)
    assert folder.stat().st_ino == int((folder.parent / "inode").read_text()), "somebody may stand in it"
    assert sorted(path.name for path in folder.parent.iterdir()) == ["answers.toml", "ici", "inode"]


def test_without_a_terminal_a_sentence_asks_for_a_file(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "gateway", "init", str(tmp_path / "ici"), "--lang", "en"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--answers" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "profile"),
        ('profile = "agency"\nnumero = "17001"', "numero"),
        ('profile = "agency"\nnumber = "18001"', "number: `18001` is no real transmission number"),
        ('profile = "developer"\nnumber = "17001"', "number: `17001` is no test number"),
        ('profile = "developer"\naccounts = ["231236"]', "accounts: this answer has no place"),
        ('profile = "clinic"\naccounts = ["231236", "personal:231236"]', "`personal:231236` is there twice"),
        ('profile = "clinic"\nname = "a\\tb"', "name: A name has"),
        ('profile = "clinic"\nsince = "tomorrow"', "since"),
        ('profile = "clinic"\nsoftware = ["CON"]', "software: `CON` cannot name a folder"),
        ('profile = "clinic"\npayer = "depot.payeur.example"', "payer: Write the host"),
    ],
)
def test_a_wrong_answer_of_a_file_is_named(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answers.toml"
    file.write_text(text)
    assert call("init", str(tmp_path / "ici"), "--answers", str(file), "--lang", "en") == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("option", ["--config", "--state-dir"])
def test_it_writes_a_configuration_of_its_own(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("init", str(tmp_path / "ici"), option, str(tmp_path / "other"), "--lang", "en") == 2
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        ("231236", [("personal:231236", "personal", ("231236",))]),
        ("12345 = 231234", [("admin:12345", "admin_individual", ("231234",))]),
        ("admin:01234=231234+1234567,", [("admin:01234", "admin_collective", ("231234", "1234567"))]),
        ("", []),
    ],
)
def test_accounts_are_read_as_people_write_them(text: str, accounts: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [(a.id, a.kind, a.practitioners) for a in shapes.accounts(text)] == accounts


@pytest.mark.parametrize("text", ["12345", "1234", "12345=1", "231236=231234", "２３１２３６", "x", "12345=+"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(Wrong) as refused:
        shapes.accounts(text)
    assert sorted(refused.value.both) == sorted(LANGUAGES)
