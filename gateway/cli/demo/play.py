"""The whole way, to watch: three agencies, a payer of our own, real SFTP, two rounds of lots, one statement cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.app import App, open_app
from gateway.cli.demo import checks, lots
from gateway.cli.demo.routes import hand_over, leave_odd_statements
from gateway.cli.demo.scene import Scene, built
from gateway.cli.picture import standing
from gateway.clock import today
from gateway.config import load
from gateway.registry import apply

Progress = Callable[[str], None]  # told the key of the step that begins
STEPS = 5  # scene, first round, second round, statements, checks


@dataclass(frozen=True)
class Result:
    """What the demonstration saw. `picture` is the JSON of `gateway demo --json`."""

    picture: dict[str, Any]
    ok: bool


def run(folder: Path, progress: Progress) -> Result:
    """Play the demonstration in an empty folder. Every file it makes stays below it."""
    progress("demo.step_scene")
    with built(folder) as scene, open_app(load(scene.config_file), actor="demo") as app:
        _register(app, scene)
        played = _play(app, scene, progress)
        progress("demo.step_checks")
        picture = standing(app)
        picture |= checks.look(app, scene, picture, played)
        return Result(picture, all(check["ok"] for check in picture["checks"]))


def _register(app: App, scene: Scene) -> None:
    """What an operator does on the first day: the registry, and each agency's temporary password."""
    plan = apply(app.store, scene.registry_file, app.config, app.catalog)
    if plan.refusals:
        raise AssertionError(plan.text("en"))
    for number, password in scene.temporary_passwords.items():
        app.credentials.set_temporary(scene.payer_name, number, password)


def _play(app: App, scene: Scene, progress: Progress) -> checks.Played:
    """Two rounds of lots, then the statements."""
    day = today(app.clock)
    progress("demo.step_first")
    deposited = lots.first_round(scene, day)
    _settle(app, scene)
    progress("demo.step_second")
    hand_over(app, scene, day)
    deposited += lots.second_round(scene, day)
    _settle(app, scene)
    progress("demo.step_statements")
    issued = Counter(number for parcel in scene.payer.issue_statements(day) for number in scene.addressed(parcel))
    leave_odd_statements(scene, day)
    _settle(app, scene)
    return checks.Played(deposited, issued)


def _settle(app: App, scene: Scene) -> None:
    """Let the gateway work until the payer has answered everything and every answer is with its agency."""
    app.loop.once()
    for _ in range(20):
        if not scene.payer_has_mail():
            return
        app.loop.once()
