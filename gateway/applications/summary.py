"""What goes on each official form, section by section, as plain facts for a page: never the payer's own form."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.applications.known import USER
from gateway.applications.procedures import Procedure
from gateway.applications.progress import FormState, Progress, value
from gateway.messages import Both, both, say
from gateway.models import Application
from gateway.payer import Service
from gateway.sheets import Block, Heading, Pairs, Sheet, Text


def sheets(
    application: Application, progress: Progress, service: Service | None, lang: str, only: str = ""
) -> list[Sheet]:
    """A sheet for every form needed (or only that number), to copy onto the official one."""
    forms = [form for form in progress.forms if only in ("", form.number)]
    return [_sheet(application, progress, form, service, lang) for form in forms]


def _sheet(application: Application, progress: Progress, form: FormState, service: Service | None, lang: str) -> Sheet:
    blocks: list[Block] = [Text(say("applications.sheet_copy", lang, number=form.number))]
    if form.doubt:
        blocks.append(Text(form.doubt[lang], strong=True))
    for number, facts in form.sections:
        title = (
            say("applications.sheet_section", lang, number=number)
            if number
            else say("applications.sheet_no_section", lang)
        )
        blocks += [
            Heading(title),
            Pairs(tuple((fact_name(fact)[lang], _fact(application, fact, lang)) for fact in facts)),
        ]
    blocks += [Heading(say("applications.sheet_signatures", lang)), Pairs(tuple(_signatures(progress, lang)))]
    blocks += [Heading(say("applications.sheet_sending", lang)), *_sending(progress.procedure, service, lang)]
    title = say("applications.sheet_title", lang, number=form.number, title=form.title[lang])
    about = say(
        "applications.sheet_about", lang, kind=kind_name(application.kind)[lang], account=application.account_id
    )
    return Sheet(title, about, tuple(blocks), say("applications.sheet_foot", lang, id=application.id))


def kind_name(kind: str) -> Both:
    """What an application of that kind is called."""
    return both(f"applications.kind_{kind}")


def fact_name(fact: str) -> Both:
    """What a fact is called."""
    return both(f"applications.fact_{fact}")


def signatory_name(who: str) -> Both:
    """A practice number, or the user of form 4319."""
    return both("applications.signatory_user") if who == USER else both("applications.signatory", practice=who)


def _fact(application: Application, fact: str, lang: str) -> str | None:
    """What to write there; None: a line to fill in by hand."""
    if fact == "modification_new_software":
        return say("applications.tick_new_software", lang)
    if fact == "authoriser":
        return application.practice
    if fact == "other_authorisers":
        return ", ".join(sorted({*application.signatories} - {application.practice})) or "–"
    return value(application, fact)


def _signatures(progress: Progress, lang: str) -> Iterator[tuple[str, str | None]]:
    for who, day in progress.signatures.items():
        yield signatory_name(who)[lang], say("applications.signed_on", lang, day=day) if day else None


def _sending(procedure: Procedure, service: Service | None, lang: str) -> Iterator[Block]:
    pairs: list[tuple[str, str | None]] = []
    ways = service.ways if service else {}
    if "fax" in procedure.send and "fax" in ways:
        pairs.append((say("applications.way_fax", lang), ", ".join(line.number for line in ways["fax"].value)))
    if "post" in procedure.send and "post" in ways:
        pairs.append((say("applications.way_post", lang), ", ".join(ways["post"].value)))
    yield Pairs(tuple(pairs))
    if procedure.original:
        yield Text(say("applications.original_only_note", lang), strong=True)
    for words in procedure.says:
        yield Text(words.both[lang])
    if not procedure.signatories_stated:
        yield Text(say("applications.signatories_unstated", lang))
