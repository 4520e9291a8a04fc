"""The register of confidentiality incidents: what an entry still lacks, how long it is kept, and the notices drafted.

The items are those of the regulation respecting confidentiality incidents (A-2.1, r. 3.1) and of the regulation of the
health and social services information act (R-22.1, r. 1, ss. 11 and 15). The gateway writes down and reminds; whether a
risk is serious, and who is notified, a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gateway.messages import say
from gateway.models import Incident

YEARS = 5  # an entry is kept at least as long, from the day the body learned of the incident
# What a person says of it, in the order of the register.
TEXTS = ("information", "circumstances", "cause", "reasoning", "measures", "planned", "contact")
DAYS = ("began_on", "ended_on", "commission_on", "persons_on")
NUMBERS = ("persons", "residents")
_ALWAYS = ("information", "circumstances", "began_on", "persons", "residents", "reasoning", "measures")
_WHERE_SERIOUS = ("commission_on", "persons_on")
_NOTICE = ("contact", "circumstances", "cause", "information", "persons", "residents", "measures", "planned")
NOTICES = ("commission", "persons")


def missing(row: Incident) -> list[str]:
    """The items an entry lacks before it can be closed; notices only where there is a risk of serious injury."""
    wanted = [name for name in _ALWAYS if getattr(row, name) is None]
    if row.serious is None:
        return [*wanted, "serious"]
    return [*wanted, *(name for name in _WHERE_SERIOUS if row.serious and getattr(row, name) is None)]


def wrong(row: Incident, today: date) -> list[str]:
    """What cannot be, as keys of `locales/incidents.toml`: days in the future or before what they follow, more
    residents than persons."""
    return list(_wrong(row, today))


def kept_until(row: Incident) -> date:
    """The last day it has to be kept."""
    try:
        return row.aware_on.replace(year=row.aware_on.year + YEARS)
    except ValueError:  # 29 February
        return date(row.aware_on.year + YEARS, 3, 1)


def standing(row: Incident) -> str:
    """closed; incomplete while something is missing; complete."""
    if row.closed_at is not None:
        return "closed"
    return "incomplete" if missing(row) else "complete"


def notice(row: Incident, to: str, lang: str, today: date) -> str:
    """The draft of a written notice (r. 1, s. 11): what is known, and a blank for what is not. `to`: the Commission, or
    the persons concerned, who are not told how many others there are."""
    lines = [say(f"incidents.notice_{to}", lang), say("incidents.notice_draft", lang, id=row.id, day=today), ""]
    names = [name for name in _NOTICE if to == "commission" or name not in NUMBERS]
    for name in (*names, "when", "aware_on", "reasoning" if to == "commission" else "advice"):
        lines += [
            f"{say(f'incidents.item_{name}', lang)}{':' if lang == 'en' else ' :'}",
            f"  {_said(row, name, lang)}",
        ]
    return "\n".join([*lines, "", say("incidents.notice_foot", lang), ""])


def _said(row: Incident, name: str, lang: str) -> str:
    if name == "advice":
        return say("incidents.notice_advice", lang)
    if name == "when":
        days = [str(day) for day in (row.began_on, row.ended_on) if day is not None]
        return " – ".join(dict.fromkeys(days)) or say("incidents.blank", lang)
    value = getattr(row, name)
    return say("incidents.blank", lang) if value is None else str(value)


def _wrong(row: Incident, today: date) -> Iterator[str]:
    days = [getattr(row, name) for name in (*DAYS, "aware_on")]
    if any(day is not None and day > today for day in days):
        yield "in_future"
    if row.began_on and row.ended_on and row.ended_on < row.began_on:
        yield "end_before_start"
    if row.began_on and row.aware_on < row.began_on:
        yield "aware_before_start"
    if any(day is not None and day < row.aware_on for day in (row.commission_on, row.persons_on)):
        yield "notice_before_aware"
    if any(number is not None and number < 0 for number in (row.persons, row.residents)):
        yield "negative"
    if row.persons is not None and row.residents is not None and row.residents > row.persons:
        yield "more_residents"
