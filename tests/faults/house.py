"""A house on disk: one gateway's state, its agencies' folders, and a payer that outlives the gateway's deaths."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from faults.documents import AGENCIES, REGISTRY
from gateway import app as wiring
from gateway.app import open_app
from gateway.catalog import Catalog, Family
from gateway.clock import SystemClock, today
from gateway.config import load
from gateway.installed import Installed
from gateway.registry import apply
from gateway.resources import data_dir
from gateway.sandbox import Sandbox, prices, users
from gateway.sandbox.logins import Account, Authenticator

HERE, MODEL = "house", "model"  # below the folder of whoever tries: where a house is, and what it is copied from
users.HASH_COST = 2  # ten thousand logins: how dear it is to guess a payer's passwords is not what is tried here
MEMORY, ROOM = "/dev/shm", 1 << 30  # a folder in memory, on Linux; bytes that must be free there
APART = 15  # minutes between two lives: what waits to be tried again need not be waited for
# What a payer does with a file, and what it does when the same one comes twice.
PAYERS: Mapping[str, tuple[str, str]] = {
    "keeps": ("keeps", "unknown"),
    "swallows": ("swallows", "unknown"),
    "dedups": ("swallows", "first_answer"),
}


@cache
def shipped() -> Catalog:
    """The families that came with the program, read and compiled once: no house here has any of its own."""
    return Installed([data_dir("schemas")])


wiring.shipped_and_own = lambda _state: shipped()
_read, _lists = prices.load, dict[Path, prices.Prices]()


def _prices(family: Family) -> prices.Prices:
    """Each family's list, read once."""
    if family.folder not in _lists:
        _lists[family.folder] = _read(family)
    return _lists[family.folder]


prices.load = _prices


class Later(SystemClock):
    """The machine's clock, some minutes on."""

    def __init__(self, minutes: float = 0) -> None:
        self.minutes = minutes

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Tried:
    """One password given to the payer."""

    number: str
    at: datetime
    right: bool
    locked: bool


class Watch:
    """The payer's users with an eye on every password that is given (logins.Authenticator)."""

    def __init__(self, users: Authenticator, clock: Later, tried: list[Tried], said: set[str]) -> None:
        self._users, self._clock, self._tried, self._said = users, clock, tried, said

    def login(self, user: str, password: str) -> Account | None:
        self._said.add(password)
        account = self._users.login(user, password)
        locked = account is not None and account.locked
        self._tried.append(Tried(user, self._clock.now(), account is not None and not locked, locked))
        return account

    def key(self, user: str, line: str) -> Account | None:
        return self._users.key(user, line)

    def change(self, user: str, new: str) -> bool:
        self._said.add(new)
        return self._users.change(user, new)


@dataclass
class House:
    """What a trial works on. `deposited`: path below the folder → bytes; `said`: every password ever given."""

    folder: Path
    payer: Sandbox
    kind: str
    clock: Later
    deposited: dict[str, bytes] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    port: int = 0  # where the gateway is told to go
    rules: str = ""  # what the payer wants of passwords, as the configuration says it
    more: str = ""  # of the gateway's own table in the configuration
    persons: int = 0  # how often someone had to give a new temporary password

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def log(self) -> Path:
        return self.folder / "gateway.log"

    def deposit(self, files: Mapping[str, bytes]) -> None:
        """Lay files where agencies lay them, each under its final name at once."""
        for name, data in files.items():
            unfinished = self.folder / f"{name}.unfinished"
            unfinished.write_bytes(data)
            unfinished.rename(self.folder / name)
        self.deposited |= files

    def pass_time(self, minutes: float = APART) -> None:
        """Gateway and payer grow older."""
        self.clock.minutes += minutes

    def issue_statements(self) -> bool:
        """The payer answers what it has, and issues its statements. Gives whether there were any."""
        self.payer.process()
        return bool(self.payer.issue_statements(today(self.clock)))

    def undelivered(self) -> list[Path]:
        """What still lies in the payer's return boxes."""
        return [file for number in AGENCIES for file in self.payer.returns(number).iterdir()]

    def settings(self, port: int) -> None:
        """Write the configuration that reaches this payer at `port`."""
        self.port = port
        deposits, repeat = PAYERS[self.kind]
        block = self.payer.payer_block(port).replace('deposits = "keeps"', 'deposits = "swallows"')
        block = block.replace('deposits = "swallows"', f'deposits = "{deposits}"')
        block = block.replace('"first_answer"', '"unknown"').replace('= "unknown"', f'= "{repeat}"')
        if self.rules:  # instead of what the sandbox says
            block = "".join(line for line in block.splitlines(True) if not line.startswith("password"))
        self.config.write_text(f'config_version = 1\n[gateway]\nstate_dir = "var"\n{self.more}{block}{self.rules}')

    def give_password(self, number: str) -> None:
        """A person had the payer reset a password, and gives it to the gateway."""
        self.persons += 1
        password = self.payer.add(number, [AGENCIES[number]])
        self.said.add(password)
        with open_app(load(self.config), clock=self.clock) as app:
            app.credentials.set_temporary("sandbox", number, password)


