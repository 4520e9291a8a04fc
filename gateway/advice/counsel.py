"""`advise`: the first case that holds, its limit counted from dated data, the marks filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.advice.cases import Case, Cases, Counting, Form
from gateway.advice.question import Question
from gateway.limits import Counted, Limits, Who
from gateway.messages import Both, both

_RFP = "RFP"  # the system that knows modifications


@dataclass(frozen=True)
class Known:
    """What an answer rests on: the cases, and the limits by system (`cod_syst`: RFP, ANC)."""

    cases: Cases
    limits: Mapping[str, Limits]


@dataclass(frozen=True, slots=True)
class Mark:
    """What to write in a box of the form."""

    box: Both
    value: Both


@dataclass(frozen=True, slots=True)
class Due:
    """The last day (included), and why it is that one."""

    last: date
    days: int
    after: str  # service | statement: the day it is counted from
    since: date
    authority: str  # official | letter | reconstructed | ours
    confirmed: bool
    letter: str
    extension: str | None = None  # the letter that moved it
    others: tuple[tuple[date, int, str], ...] = ()  # last day, days and letter of what may hold instead


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer. `missing`: facts it hangs on; `due` is then the earliest of what may hold."""

    case: str
    channel: str
    authority: str
    says: Both
    letter: Both | None
    section: str | None
    forms: tuple[Form, ...]
    marks: tuple[Mark, ...]
    notes: tuple[Both, ...]
    warnings: tuple[Both, ...]
    due: Due | None
    days_left: int | None
    missing: tuple[str, ...] = ()
    may_be: tuple[str, ...] = ()  # the cases that hang on what is missing

    @property
    def too_late(self) -> bool:
        """Whether the last day has passed. Nothing is refused by that: late billing may be authorised."""
        return self.days_left is not None and self.days_left < 0


def advise(asked: Question, known: Known) -> Advice:
    """Through which channel, by which form, with which marks, until when, and which letter says so. The last case of
    `advice.toml` has no condition, so that there is always an answer."""
    found, hanging = _which(asked, known.cases)
    if hanging:
        return _hanging(asked, known, hanging, found)
    due = _due(found, asked, known)
    letter = known.cases.letters.get(found.letter, "advice") if found.letter else None
    return Advice(
        case=found.id,
        channel=found.channel,
        authority=found.authority,
        says=found.says.both,
        letter=letter.name if letter else None,
        section=found.section,
        forms=tuple(form for number in found.forms if (form := known.cases.forms[number]).is_for(asked)),
        marks=tuple(_marks(found, asked, known.cases)),
        notes=tuple(known.cases.notes[name].says.both for name in found.notes),
        warnings=tuple(_warnings([found], asked, known)),
        due=due,
        days_left=(due.last - asked.today).days if due else None,
    )


def _which(asked: Question, cases: Cases) -> tuple[Case, list[Case]]:
    """The first case that holds; before it, those that may, if one only knew."""
    hanging: list[Case] = []
    for case in cases.cases:
        holds = case.holds(asked)
        if holds:
            return case, hanging
        if holds is None:
            hanging.append(case)
    raise AssertionError("the last case has no condition")


def _hanging(asked: Question, known: Known, hanging: list[Case], found: Case) -> Advice:
    """A fact decides and is not known: the earliest limit of what may hold, and the question."""
    may_be = [*hanging, *([] if found.id == "unsaid" else [found])]
    limits = [due for case in may_be if (due := _due(case, asked, known))]
    due = min(limits, key=lambda one: one.last, default=None)
    return Advice(
        case="",
        channel="depends",
        authority="",
        says=both("advice.depends"),
        letter=None,
        section=None,
        forms=(),
        marks=(),
        notes=(),
        warnings=tuple(_warnings(may_be, asked, known)),
        due=due,
        days_left=(due.last - asked.today).days if due else None,
        missing=("old_software",),
        may_be=tuple(case.id for case in may_be),
    )


def _due(case: Case, asked: Question, known: Known) -> Due | None:
    counting = case.counting
    if counting is None:
        return None
    return _by_letter(counting, case, asked, known) if counting.days is not None else _by_family(counting, asked, known)


def _by_letter(counting: Counting, case: Case, asked: Question, known: Known) -> Due | None:
    """The days that the case's own letter gives."""
    since = asked.statement if counting.after == "statement" else asked.service
    if since is None or counting.days is None:
        return None
    name = known.cases.letters.get(case.letter, "advice").name["fr"] if case.letter else ""
    return Due(
        last=since + timedelta(days=counting.days),
        days=counting.days,
        after=counting.after,
        since=since,
        authority=counting.authority,
        confirmed=counting.authority in ("letter", "official"),
        letter=name,
    )


def _by_family(counting: Counting, asked: Question, known: Known) -> Due | None:
    """The dated fact of the family of that system."""
    limits, who = known.limits.get(counting.system), _who(asked)
    if limits is None:
        return None
    if counting.of == "submission":
        return _told(limits.submission(asked.service, who), "service", asked.service)
    return _told(limits.change(asked.statement, who), "statement", asked.statement) if asked.statement else None


def _told(counted: Counted | None, after: str, since: date) -> Due | None:
    if counted is None:
        return None
    return Due(
        last=counted.last,
        days=counted.limit.days,
        after=after,
        since=since,
        authority="letter" if counted.limit.confirmed else "reconstructed",
        confirmed=counted.limit.confirmed,
        letter=counted.limit.letter,
        extension=counted.extension.letter if counted.extension else None,
        others=tuple((last, fact.days, fact.letter) for fact, last in counted.others),
    )


def _who(asked: Question) -> Who:
    return Who(frozenset({asked.profession}), practice=asked.practice)


def _marks(case: Case, asked: Question, cases: Cases) -> Iterator[Mark]:
    """The marks, with what the question does not know left to be filled in by words."""
    for name in case.marks:
        row = cases.marks[name]
        yield Mark(row.box.both, {lang: row.value.format(**_filled(asked, lang)) for lang in row.box.both})


def _filled(asked: Question, lang: str) -> dict[str, str]:
    return {
        "service": asked.service.isoformat(),
        "refused": asked.refused or both("advice.refused_number")[lang],
        "statement": asked.statement.isoformat() if asked.statement else both("advice.statement_date")[lang],
    }


def _warnings(cases: Iterable[Case], asked: Question, known: Known) -> Iterator[Both]:
    """What is odd about the question, and what would be lost."""
    if asked.service > asked.today:
        yield both("advice.in_future", service=asked.service)
    if asked.statement and asked.statement < asked.service:
        yield both("advice.statement_before", statement=asked.statement, service=asked.service)
    if asked.statement is None and any(_from_statement(case.counting) for case in cases):
        yield both("advice.give_statement")
    if asked.adds and asked.first_billed == "new":
        limits = known.limits.get(_RFP)
        counted = limits.submission(asked.adds, _who(asked)) if limits else None
        if counted and counted.left(asked.today) < 0:
            yield both("advice.added_late", service=asked.adds, last=counted.last)


def _from_statement(counting: Counting | None) -> bool:
    return counting is not None and (counting.of == "change" or (counting.of is None and counting.after == "statement"))
