"""The composition root: reads the configuration and wires every room. The only importer of adapters."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog

from adapters import KINDS, door, opener
from gateway import instance
from gateway.archive import Archive
from gateway.backups import House
from gateway.catalog import Catalog
from gateway.clock import Clock, SystemClock
from gateway.config import Config, PasswordConfig, PayerConfig, paths
from gateway.credentials import Credentials
from gateway.errors import ConfigError
from gateway.installed import Installed, settle
from gateway.keyring import Keyring
from gateway.messages import both
from gateway.models import Source
from gateway.platform import private_dir
from gateway.ports import Delivery, Door, Maker, Pickup, Secret
from gateway.registry.entering import may_enter
from gateway.resources import data_dir
from gateway.sealing import Masters, source_of
from gateway.slots import Allowance, Slots
from gateway.stages import Rooms
from gateway.stages.anchor import Anchor
from gateway.stages.backup import Backup
from gateway.stages.collect import Collect
from gateway.stages.deadlines import Deadlines
from gateway.stages.distribute import Distribute
from gateway.stages.key import Key
from gateway.stages.loop import WorkLoop
from gateway.stages.match import Match
from gateway.stages.receive import Receive
from gateway.stages.rotate import Rotate, settle_first
from gateway.stages.tell import Tell
from gateway.stages.transmit import Transmit
from gateway.stages.validate import Validate
from gateway.stages.watch import Watch
from gateway.store import Store

log = structlog.get_logger()


@dataclass(frozen=True)
class App:
    """Everything a command may use."""

    config: Config
    store: Store
    archive: Archive
    keyring: Keyring
    catalog: Catalog
    credentials: Credentials
    clock: Clock
    rooms: Rooms
    loop: WorkLoop
    slots: Slots

    @property
    def house(self) -> House:
        """What there is to back up."""
        return House(self.config, self.store, self.archive, self.keyring, self.clock)


class Endpoints:
    """Opens mailboxes for the stages and closes them; chooses the adapter by the endpoint's kind."""

    def __init__(self, config: Config, credentials: Credentials, may_enter: Callable[[str, str], None]) -> None:
        """`may_enter(payer, number)` raises Denied where nobody may log in under that number."""
        self._config = config
        self._credentials = credentials
        self._may_enter = may_enter

    @contextmanager
    def pickup(self, source: Source) -> Iterator[Pickup]:
        with _opened(source.pickup, None) as box:
            yield box

    @contextmanager
    def returns(self, source: Source) -> Iterator[Delivery]:
        with _opened(source.returns, None) as box:
            yield box

    @contextmanager
    def print_queue(self) -> Iterator[Delivery]:
        folder = private_dir(Path(self._config.gateway.print_queue))
        with _opened({"kind": "folder", "path": str(folder)}, None) as box:
            yield box

    @contextmanager
    def payer_deposit(self, payer: str, number: str) -> Iterator[Delivery]:
        with self._payer("deposit", payer, number) as box:
            yield box

    @contextmanager
    def payer_returns(self, payer: str, number: str) -> Iterator[Pickup]:
        with self._payer("returns", payer, number) as box:
            yield box

    def payer_login(self, payer: str, number: str, machine: str | None = None) -> None:
        self._may_enter(payer, number)
        with self._credentials.secret(payer, number, machine=machine, first=True) as secret:
            settings = self._config.payer(payer).mailbox("returns", number, secret.machine)
            with _opened(settings, secret) as box:
                box.waiting()

    def payer_door(self, payer: str, number: str, machine: str = "") -> Door:
        self._may_enter(payer, number)
        said = self._config.payer(payer)
        return door(said.password.change)(said.door(number, machine))

    def machine_maker(self, payer: str, number: str) -> Maker:
        self._may_enter(payer, number)
        said = self._config.payer(payer)
        return cast(Maker, door("machine")(said.door(number, "")))

    @contextmanager
    def _payer(self, which: str, payer: str, number: str) -> Iterator[Any]:
        self._may_enter(payer, number)
        settle_first(self, self._credentials, payer, number)
        with self._credentials.secret(payer, number) as secret:
            settings = self._config.payer(payer).mailbox(which, number, secret.machine)
            with _opened(settings, secret) as box:
                yield box


