"""The sandbox from the command line: its faults are switched on and off while it serves or rests."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest
from support.command import call

from gateway.sandbox.faults import FAULTS


@pytest.fixture
def at(tmp_path: Path) -> tuple[str, ...]:
    """The options that name a new state folder and the language."""
    return ("--state-dir", str(tmp_path / "var"), "--lang", "en")


def test_a_fault_stays_on_until_it_is_mended(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--number", "18001", "--times", "2", "--seconds", "30")
    assert call("sandbox", "fault", "delay", *words, *at) == 0
    assert call("sandbox", "fault", *at) == 0
    listed = capsys.readouterr().out.splitlines()[-1]
    assert "delay" in listed
    assert all(value in listed for value in ("18001", "30", "2"))
    assert call("sandbox", "mend", "delay", *at) == 0
    assert "No fault is on" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["fault", "mend"])
def test_an_unknown_fault_of_the_sandbox_names_the_known_ones(
    command: str, at: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sandbox", command, "nonsense", *at) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in FAULTS)


def test_a_fault_waits_for_a_whole_transmission_number(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sandbox", "fault", "delay", "--number", "1800", *at) == 2
    assert "1800" in capsys.readouterr().err


def test_a_port_in_use_is_named(at: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert call("sandbox", "--port", port, *at) == 2
    assert f"Port {port}" in capsys.readouterr().err


def test_it_serves_machine_identifiers_at_a_port_of_their_own(at: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        door = free.getsockname()[1]
    run = [sys.executable, "-m", "gateway", "sandbox", "--port", "0", "--machines", str(door), "--password-days", "30"]
    with subprocess.Popen([*run, *at], stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            said = "".join(iter(served.stdout.readline, "\n"))
            (payer,) = tomllib.loads("".join(iter(served.stdout.readline, "\n")))["payer"]
            assert (payer["user"], payer["password"]["life_days"]) == ("{machine}", 30), said
            with urllib.request.urlopen(f"{payer['password']['change_url']}/changer", data=b"", timeout=30) as answer:
                assert b"<CodeErreur>1</CodeErreur>" in answer.read(), "it knows nobody yet, but it answers"
        finally:
            served.send_signal(signal.SIGINT)
            said = served.communicate()[0]
    assert (served.returncode, "stopped" in said) == (0, True)


def test_the_help_of_fault_names_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sandbox", "fault", "--help", "--lang", "fr") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in FAULTS)
