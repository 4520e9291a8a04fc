"""Calling the command line wrongly is answered by one sentence, in the caller's language, that names a way out."""

from __future__ import annotations

import pytest

from gateway.cli import main

ENGLISH = ("Error:", "Invalid value", "No such", "Usage:", "Try '", "Missing", "Show this message", "Options and")
WRONG = {
    "a command with a slip": (("chekc",), "check"),
    "no such command at all": (("zzzzzz",), "check"),
    "an option with a slip": (("check", "--formt", "json", "x.xml"), "--format"),
    "an option of a command below": (("registry", "apply", "--dry-runn", "x.toml"), "--dry-run"),
    "an option without its value": (("generate", "--invoices"), "--invoices"),
    "a value for a switch": (("status", "--json=3"), "--json"),
    "an argument missing": (("show",), "ID"),
    "files missing": (("check",), "FILE"),
    "a word that is no number": (("generate", "--invoices", "x"), "--invoices"),
    "a word too many": (("doctor", "surplus"), "surplus"),
    "a word too many with a bracket": (("doctor", "(a) b)"), "(a) b)"),
    "a group's command missing below": (("registry", "aply"), "apply"),
}


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(words)
    captured = capsys.readouterr()
    return int(end.value.code or 0), captured.out + captured.err


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_call_is_answered_in_both_languages(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, named = WRONG[wrong]
    french, english = (called(capsys, *words, "--lang", lang) for lang in ("fr", "en"))
    assert french[0] == english[0] == 2
    assert french[1] != english[1]
    for _, said in (french, english):
        assert said.startswith("gateway: ")
        assert named in said
        assert "Traceback" not in said
    assert not [words for words in ENGLISH if words in french[1]]


@pytest.mark.parametrize("words", [(), ("registry",), ("sandbox", "--help"), ("check", "--help"), ("--help",)])
def test_the_frame_of_the_help_is_in_the_same_language(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = called(capsys, *words, "--lang", "fr")[1]
    assert said.lstrip().startswith("Emploi")
    assert not [words for words in (*ENGLISH, "Commands:", "[default:", "[required]") if words in said]


def test_a_word_that_a_terminal_would_obey_is_shown_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in called(capsys, "\x1b[31mx")[1]
