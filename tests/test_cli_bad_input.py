"""Bad input on the command line: one sentence that names the file, the place and the next step, never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.cli import main

PAYER = """
[[payer]]
name = "p"
formats = ["{format}"]
kind = "{kind}"
environment = "test"
host = "127.0.0.1"
statements = "{statements}"
"""


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code, and what was said on the error stream."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0), capsys.readouterr().err


def configured(folder: Path, **wrong: str) -> str:
    """A configuration with one payer, of which something is wrong."""
    file = folder / "gateway.toml"
    values = {"format": "ramq-rfp", "kind": "sftp", "statements": "etat-compte"} | wrong
    file.write_text(PAYER.format(**values), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "sfpt"}, ("payer[p].kind", "sfpt", "sftp")),
        ({"format": "ramq-rpf"}, ("payer[p].formats", "ramq-rpf", "ramq-rfp")),
        ({"statements": "etat"}, ("payer[p].statements", "etat", "etat-compte")),
    ],
)
def test_a_payer_of_what_does_not_exist_is_refused_at_the_start(
    wrong: dict[str, str], named: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = called(capsys, "status", "--config", configured(tmp_path, **wrong), "--lang", "en")
    assert code == 2
    assert all(word in said for word in ("gateway.toml", *named)), said


def test_a_configuration_is_complained_of_in_the_language_of_the_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "g.toml").write_text("[gateway]\nworkerz = 3\n", encoding="utf-8")
    french, english = (
        called(capsys, "status", "--config", str(tmp_path / "g.toml"), "--lang", w) for w in ("fr", "en")
    )
    assert "la clé" in french[1]
    assert "there is no key" not in french[1]
    assert "there is no key" in english[1]
    assert "la clé" not in english[1]


def test_a_choice_is_named_without_the_reader_of_the_file_showing_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(configured(tmp_path))
    file.write_text(file.read_text(encoding="utf-8") + 'on_repeat = { ramq-rfp = "first" }\n', encoding="utf-8")
    code, said = called(capsys, "status", "--config", str(file), "--lang", "fr")
    assert code == 2
    assert "payer[p].on_repeat.ramq-rfp" in said
    assert "first_answer" in said
    assert "dict[" not in said
    assert " or " not in said


@pytest.mark.parametrize("state", ["a-file", "a-file/below"])
def test_a_state_folder_that_cannot_be_is_a_sentence(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").touch()
    for command in ("status", "once"):
        code, said = called(capsys, command, "--state-dir", str(tmp_path / state), "--lang", "fr")
        assert code == 2
        assert said.startswith("gateway: ")
        assert "a-file" in said
        assert "Errno" not in said


@pytest.mark.parametrize("words", [("status", "--lang", "de"), ("status", "--lang"), ("status", "--config", "--json")])
def test_a_common_option_with_no_fit_value_is_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = called(capsys, *words)
    assert code == 2
    assert next(word for word in words if word.startswith("--")) in said


def test_the_systems_own_refusal_is_said_in_the_language_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = called(capsys, "status", "--config", "no-such.toml", "--lang", "fr")
    assert code == 2
    assert "no-such.toml" in said
    assert "n'existe pas" in said
    assert "No such file" not in said


def test_a_lot_that_cannot_be_made_leaves_no_file_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lot.xml"
    code, said = called(capsys, "generate", "--agency", "180", "--output", str(file), "--lang", "en")
    assert code == 2
    assert "180" in said
    assert "five digits" in said
    assert not file.exists()


def test_a_lot_for_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = called(capsys, "generate", "--output", str(tmp_path / "no" / "lot.xml"), "--lang", "en")
    assert code == 2
    assert "lot.xml: does not exist" in said


@pytest.mark.parametrize("family", ["ramq-rfp", "ramq-dp", "etat-compte"])
def test_every_family_has_a_document_that_is_generated_unasked(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = called(capsys, "generate", "--format", family, "--output", str(tmp_path / "lot.xml"))
    assert code == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "lot.xml")
    code, said = called(capsys, "check", str(tmp_path / "lot.xml"), "--lang", "en")
    assert code == 2
    assert "lot.xml: the file was not judged (it is not an ordinary file)" in said
