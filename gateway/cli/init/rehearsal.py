"""Sends a synthetic lot the whole way in a house that was just made, to a sandbox payer nobody else can reach."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.app import App, shipped_and_own
from gateway.cli.init.house import CONFIG, REGISTRY, SANDBOX, STATE, Plan
from gateway.cli.picture import standing
from gateway.clock import SystemClock, today
from gateway.config import Config, load, paths
from gateway.config.strict import read
from gateway.errors import ConfigError, GatewayError
from gateway.messages import LANGUAGES, Both, side_by_side
from gateway.platform import private_dir
from gateway.registry import apply
from gateway.registry.file import RegistryFile
from gateway.registry.plan import Plan as Planned
from gateway.registry.plan import bring
from gateway.resident import working
from gateway.sandbox import Sandbox
from gateway.store import credentials as rows
from gateway.synthetic import LotSpec, generate

INVOICES = 3
LOT = "essai-0001.xml"
SANDBOX_PORT = 2222  # where `gateway sandbox` listens when nobody says otherwise
ROUNDS = 20  # how often the payer's returns are looked at before it is given up
KINDS = ("receipt", "receivability", "statement")


class RehearsalFailed(GatewayError):
    """The test lot did not come back as it should."""


@dataclass(frozen=True)
class Steps:
    """`tell` is given the key of each that begins; between two, `unless_stopped` raises KeyboardInterrupt."""

    tell: Callable[[str], None]
    unless_stopped: Callable[[], None]


@dataclass(frozen=True)
class Seen:
    """What came of the test lot. `files`: how many of each kind came back, in the order of `KINDS`."""

    number: str
    invoices: int
    receivable: int
    files: dict[str, int]
    warnings: tuple[Both, ...]


def sandbox(house: Path) -> Sandbox:
    """The payer kept in a house's state folder: the one `gateway sandbox` serves."""
    state = paths(private_dir(house / STATE)).state
    return Sandbox(private_dir(state / "sandbox"), shipped_and_own(state), SystemClock())


def settle_registry(app: App, house: Path, final: Path) -> tuple[Both, ...]:
    """Apply a house's registry file as what it will be: the file in its final place. Returns the warnings. Raises
    ConfigError with what contradicts itself."""
    said = read(house / REGISTRY, RegistryFile)
    seen = bring(app.store, house / REGISTRY, said, app.config, app.catalog, dry_run=True)
    _must_apply(bring(app.store, final / REGISTRY, said, app.config, app.catalog))
    return tuple({lang: text.replace(str(house), str(final)) for lang, text in one.items()} for one in seen.warnings)


def _must_apply(plan: Planned) -> None:
    if plan.refusals:
        raise ConfigError({lang: "\n".join(one[lang] for one in plan.refusals) for lang in LANGUAGES})


def rehearse(house: Path, final: Path, plan: Plan, payer: Sandbox, steps: Steps) -> Seen:
    """Play the first day in `house`, which will be `final`. Raises RehearsalFailed when anything is missing."""
    number = plan.number or ""
    password = payer.add(number, [plan.accounts[0].id])
    with _served(house, payer) as config, working(config, actor="init") as app:
        _must_apply(apply(app.store, house / REGISTRY, app.config, app.catalog))
        app.credentials.set_temporary(SANDBOX, number, password)
        try:
            _play(app, house, plan, payer, steps)
        finally:
            app.loop.close()
        return replace(_seen(app, number), warnings=settle_registry(app, house, final))


def prepare(house: Path, final: Path, plan: Plan, payer: Sandbox) -> Seen:
    """The same house with its registry and its temporary password, and no lot: nothing listens, nothing is sent."""
    number = plan.number or ""
    password = payer.add(number, [plan.accounts[0].id])
    with working(load(house / CONFIG), actor="init") as app:
        warnings = settle_registry(app, house, final)
        app.credentials.set_temporary(SANDBOX, number, password)
    return Seen(number, 0, 0, {}, warnings)


def _play(app: App, house: Path, plan: Plan, payer: Sandbox, steps: Steps) -> None:
    """A lot, its answer, and the statement that pays it."""
    number = plan.number or ""
    steps.tell("init.step_lot")
    _deposit(app, house, plan)
    _settle(app, payer, number, steps)
    steps.tell("init.step_statement")
    payer.issue_statements(today(app.clock))
    _settle(app, payer, number, steps)


@contextmanager
def _served(house: Path, payer: Sandbox) -> Iterator[Config]:
    """The house's configuration with the sandbox on a free port of loopback, whatever its file says: what it keeps
    for later is the port `gateway sandbox` opens."""
    port = payer.start(0)
    try:
        config = load(house / CONFIG)
        (block,) = config.payers
        yield replace(config, payers=(block.model_copy(update={"port": port}),))
    finally:
        payer.stop()


def _deposit(app: App, house: Path, plan: Plan) -> None:
    """As billing software does: under another name first, then renamed."""
    account, system, day = plan.accounts[0], plan.systems[0], today(app.clock)
    sink = io.BytesIO()
    spec = LotSpec(
        format="ramq-rfp",
        agency=plan.number or "",
        invoices=INVOICES,
        practice=account.practitioners[0],
        account=account.id,
        service_from=day - timedelta(days=21),
        service_to=day - timedelta(days=2),
        software=system.name,
        version=system.version or "1.0",
    )
    generate(spec, sink)
    box = house / "lots" / system.folder
    part = box / f"{LOT}.part"
    part.write_bytes(sink.getvalue())
    part.rename(box / LOT)


def _settle(app: App, payer: Sandbox, number: str, steps: Steps) -> None:
    """Let the gateway work until the payer has answered everything and every answer was fetched."""
    for _ in range(ROUNDS + 1):
        app.loop.once(progress=lambda _what, _count: steps.unless_stopped())
        steps.unless_stopped()
        payer.process()
        if not any(payer.returns(number).iterdir()):
            return


def _seen(app: App, number: str) -> Seen:
    """What the house's own books say; nothing less than all of it will do."""
    picture = standing(app)
    files = Counter(made["kind"] for made in picture["deliveries"])
    receivable = picture["invoices"]["receivable"]
    with app.store.read() as tx:
        row = rows.find(tx, SANDBOX, number)
    proved = row is not None and row.proved_at is not None
    if not proved or picture["held"] or receivable != INVOICES or any(not files[kind] for kind in KINDS):
        raise RehearsalFailed(side_by_side("init.rehearsal_failed", found=_found(picture, proved)))
    return Seen(number, INVOICES, receivable, {kind: files[kind] for kind in KINDS}, ())


def _found(picture: dict[str, Any], proved: bool) -> str:
    """What there was instead, for a support call: counts and reason codes, nothing of a document."""
    held = ", ".join(sorted({one["reason"] for one in picture["held"]})) or "–"
    failing = ", ".join(sorted({one["error"] for one in picture["failing"]})) or "–"
    return f"password proved={proved}, invoices={picture['invoices']}, held={held}, failing={failing}"
