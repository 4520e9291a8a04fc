"""Metrics and health: what they say of a gateway at work, to whom, and what they never say."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.house import House, paimt

from gateway import monitor as watching
from gateway.config import MonitorConfig
from gateway.errors import ConfigError
from gateway.monitor import Monitor, Pulse, listening
from gateway.platform import WINDOWS
from gateway.processes import tell_manager
from gateway.store import due

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Ask(Protocol):
    def __call__(self, path: str, method: str = "GET") -> tuple[int, str]: ...


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


@pytest.fixture
def pulse(house: House) -> Pulse:
    return Pulse(house.clock)


@pytest.fixture
def asked(house: House, pulse: Pulse) -> Iterator[Ask]:
    """Asks over a real connection, on a port of the system's choice."""
    with listening(Monitor(house.rooms.config, house.store, house.clock, pulse), MonitorConfig()) as (address, port):

        def ask(path: str, method: str = "GET") -> tuple[int, str]:
            house.clock.advance(timedelta(seconds=watching.KEPT + 1))
            connection = http.client.HTTPConnection(address, port, timeout=10)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            finally:
                connection.close()

        yield ask


def measured(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return measured(text).get((f"gateway_{name}", frozenset(labels.items())))


def test_the_queue_is_told_by_state_and_by_the_age_of_the_oldest(house: House, asked: Ask) -> None:
    house.given("lot.xml", paimt("D-1"))
    house.clock.advance(timedelta(hours=3))
    status, text = asked("/metrics")
    assert status == 200
    assert value(text, "records", kind="request", state="READY") == 1
    assert value(text, "records", kind="request", state="HELD") == 0
    age = value(text, "oldest_seconds", kind="request", state="READY")
    assert age is not None
    assert 3 * 3600 <= age < 3 * 3600 + 60
    assert value(text, "oldest_seconds", kind="request", state="RECEIVABLE") is None  # it waits for nothing


def test_transmissions_and_findings_are_counted(house: House, asked: Ask) -> None:
    house.given("lot.xml", paimt("D-1"))
    house.given("bad.xml", re.sub(r"<no_fact_ext>[^<]*<", "<no_fact_ext>?<", paimt("D-2")))
    house.sent()
    text = asked("/metrics")[1]
    assert value(text, "transmissions_total", payer="sandbox", outcome="delivered") == 1
    assert sum(count for (name, _), count in measured(text).items() if name == "gateway_findings_total") > 0


def test_the_last_success_of_an_endpoint_outlives_a_failure(house: House, asked: Ask) -> None:
    with house.store.write() as tx:
        due.sync(tx, [("receive", "sandbox:18001", 60.0)])
        due.finish(tx, "receive", "sandbox:18001", again_in=None, error=None)
    well = house.clock.now().timestamp()
    house.clock.advance(timedelta(hours=1))
    with house.store.write() as tx:
        due.finish(tx, "receive", "sandbox:18001", again_in=None, error="unreachable")
    text = asked("/metrics")[1]
    labels = {"stage": "receive", "endpoint": "sandbox:18001"}
    assert value(text, "last_success_timestamp_seconds", **labels) == pytest.approx(well)
    assert value(text, "failing", **labels) == 1
    assert value(text, "disk_free_bytes") > 0  # type: ignore[operator]


def test_live_says_whether_the_loop_turns(house: House, asked: Ask, pulse: Pulse) -> None:
    assert asked("/live") == (200, '{"ok": true, "loop": true}\n')
    house.clock.advance(timedelta(minutes=5))
    assert asked("/live")[0] == 503
    pulse.around(lambda: None)()
    assert asked("/live")[0] == 200


def test_a_loop_that_turns_and_fails_is_live_and_not_ready(house: House, asked: Ask, pulse: Pulse) -> None:
    def broken() -> None:
        raise RuntimeError

    house.clock.advance(timedelta(minutes=5))
    with pytest.raises(RuntimeError):
        pulse.around(broken)()
    assert asked("/live")[0] == 200
    status, text = asked("/ready")
    assert (status, json.loads(text)) == (
        503,
        {"ok": False, "loop": False, "database": True, "disk": True, "released": True},
    )


def test_ready_asks_for_room_on_the_disk(house: House) -> None:
    config = replace(house.rooms.config, monitor=MonitorConfig(disk_low_bytes=1 << 62))
    monitor = Monitor(config, house.store, house.clock, Pulse(house.clock))
    status, _, body = monitor.answer("/ready")
    assert (status, json.loads(body)["disk"]) == (503, False)


def test_an_answer_is_kept_for_a_moment_so_that_asking_costs_little(house: House) -> None:
    monitor = Monitor(house.rooms.config, house.store, house.clock, Pulse(house.clock))
    before = monitor.answer("/metrics")
    house.given("lot.xml", paimt("D-1"))
    assert monitor.answer("/metrics") == before
    house.clock.advance(timedelta(seconds=watching.KEPT + 1))
    assert monitor.answer("/metrics") != before


def test_other_paths_and_methods_get_nothing(asked: Ask) -> None:
    assert asked("/")[0] == asked("/../gateway.db")[0] == asked("/metrics/")[0] == 404
    assert asked("/live?x=1")[0] == 200
    assert asked("/live", "HEAD") == (200, "")
    assert asked("/live", "POST")[0] == 501


def test_a_client_that_says_nothing_keeps_nobody_else_waiting(house: House) -> None:
    monitor = Monitor(house.rooms.config, house.store, house.clock, Pulse(house.clock))
    with listening(monitor, MonitorConfig()) as where:
        silent = [socket.create_connection(where) for _ in range(watching.AT_ONCE - 1)]
        connection = http.client.HTTPConnection(*where, timeout=10)
        connection.request("GET", "/live")
        assert connection.getresponse().status == 200
        for one in (*silent, connection):
            one.close()


def test_a_port_that_is_taken_is_a_sentence(house: House) -> None:
    monitor = Monitor(house.rooms.config, house.store, house.clock, Pulse(house.clock))
    with listening(monitor, MonitorConfig()) as (_, port):
        second = listening(monitor, MonitorConfig(port=port))
        with pytest.raises(ConfigError, match=str(port)):
            second.__enter__()


def test_without_being_told_otherwise_only_this_machine_can_ask() -> None:
    assert MonitorConfig().loopback
    assert not MonitorConfig().port
    assert not MonitorConfig(address="0.0.0.0").loopback


def test_labels_name_codes_and_mailboxes_and_no_number_of_a_practitioner(house: House, asked: Ask) -> None:
    house.given("lot.xml", paimt("D-1"))
    text = asked("/metrics")[1]
    assert "231234" not in text  # the practitioner's
    assert "D-1" not in text
    labels = {name for _, found in measured(text) for name, _ in found}
    assert labels <= {"version", "kind", "state", "payer", "outcome", "code", "severity", "number", "stage", "endpoint"}


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A service manager that listens, as systemd does."""
    if WINDOWS:
        pytest.skip("no such managers on Windows")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"{folder}/notify")  # such a name may have 107 bytes
        line.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        yield line


def test_the_manager_hears_that_the_loop_turns_and_a_turn_that_fails_is_one(
    house: House, manager: socket.socket
) -> None:
    def broken() -> None:
        raise RuntimeError

    pulse = Pulse(house.clock, partial(tell_manager, "WATCHDOG=1"))
    pulse.around(lambda: None)()
    with pytest.raises(RuntimeError):
        pulse.around(broken)()
    assert [manager.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2


def test_a_manager_that_does_not_read_or_is_gone_keeps_nothing_waiting(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = 0
    while tell_manager("WATCHDOG=1"):  # until its queue is full
        said += 1
    assert said
    for where in ("/nowhere/notify", "relative", "", "@nobody-listens-here"):
        monkeypatch.setenv("NOTIFY_SOCKET", where)
        assert not tell_manager("READY=1")


def test_a_service_says_that_it_is_ready_alive_and_stopping(tmp_path: Path, manager: socket.socket) -> None:
    service = subprocess.Popen(
        [sys.executable, "-m", "gateway", "run", "--state-dir", str(tmp_path / "var")],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        manager.settimeout(60)
        assert [manager.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
        service.send_signal(signal.SIGTERM)
        heard = b""
        while heard != b"STOPPING=1":
            heard = manager.recv(100)
        assert service.wait(60) == 0
    finally:
        service.kill()
        service.wait()
