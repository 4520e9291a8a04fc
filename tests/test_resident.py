"""Nobody works on a state folder beside another one, and nobody waits for the dead."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.config import Config, load
from gateway.errors import ConfigError
from gateway.platform import WINDOWS
from gateway.resident import instance_lock

# Holds the lock, and has begun a process that has what it has: as between fork and exec, only longer.
_HOLDS = """
import os, sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1], mode=0o600)
lock.acquire()
if os.fork():
    print("holds", flush=True)
    time.sleep(60)
time.sleep(float(sys.argv[2]))
os._exit(0)
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "gateway.toml").write_text('[gateway]\nstate_dir = "var"\n')
    config = load(tmp_path / "gateway.toml")
    config.paths.state.mkdir(mode=0o700, exist_ok=True)
    return config


@contextmanager
def holding(config: Config, *, child: float) -> Iterator[subprocess.Popen[str]]:
    """A service that has the lock, and the seconds for which a process that it began has it too."""
    words = [sys.executable, "-c", _HOLDS, str(config.paths.lock), str(child)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == "holds\n"
        try:
            yield service
        finally:
            service.kill()


@pytest.mark.skipif(WINDOWS, reason="there a process is begun otherwise")
def test_who_was_killed_while_it_began_a_process_is_not_taken_for_running(config: Config) -> None:
    with holding(config, child=0.5) as service:
        service.kill()
        service.wait()
        with instance_lock(config):
            pass


@pytest.mark.skipif(WINDOWS, reason="there a process is begun otherwise")
def test_beside_a_service_that_runs_none_begins(config: Config) -> None:
    with holding(config, child=0), pytest.raises(ConfigError), instance_lock(config):
        pass
