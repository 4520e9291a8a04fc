"""The one process whose stages work on a state folder: nobody beside it, and tidied up after whoever died in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from gateway.app import App, open_app
from gateway.backups.fence import examine
from gateway.backups.scratch import clear
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import private_dir
from gateway.processes import use_one_heap
from gateway.retention import finish
from gateway.store import audit, due, kept

_BEGINS, _LOOKS = 2.0, 0.05  # seconds: what a process at most needs to become another program; between two looks


def recover(app: App) -> None:
    """Only under the instance lock, before anything begins: whoever held a lease here is dead, and bytes whose row was
    never committed belong to nobody."""
    with app.store.write() as tx:
        due.abandon(tx)
        kept.end_leases(tx)
        audit.settings(tx, app.config.digests())
    app.archive.seal_old(app.keyring.unseal_old)
    clear(app.config)
    with app.store.read() as tx:
        app.archive.sweep(lambda ref: kept.knows(tx, ref), app.clock.now())


@contextmanager
def working(config: Config, *, actor: str = "system", clock: Clock | None = None) -> Iterator[App]:
    """The house for the one process whose stages work on this state folder, tidied up after whoever died in it. Raises
    ConfigError when another one runs."""
    use_one_heap()
    with instance_lock(config), open_app(config, actor=actor, clock=clock) as app:
        recover(app)
        finish(app.house)
        examine(app.house)
        yield app


@contextmanager
def instance_lock(config: Config) -> Iterator[None]:
    """Hold the state folder for one running service. Raises ConfigError when another one runs on it. Who was killed
    while it started a process still seems to run until that one has become another program."""
    private_dir(config.paths.state)
    lock = FileLock(config.paths.lock, timeout=_BEGINS, mode=0o600)
    try:
        lock.acquire(poll_interval=_LOOKS)
    except Timeout:
        raise ConfigError(both("app.already_running", folder=config.paths.state)) from None
    try:
        yield
    finally:
        lock.release()
