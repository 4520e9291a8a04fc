"""`gateway demo`: play the whole way in a temporary folder and tell what happened, in a summary or as JSON."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.bar import Bar
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from gateway.cli.bar import bar
from gateway.cli.common import Call, set_up_logs, show_json
from gateway.cli.demo import checks
from gateway.cli.demo.play import STEPS, Result, run
from gateway.errors import ConfigError


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("demo", help="demo.help")(demo)


def demo(
    ctx: typer.Context,
    as_json: bool = typer.Option(False, "--json", help="option.json"),
    keep: Path | None = typer.Option(None, "--keep", metavar="DIR", help="demo.keep"),
) -> int:
    call: Call = ctx.obj
    set_up_logs(logging.ERROR)
    with _folder(call, keep) as folder:
        with bar(call.say("demo.step_scene"), steps=STEPS) as tell_step:
            result = run(folder, lambda key: tell_step(call.say(key)))
        if as_json:
            show_json(result.picture)
        else:
            tell(call, result, Console(), keep)
    return 0 if result.ok else 1


@contextmanager
def _folder(call: Call, keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="gateway-demo-") as temporary:
            yield Path(temporary)
        return
    if keep.exists() and any(keep.iterdir()):
        raise ConfigError(call.say("demo.not_empty", folder=keep))
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def tell(call: Call, result: Result, console: Console, keep: Path | None) -> None:
    """The summary people read."""
    picture = result.picture
    console.print(Panel(call.say("demo.told"), title=call.say("demo.title"), border_style="cyan"))
    console.print(_standings(call, picture["invoices"]))
    console.print(_agencies(call, picture))
    console.print(_checks(call, picture["checks"]))
    for held in picture["held"]:
        said = call.say("demo.held", record=held["id"], reason=held["reason"])
        console.print(said, style="yellow", soft_wrap=True)
    if keep is not None:
        console.print(call.say("demo.kept", folder=keep), soft_wrap=True)
    verdict = "demo.all_ties" if result.ok else "demo.does_not_tie"
    console.print(call.say(verdict), style="bold green" if result.ok else "bold red")


def _standings(call: Call, invoices: dict[str, int]) -> Table:
    table = Table(title=call.say("demo.invoices"), box=None, show_header=False, title_justify="left")
    most = max(invoices.values(), default=1)
    for standing, count in invoices.items():
        table.add_row(call.say(f"demo.standing_{standing}"), str(count), Bar(most, 0, count, width=32, color="cyan"))
    return table


def _agencies(call: Call, picture: dict[str, Any]) -> Table:
    kinds = ("receipt", "report", "receivability", "statement", "extract")
    table = Table(call.say("demo.agency"), *(call.say(f"demo.kind_{kind}") for kind in kinds), box=None)
    table.title, table.title_justify = call.say("demo.delivered"), "left"
    for number in sorted({d["agency"] for d in picture["deliveries"]}):
        mine = [d for d in picture["deliveries"] if d["agency"] == number]
        table.add_row(number, *(str(sum(d["kind"] == kind for d in mine)) for kind in kinds))
    return table


def _checks(call: Call, made: list[checks.Check]) -> Table:
    table = Table(title=call.say("demo.checks"), box=None, show_header=False, title_justify="left")
    for check in made:
        mark = "[green]✓[/green]" if check["ok"] else "[red]✗[/red]"
        detail = "" if check["ok"] else call.say("demo.expected", expected=check["expected"], seen=check["seen"])
        count = check["seen"] if isinstance(check["seen"], int) else ""
        table.add_row(mark, checks.title(check["name"])[call.lang], str(count), detail)
    return table
