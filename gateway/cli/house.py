"""Opens the house for a command: configuration, database, keys. Commands that need none of it do not import this."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.app import App, open_app
from gateway.cli.common import Call
from gateway.config import Config, load
from gateway.resident import working


def configuration(call: Call) -> Config:
    """The configuration of this call. Raises ConfigError."""
    return load(call.config_file, state_dir=call.state_dir)


@contextmanager
def opened(call: Call) -> Iterator[App]:
    """The house, with this call's actor on every event it writes."""
    with open_app(configuration(call), actor=call.who) as app:
        yield app


@contextmanager
def at_work(call: Call) -> Iterator[App]:
    """The house whose stages work, for `run` and `once`. Raises ConfigError when another process runs on it."""
    with working(configuration(call), actor=call.who) as app:
        yield app
