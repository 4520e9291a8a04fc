"""`gateway sandbox`: a payer on loopback; `sandbox add`, `statement`, `fault` and `mend` act on it, served or not."""

from __future__ import annotations

import errno
import logging
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from gateway.app import shipped_and_own
from gateway.cli.common import Call, set_up_logs
from gateway.cli.house import configuration
from gateway.clock import SystemClock, today
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import private_dir
from gateway.processes import on_stop
from gateway.sandbox import Sandbox
from gateway.sandbox.faults import FAULTS

group = typer.Typer(invoke_without_command=True, rich_markup_mode=None, help="sandbox.help")


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.add_typer(group, name="sandbox")


def payer(call: Call, **ways: Any) -> Sandbox:
    """The sandbox kept in the state folder. `ways`: see `Sandbox`."""
    config = configuration(call)
    folder = private_dir(config.paths.state / "sandbox")
    return Sandbox(folder, shipped_and_own(config.paths.state), SystemClock(), **ways)


@group.callback()
def serve(
    ctx: typer.Context,
    port: int = typer.Option(2222, "--port", help="sandbox.port"),
    keeps: bool = typer.Option(False, "--keeps", help="sandbox.keeps"),
    password_days: int = typer.Option(0, "--password-days", min=0, help="sandbox.password_days"),
    machines: int = typer.Option(0, "--machines", min=0, help="sandbox.machines"),
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    call: Call = ctx.obj
    set_up_logs(logging.INFO)
    stop = threading.Event()
    on_stop(stop.set)
    sandbox = payer(call, keeps=keeps, password_days=password_days)
    opened = _opened(sandbox.start, port)
    try:
        door = _opened(sandbox.machines.start, machines) if machines else 0
        block = sandbox.payer_block(opened, machines=door)
        sys.stdout.write(f"{call.say('cli.sandbox_started', port=opened)}\n\n{block}\n")
        sys.stdout.flush()
        stop.wait()
    finally:
        sandbox.stop()
    call.tell("cli.sandbox_stopped")


def _opened(door: Callable[[int], int], port: int) -> int:
    """Open a door. Raises ConfigError where another program has its port."""
    try:
        return door(port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ConfigError(both("cli.sandbox_port_taken", port=port)) from error


@group.command("add", help="sandbox.add.help")
def add(
    ctx: typer.Context,
    number: str = typer.Argument(..., help="sandbox.number"),
    account: list[str] = typer.Option([], "--account", help="sandbox.account"),
) -> None:
    call: Call = ctx.obj
    password = payer(call).add(number, account)
    call.tell("cli.sandbox_added", number=number)
    sys.stdout.write(password + "\n")


@group.command("statement", help="sandbox.statement.help")
def statement(
    ctx: typer.Context, day: datetime | None = typer.Option(None, "--date", formats=["%Y-%m-%d"], help="sandbox.date")
) -> None:
    call: Call = ctx.obj
    files: list[Path] = payer(call).issue_statements(day.date() if day else today(SystemClock()))
    for file in files:
        sys.stdout.write(file.name + "\n")
    call.tell("cli.sandbox_statements", count=len(files))


@group.command("fault", help="sandbox.fault.help")
def fault(
    ctx: typer.Context,
    name: str = typer.Argument("", metavar="[NAME]", help="sandbox.fault_name"),
    number: str = typer.Option("", "--number", help="sandbox.fault_number"),
    seconds: int = typer.Option(0, "--seconds", min=0, help="sandbox.fault_seconds"),
    times: int | None = typer.Option(None, "--times", min=1, help="sandbox.fault_times"),
) -> None:
    call: Call = ctx.obj
    kept = payer(call)
    if name:
        kept.fault(name, number=number, seconds=seconds, times=times)
        call.tell("cli.sandbox_fault_on", name=name)
    _tell_faults(call, kept)


@group.command("mend", help="sandbox.mend.help")
def mend(ctx: typer.Context, name: str = typer.Argument(..., metavar="NAME", help="sandbox.fault_name")) -> None:
    call: Call = ctx.obj
    kept = payer(call)
    kept.mend(name)
    call.tell("cli.sandbox_fault_off", name=name)
    _tell_faults(call, kept)


def _tell_faults(call: Call, kept: Sandbox) -> None:
    """Every switch that is on now, or that none is and which there are."""
    on = kept.faults()
    for one in on:
        who = one.number or call.say("cli.sandbox_anyone")
        times = one.times or call.say("cli.sandbox_for_good")
        call.tell("cli.sandbox_fault", name=one.name, number=who, seconds=one.seconds, times=times)
    if not on:
        call.tell("cli.sandbox_no_fault", known=", ".join(FAULTS))
