"""Imported once by the parent of all lives: what takes long to read or to compile is done before anyone is forked."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import structlog

from faults import documents, engines, house, lives
from gateway.config import load
from gateway.resident import working


def warm_up() -> None:
    """Go the whole way once, in both manners; every thread ends before it returns."""
    engines.share()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="gateway-faults-", dir=house.ground()) as folder:
        said = house.template(Path(folder))
        with house.opened(Path(folder), said, "dedups") as first:
            first.deposit(documents.everything())
            for turn in range(3):
                first.pass_time()
                with working(load(first.config), clock=house.Later(first.clock.minutes)) as app:
                    app.loop._pool = lives.InTurn()
                    lives.judging_here(app)
                    if turn % 2:
                        app.loop.once()
                    else:
                        lives.in_turn(app)
                first.issue_statements()
    gc.collect()
    gc.disable()  # a life is too short for it, and each page it touched would be copied


warm_up()