@contextmanager
def _opened(settings: Mapping[str, Any], secret: Secret | None) -> Iterator[Any]:
    box = opener(settings["kind"])(settings, secret)
    try:
        yield box
    finally:
        box.close()


def families(state_dir: Path) -> list[Path]:
    """Where schema families are: those in the state folder come before those that travel with the program."""
    return [paths(state_dir).schemas, data_dir("schemas")]


def shipped_and_own(state_dir: Path) -> Catalog:
    """The schema families of this installation."""
    settle(paths(state_dir).schemas)
    return Installed(families(state_dir))


@contextmanager
def open_app(config: Config, *, actor: str = "system", clock: Clock | None = None) -> Iterator[App]:
    """Wire the house for one process. First start makes the state folder (0700), its key and its database."""
    clock = clock or SystemClock()
    places = config.paths
    private_dir(places.state)
    instance.settle(places.instance)
    found = masters(config, create=not places.database.exists())
    store = Store.open(places.database, clock, actor=actor)
    slots = Slots(families(places.state), _allowance(config))
    try:
        yield _wire(config, store, Keyring.open(store, found), clock, slots)
    finally:
        slots.close()
        store.close()


def masters(config: Config, *, create: bool = False) -> Masters:
    """The master key; made where this is the first start. Raises SealingError."""
    return Masters(source_of(config.key, config.paths.key_file, create=create))


def _allowance(config: Config) -> Allowance:
    """What judging one document may cost."""
    said = config.gateway
    return Allowance(
        said.judge_seconds,
        said.judge_seconds_per_megabyte,
        said.judge_patience,
        said.judge_memory_bytes,
        said.judge_documents,
    )


def _wire(config: Config, store: Store, keyring: Keyring, clock: Clock, slots: Slots) -> App:
    archive = Archive(config.paths.archive, keyring)
    catalog = shipped_and_own(config.paths.state)
    for payer in config.payers:
        _must_fit(config, payer, catalog)
    credentials = _credentials(config, store, keyring, clock)
    rooms = Rooms(
        config=config,
        store=store,
        archive=archive,
        catalog=catalog,
        clock=clock,
        mailboxes=Endpoints(config, credentials, partial(may_enter, store, clock)),
        worker=f"{socket.gethostname()}:{os.getpid()}",
        judge=slots.judge,
    )
    backup = Backup(House(config, store, archive, keyring, clock))
    flow = (Collect(), Validate(), Transmit(), Receive(), Match(), Distribute())
    stages = (*flow, Deadlines(), Anchor(), Rotate(credentials), Watch(), Tell(), Key(keyring), backup)
    loop = WorkLoop(rooms, stages, lambda: instance.held(config.paths.instance) is not None)
    return App(config, store, archive, keyring, catalog, credentials, clock, rooms, loop, slots)


def _credentials(config: Config, store: Store, keyring: Keyring, clock: Clock) -> Credentials:
    """Every password. Those of a database that is older than the file beside the key are locked before anyone logs
    in."""
    rules = {payer.name: payer.password for payer in config.payers}
    made = Credentials(
        store,
        keyring,
        clock,
        generations=config.paths.generations,
        rules=lambda payer: rules.get(payer, PasswordConfig()),
    )
    for row in made.hold_those_behind():
        log.error("database_behind", payer=row.payer, number=row.number, machine=row.machine)
    return made


def _must_fit(config: Config, payer: PayerConfig, catalog: Catalog) -> None:
    """What the configuration says of a payer exists: its kind of mailbox, its formats. Raises ConfigError."""
    values = {"file": config.path, "payer": payer.name}
    if payer.kind not in KINDS and ":" not in payer.kind:  # not imported: that is the first use's business
        raise ConfigError(both("app.unknown_kind", kind=payer.kind, known=", ".join(sorted(KINDS)), **values))
    known = sorted(catalog.families)
    for key, names in (("formats", payer.formats), ("statements", (payer.statements,))):
        for name in names:
            if name not in known:
                raise ConfigError(both("app.unknown_format", key=key, name=name, known=", ".join(known), **values))
