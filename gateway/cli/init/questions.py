"""The questions of `gateway init`, at most eight: asked on a terminal, or answered by a file."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.cli.init import shapes
from gateway.cli.init.shapes import Answers, Read, Wrong
from gateway.config.strict import Table, read
from gateway.errors import ConfigError
from gateway.messages import Both, both, say

Told = dict[str, Any]  # what was answered so far: question → value


@dataclass(frozen=True)
class Question:
    """`read` makes a value of an answer, or raises Wrong; `default` is what an empty answer means; `asked` is whether
    the question makes sense after what was told."""

    key: str
    read: Callable[[Told], Read]
    default: Callable[[Told], str]
    asked: Callable[[Told], bool] = lambda _: True


def questions(lang: str, today: date) -> tuple[Question, ...]:
    """In their order. `lang`: the language of the call, which is the first one's default."""
    return (
        Question("language", lambda _: shapes.language, lambda _: lang),
        Question("profile", lambda _: shapes.profile, lambda _: shapes.PROFILES[0]),
        Question("name", lambda _: shapes.name, _name),
        Question("number", _number, lambda told: "18001" if _develops(told) else ""),
        Question("payer", lambda _: shapes.door, lambda _: "", _bills),
        Question("accounts", lambda _: shapes.accounts, lambda _: "", _bills),
        Question("since", lambda _: shapes.day, lambda _: today.isoformat(), _has_dates),
        Question("software", lambda _: shapes.systems, lambda told: say("init.default_software", told["language"])),
    )


def _develops(told: Told) -> bool:
    return bool(told["profile"] == "developer")


def _bills(told: Told) -> bool:
    return not _develops(told)


def _has_dates(told: Told) -> bool:
    return _bills(told) and bool(told["number"] or told["accounts"])


def _name(told: Told) -> str:
    return say(f"init.default_name_{told['profile']}", told["language"])


def _number(told: Told) -> Read:
    return shapes.test_number if _develops(told) else shapes.real_number


class AnswersFile(Table):
    """The file of `--answers`. Only the profile must be said; what is not takes the default a terminal would show."""

    language: Literal["fr", "en"] | None = None
    profile: Literal["agency", "clinic", "developer"]
    name: str | None = None
    number: str | None = None
    payer: str | None = None
    accounts: tuple[str, ...] | None = None
    since: Annotated[date, Field(strict=True)] | None = None
    software: tuple[str, ...] | None = None


def from_file(file: Path, lang: str, today: date) -> Answers:
    """What a file answers. Raises ConfigError: file, key, what belongs there."""
    said = read(file, AnswersFile).model_dump(exclude_none=True)
    texts = {key: _text(value) for key, value in said.items()}
    told: Told = {}
    for question in questions(lang, today):
        if not question.asked(told):
            if question.key in texts and not _has_dates_only(question):
                raise _in(file, question.key, both("init.not_asked", profile=told["profile"]))
            continue
        try:
            told[question.key] = question.read(told)(texts.get(question.key, "") or question.default(told))
        except Wrong as wrong:
            raise _in(file, question.key, wrong.both) from None
    return _answers(told, today)


def _has_dates_only(question: Question) -> bool:
    """A date nothing needs does no harm."""
    return question.key == "since"


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).strip()


def _in(file: Path, key: str, why: Mapping[str, str]) -> ConfigError:
    said: Both = {lang: say("init.answer_wrong", lang, file=file, key=key, why=why[lang]) for lang in why}
    return ConfigError(said)


def from_terminal(lang: str, today: date) -> Answers:
    """Ask, each question until its answer can be used. Raises ConfigError when nobody answers any more."""
    told: Told = {}
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # letters of another encoding are a wrong answer, not a traceback
    sys.stdout.write(say("init.welcome", lang) + "\n")
    for question in questions(lang, today):
        if question.asked(told):
            told[question.key] = _asked(question, told, told.get("language", lang))
    return _answers(told, today)


def _asked(question: Question, told: Told, lang: str) -> object:
    default, number = question.default(told), len(told) + 1
    help_ = f"ask_{question.key}_test" if question.key == "number" and _develops(told) else f"ask_{question.key}"
    shown = default or say(f"init.none_{question.key}", lang)
    sys.stdout.write(f"\n{number}. {say(f'init.{help_}', lang)}\n")
    while True:
        sys.stdout.write(f"   [{shown}] > ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise ConfigError(both("init.no_answer"))
        try:
            return question.read(told)(line.strip() or default)
        except Wrong as wrong:
            sys.stdout.write(f"   {wrong.both[lang]}\n")


def _answers(told: Told, today: date) -> Answers:
    return Answers(
        language=told["language"],
        profile=told["profile"],
        name=told["name"],
        number=told["number"],
        payer=told.get("payer"),
        accounts=told.get("accounts", ()),
        since=told.get("since", today),
        systems=told["software"],
    )
