"""The page "what to do tomorrow": what is ready, what the test lot showed, and the next steps in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.init.house import CONFIG, PAGES, PAYER, PRACTICE, PRACTISE, REGISTRY, SANDBOX, TEST_NUMBER
from gateway.cli.init.rehearsal import Seen
from gateway.cli.init.shapes import Answers
from gateway.config import paths
from gateway.messages import LANGUAGES, say
from gateway.platform import write_private
from gateway.rendering import sheets_html, sheets_text
from gateway.sheets import Block, Heading, Pairs, Sheet, Text


@dataclass(frozen=True)
class Day:
    """What the page speaks of. `folder`: where the installation will be."""

    answers: Answers
    folder: Path
    seen: Seen
    lang: str

    def say(self, key: str, **values: object) -> str:
        return say(f"init.{key}", self.lang, **values)


def write(into: Path, answers: Answers, folder: Path, seen: Seen) -> None:
    """Write the page in both languages, as a web page that fetches nothing and as text, into the folder `into`."""
    for lang in LANGUAGES:
        sheet = _sheet(Day(answers, folder, seen, lang))
        write_private(into / f"{PAGES[lang]}.html", sheets_html([sheet], lang))
        write_private(into / f"{PAGES[lang]}.txt", sheets_text([sheet], lang).encode())


def _sheet(day: Day) -> Sheet:
    about = f"{day.answers.name} – {day.say(f'profile_{day.answers.profile}')}"
    return Sheet(day.say("page_title"), about, (*_ready(day), *_shown(day), *_steps(day)), day.say("page_foot"))


def _ready(day: Day) -> Iterator[Block]:
    """Where everything is."""
    home = day.folder
    rows = [
        (day.say("ready_folder"), str(home)),
        (day.say("ready_config"), str(home / CONFIG)),
        (day.say("ready_registry"), str(home / REGISTRY)),
        (day.say("ready_key"), str(paths(home / "var").key_file)),
    ]
    for system in day.answers.systems:
        rows.append((day.say("ready_lots", system=system.name), str(home / "lots" / system.folder)))
        rows.append((day.say("ready_returns", system=system.name), str(home / "retours" / system.folder)))
    yield Heading(day.say("ready"))
    yield Pairs(tuple(rows))


def _shown(day: Day) -> Iterator[Block]:
    """What the test lot showed."""
    seen = day.seen
    yield Heading(day.say("shown"))
    if not seen.invoices:
        yield Text(day.say("shown_nothing"))
    else:
        yield Text(day.say("shown_what", invoices=seen.invoices, receivable=seen.receivable, number=seen.number))
    yield Pairs(tuple((day.say(f"shown_{kind}"), str(count)) for kind, count in seen.files.items()))
    for warning in seen.warnings:
        yield Text(warning[day.lang])


def _steps(day: Day) -> Iterator[Block]:
    """Numbered; a step is a sentence and the commands it takes."""
    yield Text(day.say("steps_where", folder=day.folder), strong=True)
    for number, (key, commands) in enumerate(_developer() if day.answers.rehearses_in_itself else _agency(day), 1):
        yield Heading(f"{number}. {day.say(f'step_{key}_title')}")
        yield Text(day.say(f"step_{key}"))
        if commands:
            yield Pairs(tuple((day.say("command"), command) for command in commands))


Step = tuple[str, tuple[str, ...]]


def _agency(day: Day) -> Iterator[Step]:
    """Until the first real lot. What the payer has given already is not asked for again."""
    told = day.answers
    yield "key", ("gateway key kit --out trousse.html",)
    if told.number is None:
        yield f"ask_number_{told.profile}", ("gateway application new --help", "gateway contacts")
    if told.payer is None:
        yield "ask_payer", ()
    if told.number is None or told.payer is None:
        yield "write_number", (f"gateway registry apply {REGISTRY}",)
    if not told.accounts:
        spreadsheet = "gateway registry import accounts FILE.csv"
        yield "accounts", (f"gateway registry apply {REGISTRY}", spreadsheet, "gateway registry show")
    yield "password", (f"gateway credential set {told.number or 'NNNNN'} --payer {PAYER}", "gateway credential status")
    yield "software", ()
    yield "trial", ("gateway trial DIR",)
    yield "practise", (f"cd {PRACTISE}", *_another_lot(TEST_NUMBER, told.systems[0].folder))
    yield "begin", ("gateway doctor", "gateway once", "gateway status", "gateway run")


def _developer() -> Iterator[Step]:
    """Until the first document of one's own is answered."""
    yield "check", ("gateway check FILE.xml",)
    yield "serve", ("gateway sandbox",)
    yield "own", ("gateway once", "gateway status", "gateway show NUMBER")
    yield "issue", ("gateway sandbox statement", "gateway once")
    yield "faults", ("gateway sandbox fault", "gateway generate --help")
    yield "key_test", ()


def _another_lot(number: str, folder: str) -> tuple[str, ...]:
    """The payer serves in a terminal of its own; the rest is typed in another."""
    account, practice = PRACTICE.id, PRACTICE.practitioners[0]
    lot = f"gateway generate --agency {number} --practice {practice} --account {account} --seed 2"
    return (
        f"gateway {SANDBOX}",
        f"{lot} --output lots/{folder}/essai-0002.xml",
        "gateway once",
        f"gateway {SANDBOX} statement",
        "gateway once",
    )
