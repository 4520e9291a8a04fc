"""Makes an installation of the answers: its houses, the test lot, the page; all beside its place, then renamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gateway.cli.init import house, landing, page
from gateway.cli.init.house import CONFIG, PRACTISE
from gateway.cli.init.rehearsal import SANDBOX_PORT, Seen, Steps, prepare, rehearse, sandbox, settle_registry
from gateway.cli.init.shapes import Answers
from gateway.config import load
from gateway.messages import Both
from gateway.processes import stops_noted
from gateway.resident import working


def make(told: Answers, target: Path, tell: Callable[[str], None], *, test_lot: bool = True) -> Seen:
    """All of it, tried where a `test_lot` is wanted, in `target`; or nothing, also where it is stopped by Ctrl-C,
    SIGTERM or a terminal that closes. Raises ConfigError, RehearsalFailed, OSError, KeyboardInterrupt."""
    tell("init.step_folders")
    with stops_noted() as unless_stopped, landing.built_beside(target) as beside:
        steps = Steps(tell, unless_stopped)
        practising, final = (beside, target) if told.rehearses_in_itself else (beside / PRACTISE, target / PRACTISE)
        payer = sandbox(practising)
        plan = house.practice(told, payer.payer_block(SANDBOX_PORT))
        house.write(practising, plan)
        seen = rehearse(practising, final, plan, payer, steps) if test_lot else prepare(practising, final, plan, payer)
        if not told.rehearses_in_itself:
            seen = replace(seen, warnings=_real(told, beside, target))
        page.write(beside, told, target, seen)
        unless_stopped()
    return seen


def _real(told: Answers, beside: Path, target: Path) -> tuple[Both, ...]:
    """The house that will talk to the payer: made and registered, and nothing of it run yet."""
    house.write(beside, house.real(told))
    with working(load(beside / CONFIG), actor="init") as app:
        return settle_registry(app, beside, target)
