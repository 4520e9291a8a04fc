"""`gateway run`: let the stages work for good, watched from outside where that is configured."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial

import typer

from gateway.app import App
from gateway.cli.common import Call, set_up_logs
from gateway.cli.held import tell_held
from gateway.cli.house import at_work, configuration
from gateway.monitor import Monitor, Pulse, listening
from gateway.processes import tell_manager
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
        tell_held(call, app)
        gc.collect()
        gc.freeze()  # what is there now stays: collecting would look at all of it again for every large lot
        app.loop.apart = ThreadPoolExecutor(2, thread_name_prefix="apart")
        tell_manager("READY=1")
        serve(pulse.around(app.loop.start), partial(_finish, app))
    call.tell("cli.run_stopped")


def _finish(app: App) -> None:
    """Let the runs under way end, and keep the manager from taking the wait for a hang."""
    tell_manager("STOPPING=1")
    app.loop.close()


@contextmanager
def watched(app: App) -> Iterator[Pulse]:
    """Metrics and health, where they are configured. Raises ConfigError when the port cannot be had."""
    pulse = Pulse(app.clock, partial(tell_manager, "WATCHDOG=1"))
    said = app.config.monitor
    with listening(Monitor(app.config, app.store, app.clock, pulse), said) if said.port else nullcontext():
        yield pulse
