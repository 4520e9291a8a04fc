"""`gateway statement paper record|list|scan`: statements of account that the payer sent on paper."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import typer

from gateway.app import App
from gateway.cli.common import Call, show_json
from gateway.cli.days import day, day_of
from gateway.cli.house import opened
from gateway.clock import today as today_of
from gateway.errors import ConfigError
from gateway.identifiers import ACCOUNT, new_id
from gateway.messages import both
from gateway.models import PaperStatement
from gateway.platform import write_private
from gateway.registry import Book, statement_recipient
from gateway.registry.paper import Expected, expected
from gateway.rendering.formats import money
from gateway.store import Tx, audit
from gateway.store import paper as rows

_LARGEST = 25_000_000  # bytes of a scan
statement = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="paper.statement_help")
group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="paper.help")
statement.add_typer(group, name="paper")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(statement, name="statement")


@group.command("record", help="paper.record_help")
def record(
    ctx: typer.Context,
    account: str = typer.Argument(..., metavar="ACCOUNT", help="paper.account"),
    dated: str = typer.Option(..., "--dated", metavar="DAY", help="paper.dated"),
    number: str = typer.Option(..., "--number", metavar="NUMBER", help="paper.number"),
    amount: str = typer.Option(..., "--amount", metavar="DOLLARS", help="paper.amount"),
    entries: int | None = typer.Option(None, "--entries", min=0, help="paper.entries"),
    received: str = typer.Option("", "--received", metavar="DAY", help="paper.received"),
    agency: str = typer.Option("", "--agency", metavar="NAME", help="paper.agency"),
    scan: Path | None = typer.Option(None, "--scan", metavar="FILE", help="paper.scan"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        now = today_of(app.clock)
        on, came = day(call, dated, "--dated") or now, day_of(received, now)
        if came > now or on > came:
            raise ConfigError(both("paper.days_wrong", dated=on, received=came))
        values: dict[str, Any] = {"dated": on, "number": number.strip(), "received_on": came, "entries": entries}
        id_ = new_id("PAP")
        with app.store.read() as tx:  # refused before anything is kept
            account, owner = _owner(tx, account, on, agency)
            _not_twice(tx, account, on, values["number"])
        values |= {"account": account, "agency_id": owner, "cents": _cents(amount)}
        values |= {"scan_ref": _kept(app, id_, scan) if scan else None}
        with app.store.write() as tx:
            _not_twice(tx, account, on, values["number"])
            rows.add(tx, PaperStatement(id=id_, recorded_at=tx.now, recorded_by=tx.actor, **values))
    call.tell("paper.recorded", id=id_, account=account, dated=on)


@group.command("list", help="paper.list_help")
def list_(ctx: typer.Context, as_json: bool = typer.Option(False, "--json", help="option.json")) -> None:
    call: Call = ctx.obj
    with opened(call) as app, app.store.read() as tx:
        book, came = Book.load(tx), rows.every(tx)
        awaited = [_told(call, book, app, one) for one in awaited_in(tx, app)]
    if as_json:
        arrived = [row.model_dump(exclude={"scan_ref"}) | {"scan": row.scan_ref is not None} for row in came]
        show_json({"expected": awaited, "arrived": arrived})
        return
    if not awaited and not came:
        call.tell("paper.nothing")
    for one in awaited:
        call.tell("paper.late" if one["late"] else "paper.awaited", **one)
    for row in came:
        call.tell("paper.came", **row.model_dump(), amount=money(row.cents, call.lang))


@group.command("scan", help="paper.scan_help")
def scan_(
    ctx: typer.Context,
    id_: str = typer.Argument(..., metavar="ID", help="paper.id"),
    out: Path = typer.Option(..., "--out", metavar="FILE", help="paper.out"),
) -> None:
    call: Call = ctx.obj
    with opened(call) as app:
        with app.store.write() as tx:
            row = tx.session.get(PaperStatement, id_)
            if row is None or row.scan_ref is None:
                raise ConfigError(both("paper.no_scan", id=id_))
            ref = row.scan_ref
            audit.look(tx, "paper_statement", row.id, "statement paper scan")
        with app.archive.open(ref) as stream:
            write_private(out, app.keyring.unseal(stream.read(), f"paper:{id_}:scan"))
    call.tell("paper.written", file=out)


def awaited_in(tx: Tx, app: App) -> list[Expected]:
    """The accounts a paper statement is expected for, by name."""
    window = timedelta(days=app.config.gateway.switch_days)
    return list(expected(Book.load(tx), today_of(app.clock), rows.last(tx), rows.waiting(tx), window))


def late(tx: Tx, app: App) -> list[dict[str, Any]]:
    """Those that have not come in `paper_days` although an invoice waits."""
    now, limit = today_of(app.clock), app.config.gateway.paper_days
    return [
        {"account": one.account, "days": one.days(now), "since": one.waits_since}
        for one in awaited_in(tx, app)
        if one.days(now) > limit
    ]


def _told(call: Call, book: Book, app: App, one: Expected) -> dict[str, Any]:
    now = today_of(app.clock)
    return {
        "account": one.account,
        "agency": book.agency(one.agency_id).name,
        "why": one.why.says[call.lang],
        "last": one.last.dated if one.last else None,
        "waits_since": one.waits_since,
        "days": one.days(now),
        "late": one.days(now) > app.config.gateway.paper_days,
    }


def _owner(tx: Tx, account: str, dated: date, named: str) -> tuple[str, str]:
    """The account as the registry knows it, and who is owed its statement of that date: as the registry says, which
    must be the agency that was named; the named one where the registry does not say. Raises ConfigError."""
    if ACCOUNT.fullmatch(account) is None:
        raise ConfigError(both("paper.no_account", account=account))
    book = Book.load(tx)
    known = book.account(account, dated)
    if known is None:
        raise ConfigError(both("paper.unknown_account", account=account))
    ids = {agency.id for agency in book.all_agencies() if agency.name == named}
    owed = statement_recipient(book, known.id, dated).agency_id
    found = {owed} if owed and not named else ids & {owed or next(iter(ids), None)}
    if len(found) != 1:
        raise ConfigError(both("paper.not_owed", account=account, dated=dated, agency=named or "–"))
    return known.id, str(found.pop())


def _not_twice(tx: Tx, account: str, dated: date, number: str) -> None:
    if before := rows.known(tx, account, dated, number):
        raise ConfigError(both("paper.known", id=before, account=account, dated=dated, number=number))


def _cents(text: str) -> int:
    """Dollars to the cent, with a point or a comma. Raises ConfigError."""
    try:
        cents = Decimal(text.replace(",", ".").replace("\u00a0", "").replace(" ", "")) * 100
        if cents != cents.to_integral_value() or abs(cents) >= 10**12:
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigError(both("paper.not_dollars", text=text)) from None
    return int(cents)


def _kept(app: App, id_: str, file: Path) -> str:
    """The scan, sealed, in the archive. Raises ConfigError, OSError, StoreError."""
    with file.open("rb") as stream:
        data = stream.read(_LARGEST + 1)
    if not data or len(data) > _LARGEST:
        raise ConfigError(both("paper.scan_size", file=file, limit=_LARGEST))
    return app.archive.put(id_, io.BytesIO(app.keyring.seal(data, f"paper:{id_}:scan"))).ref