@dataclass(frozen=True)
class Model:
    """A house that others are copied from, and what is remembered of it."""

    folder: Path
    said: frozenset[str]
    deposited: Mapping[str, bytes] = field(default_factory=dict)
    tried: Sequence[Tried] = ()
    minutes: float = 0


Lay = Callable[[Model, Path], None]


def ground() -> str | None:
    """Where houses are built: in memory where there is room for that. What is written outlives a kill either way, and
    a disk that forgets is a family of its own (`power`)."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM else None


def kept(house: House, name: str) -> Model:
    """Make a model of a house as it is now; nobody may be at work in it."""
    target = house.folder.parent / name
    shutil.copytree(house.folder, target)
    return Model(target, frozenset(house.said), dict(house.deposited), tuple(house.tried), house.clock.minutes)


def template(place: Path) -> Model:
    """Make the first model, where nobody lives yet: registered, with temporary passwords. It is made where its copies
    will be, one after the other: the registry remembers whole paths."""
    folder = place / HERE
    shutil.rmtree(folder, ignore_errors=True)  # another family may have left its own there
    payer = Sandbox(folder / "payer", shipped(), SystemClock())
    house = House(folder, payer, "swallows", Later())
    house.settings(1)
    for number in AGENCIES:
        for box in ("lots", "retours"):
            (folder / number / box).mkdir(parents=True)
    (folder / "registry.toml").write_text(REGISTRY)
    with open_app(load(house.config)) as app:
        plan = apply(app.store, folder / "registry.toml", app.config, app.catalog)
        assert not plan.refusals, plan.text("en")
    for number in AGENCIES:
        house.give_password(number)
    folder.rename(place / MODEL)
    return Model(place / MODEL, frozenset(house.said))


def laid(model: Model, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model.folder, folder)


@contextmanager
def opened(
    place: Path,
    model: Model,
    kind: str,
    between: Callable[[int], int] | None = None,
    lay: Lay | None = None,
    rules: str = "",
) -> Iterator[House]:
    """A copy of a house whose payer answers, until it is closed; what lay there before is gone. `between` opens
    something that stands between gateway and payer: given the payer's port, it tells the one to go to instead.
    `lay` copies the model there; `rules` ends the payer's table in the configuration."""
    folder = place / HERE
    (lay or laid)(model, folder)
    clock = Later(model.minutes)
    payer = Sandbox(folder / "payer", shipped(), clock, keeps=PAYERS[kind][0] == "keeps")
    house = House(folder, payer, kind, clock, dict(model.deposited), list(model.tried), set(model.said))
    payer._server._users = Watch(payer._server._users, clock, house.tried, house.said)  # every password is seen
    house.rules = rules
    own = payer.start()
    try:
        house.settings(between(own) if between else own)
        yield house
    finally:
        payer.stop()
