"""`gateway run`: let the stages work for good, watched from outside where that is configured."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import typer

from gateway.app import App
from gateway.cli.common import Call, set_up_logs
from gateway.cli.house import at_work, configuration
from gateway.monitor import Monitor, Pulse, listening
from gateway.schedule import serve


def register(root: typer.Typer) -> None:
    """Add this family's commands."""
    root.command("run", help="run.help")(run)


def run(ctx: typer.Context) -> None:
    call: Call = ctx.obj
    said = configuration(call).gateway
    set_up_logs(logging.getLevelNamesMapping()[said.log_level.upper()], said.log_format)
    with at_work(call) as app, watched(app) as pulse:
        call.tell("cli.run_started", folder=app.config.paths.state)
        serve(pulse.around(app.loop.start), app.loop.close)
    call.tell("cli.run_stopped")


@contextmanager
def watched(app: App) -> Iterator[Pulse]:
    """Metrics and health, where they are configured. Raises ConfigError when the port cannot be had."""
    pulse = Pulse(app.clock)
    said = app.config.monitor
    with listening(Monitor(app.config, app.store, app.clock, pulse), said) if said.port else nullcontext():
        yield pulse
