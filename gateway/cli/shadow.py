"""`gateway shadow report|start|live` and `gateway feed`: everything but sending, for an agency that may come to us."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import typer

from gateway.app import App
from gateway.cli.before import agreed, numbers
from gateway.cli.common import Call, show_json
from gateway.cli.house import opened
from gateway.clock import local, today
from gateway.errors import ConfigError, Gone
from gateway.identifiers import lane
from gateway.messages import both
from gateway.models import Agency
from gateway.registry import Book
from gateway.stages.receive import feed
from gateway.store import Tx, due, shadow
from gateway.store.proofs import Sums
from gateway.store.shadow import CYCLES, LIVE, SHADOW, Seen

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="shadow.help")
NOTHING = Sums(0, 0, 0, 0)
_WENT = ("SHADOWED", "RECEIVABLE", "NOT_RECEIVABLE")  # of a shadow's requests: those that would have gone
_WAITING = ("READY", "HELD")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="shadow")
    root.command("feed", help="shadow.feed_help")(feed_)


@group.command("report", help="shadow.report_help")
def report(
    ctx: typer.Context,
    agency: str = typer.Option("", "--agency", help="shadow.agency", metavar="NAME"),
    as_json: bool = typer.Option(False, "--json", help="option.json"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, day = Book.load(tx), today(app.clock)
        chosen = [one for one in shadow.agencies(tx) if agency in ("", one.name)]
        told = [_told(one, shadow.seen(tx, one, held(book, one, day))) for one in chosen]
    if as_json:
        show_json(told)
    elif not told:
        call.tell("shadow.nobody")
    for one in () if as_json else told:
        _print(call, one)


def held(book: Book, agency: Agency, day: date) -> list[str]:
    """The transmission numbers the agency holds that day, at all its payers."""
    return [number for payer in book.payers(agency.id) for number in book.numbers(agency.id, payer, day)]


def total(seen: Seen, *states: str) -> Sums:
    """The requests in these states together."""
    return Sums(*map(sum, zip(NOTHING, *(seen.states.get(state, NOTHING) for state in states), strict=True)))


def _told(one: Agency, seen: Seen) -> dict[str, Any]:
    parts = {
        "would_have_sent": _WENT,
        "unanswered": ("SHADOWED",),
        "receivable": ("RECEIVABLE",),
        "not_receivable": ("NOT_RECEIVABLE",),
        "refused_here": ("REFUSED",),
        "waiting_here": _WAITING,
    }
    return {
        "agency": one.name,
        "transmit": one.transmit,
        "since": seen.since,
        "lots": seen.lots,
        **{name: total(seen, *states)._asdict() for name, states in parts.items()},
        "refused_invoices": seen.refused_invoices,
        "preliminary_cents": seen.preliminary_cents,
        "differing": seen.differing,
        "doubtful_replies": seen.doubtful,
        "statements": seen.statements,
        "paid_cents": seen.paid_cents,
        "on_statements": seen.on_statements,
        "not_from_here": {"entries": seen.strangers, "cents": seen.strangers_cents},
        "cycles": {"seen": len(seen.statements), "wanted": CYCLES, "enough": seen.enough},
    }


def _print(call: Call, told: dict[str, Any]) -> None:
    since = f"{local(told['since']):%Y-%m-%d}" if told["since"] else "–"
    call.tell("shadow.title", name=told["agency"], since=since, lots=told["lots"], mode=told["transmit"])
    for part in ("would_have_sent", "receivable", "not_receivable", "unanswered", "refused_here", "waiting_here"):
        call.tell(f"shadow.part_{part}", numbers=numbers(call, Sums(**told[part])))
    if told["refused_invoices"]:
        call.tell("shadow.refused_invoices", count=told["refused_invoices"])
    for number in told["differing"][:20]:
        call.tell("shadow.differs", number=number)
    for reason, count in told["doubtful_replies"].items():
        call.tell("shadow.doubtful", count=count, reason=reason)
    if told["statements"]:
        days = ", ".join(map(str, told["statements"]))
        paid = f"{told['paid_cents'] // 100}.{told['paid_cents'] % 100:02d}"
        call.tell("shadow.statements", days=days, paid=paid, shown=told["on_statements"])
    if told["not_from_here"]["entries"]:
        call.tell("shadow.strangers", count=told["not_from_here"]["entries"])
    call.tell("shadow.enough" if told["cycles"]["enough"] else "shadow.not_enough", **told["cycles"])


@group.command("start", help="shadow.start_help")
def start(
    ctx: typer.Context,
    agency: str = typer.Argument(..., metavar="NAME", help="shadow.agency"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.read() as tx:
            one = _called(tx, agency, LIVE)
            ready, sent = (shadow.in_state(tx, one.id, state) for state in ("READY", "TRANSMITTED"))
        told = [call.say("shadow.start_would", name=one.name, ready=numbers(call, ready), sent=numbers(call, sent))]
        agreed(call, told, yes=yes)
        with app.store.write() as tx:
            shadow.switch(tx, _called(tx, agency, LIVE), SHADOW, {"said": reason})
    call.tell("shadow.started", name=agency)


@group.command("live", help="shadow.live_help")
def live(
    ctx: typer.Context,
    agency: str = typer.Argument(..., metavar="NAME", help="shadow.agency"),
    reason: str = typer.Option(..., "--reason", help="act.reason"),
    yes: bool = typer.Option(False, "--yes", help="acts.yes"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.read() as tx:
            one = _called(tx, agency, SHADOW)
            seen = shadow.seen(tx, one, held(Book.load(tx), one, today(app.clock)))
        agreed(call, _before_live(call, one, seen), yes=yes)
        rests, open_ = total(seen, *_WENT, *_WAITING), total(seen, "SHADOWED")
        said = {
            "said": reason,
            "cycles": len(seen.statements),
            "requests": rests.requests,
            "unanswered": open_.requests,
        }
        with app.store.write() as tx:
            shadow.switch(tx, _called(tx, agency, SHADOW), LIVE, said)
    call.tell("shadow.went_live", name=agency)


def _before_live(call: Call, one: Agency, seen: Seen) -> list[str]:
    """What going live means. Raises ConfigError where it is early and nobody says who decides."""
    told = [
        call.say("shadow.live_never", numbers=numbers(call, total(seen, *_WENT, *_WAITING))),
        call.say("shadow.live_unanswered", numbers=numbers(call, total(seen, "SHADOWED", *_WAITING))),
        call.say("shadow.live_from_now", name=one.name),
    ]
    if seen.enough:
        return told
    if not (call.actor or os.environ.get("GATEWAY_ACTOR", "").strip()):
        raise ConfigError(both("shadow.live_who", seen=len(seen.statements), wanted=CYCLES))
    return [*told, call.say("shadow.live_early", seen=len(seen.statements), wanted=CYCLES)]


def feed_(
    ctx: typer.Context,
    files: list[Path] = typer.Argument(..., metavar="FILE…", help="shadow.files"),
    agency: str = typer.Option(..., "--agency", metavar="NAME", help="shadow.agency"),
    number: str = typer.Option("", "--number", metavar="NNNNN", help="shadow.number"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        payer, mine = _lane(app, agency, number)
        for file in (one for given in files for one in _all(given)):
            _feed(call, app, payer, mine, file)
        with app.store.write() as tx:
            due.wake(tx, "match", lane(payer, mine))
    call.tell("shadow.fed_next")


def _all(given: Path) -> list[Path]:
    return sorted(one for one in given.iterdir() if one.is_file()) if given.is_dir() else [given]


def _feed(call: Call, app: App, payer: str, number: str, file: Path) -> None:
    if file.stat().st_size > app.config.gateway.max_unpacked_bytes:
        raise ConfigError(both("shadow.too_large", file=file))
    try:
        parcel = feed(app.rooms, payer, number, file, file.name)
    except Gone as error:
        raise ConfigError(both("shadow.changed", file=file)) from error
    call.tell("shadow.fed" if parcel else "shadow.fed_before", file=file.name, parcel=parcel)


def _lane(app: App, agency: str, number: str) -> tuple[str, str]:
    """The payer and number the files came under: the agency's only ones, or the number that was named."""
    with app.store.read() as tx:
        one = _called(tx, agency, SHADOW)
        book, day = Book.load(tx), today(app.clock)
        mine = [(payer, n) for payer in book.payers(one.id) for n in book.numbers(one.id, payer, day)]
    chosen = [(payer, n) for payer, n in mine if number in ("", n)]
    if len(chosen) != 1:
        raise ConfigError(both("shadow.which_number", known=", ".join(n for _, n in mine) or "–"))
    return chosen[0]


def _called(tx: Tx, name: str, mode: str) -> Agency:
    """The agency of that name, in that mode. Raises ConfigError."""
    one = shadow.called(tx, name)
    if one is None:
        raise ConfigError(both("shadow.unknown", name=name))
    if one.transmit != mode:
        raise ConfigError(both(f"shadow.not_{mode}", name=name))
    return one
