"""S5, S8: servers that never become an SSH server: slow, cut at any byte, weak, or talking nonsense."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.house import Boxes, House, paimt
from support.mailboxes import Notebook
from support.scripted import BANNER, hang_up_heard, key_init, scripted
from support.tally import MINIMUM, Count

from adapters.sftp import open_mailbox
from gateway.errors import Denied, HostKeyChanged, NoAnswer, TransportError
from gateway.models import Attempt
from gateway.ports import Delivery
from gateway.stages.loop import WorkLoop

SOON = {"banner_timeout": 0.2, "connect_timeout": 0.2, "auth_timeout": 0.3}
HANDSHAKE = BANNER + key_init()
WEAK: dict[str, dict[str, tuple[str, ...]]] = {
    "a key exchange with SHA-1": {"kex": ("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1")},
    "a group exchange with SHA-1": {"kex": ("diffie-hellman-group-exchange-sha1",)},
    "an unknown key exchange": {"kex": ("rot13",)},
    "no key exchange": {"kex": ()},
    "triple DES": {"cipher_in": ("3des-cbc",), "cipher_out": ("3des-cbc",)},
    "AES in CBC mode": {"cipher_in": ("aes256-cbc", "aes128-cbc"), "cipher_out": ("aes256-cbc",)},
    "no cipher": {"cipher_in": ("none",), "cipher_out": ("none",)},
    "MD5": {"mac_in": ("hmac-md5",), "mac_out": ("hmac-md5",)},
    "SHA-1": {"mac_in": ("hmac-sha1", "hmac-sha1-96"), "mac_out": ("hmac-sha1",)},
    "compression": {"compression_in": ("zlib",), "compression_out": ("zlib", "zlib@openssh.com")},
    "a host key of DSA": {"key": ("ssh-dss",)},
    "a host key of RSA with SHA-1": {"key": ("ssh-rsa",)},
}
NONSENSE: dict[str, bytes] = {
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Entretien</h1>",
    "SSH 1": b"SSH-1.5-vieux\r\n" + key_init(),
    "bytes": bytes(range(256)) * 16,
    "a banner without an end": b"SSH-2.0-" + b"x" * 200_000,
    "a packet of four gigabytes": BANNER + b"\xff\xff\xff\xff" + b"\0" * 64,
    "a packet of nothing": BANNER + b"\0" * 64,
    "a disconnection": BANNER + b"\0\0\0\x0c\x0a\x01\0\0\0\x02" + b"\0" * 10,
    "another message than the first": BANNER + key_init().replace(b"\x14", b"\x05", 1),
}


def refusal(settings: dict[str, Any], secret: Notebook, **more: Any) -> TransportError:
    """What looking at the server's mailbox ends with."""
    with closing(open_mailbox({**settings, **SOON, **more}, secret)) as mailbox, pytest.raises(TransportError) as end:
        mailbox.look("D-1.xml", 6, "0" * 64)
    return end.value


def test_a_reset_at_any_byte_of_the_handshake_is_no_answer_and_costs_no_password(tally: Count) -> None:
    at, secret = itertools.count(), Notebook("le-bon-1")
    with scripted(lambda line: line.sendall(HANDSHAKE[: next(at)])) as settings:
        for _ in range(len(HANDSHAKE) + 1):
            assert isinstance(refusal(settings, secret), NoAnswer)
    assert secret.calls == []
    tally("S8", refused=len(HANDSHAKE) + 1)


@pytest.mark.parametrize("slow", ["bytes", "lines", "silence after the banner"])
def test_a_server_that_takes_its_time_is_left(slow: str, tally: Count) -> None:
    secret, said = Notebook("le-bon-1"), [0]

    def trickle(line: socket.socket) -> None:
        if slow == "silence after the banner":
            line.sendall(BANNER)
            hang_up_heard(line)
        line.settimeout(0.02)
        for _ in range(1000):  # 20 s, if nobody hung up
            line.sendall(b"x" if slow == "bytes" else b"please wait\r\n")
            said[0] += 1
            try:
                if not line.recv(4096):
                    return
            except TimeoutError:
                continue

    with scripted(trickle) as settings:
        assert isinstance(refusal(settings, secret), NoAnswer)
    assert (secret.calls, said[0] < 500) == ([], True)
    tally("S8", refused=1)


@pytest.mark.parametrize("weak", WEAK)
def test_nothing_is_agreed_with_a_server_that_offers_only_what_is_weak(weak: str, tally: Count) -> None:
    secret = Notebook("le-bon-1")

    def offer(line: socket.socket) -> None:
        line.sendall(BANNER + key_init(**WEAK[weak]))
        hang_up_heard(line)

    with scripted(offer) as settings:
        end = refusal(settings, secret, banner_timeout=2, connect_timeout=2)
    assert isinstance(end, Denied | HostKeyChanged), end
    assert "no acceptable algorithm" in str(end)
    assert secret.calls == []
    assert len(WEAK) >= MINIMUM["S5"]
    tally("S5", refused=1)


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_what_is_no_ssh_server_is_no_answer(nonsense: str, tally: Count) -> None:
    secret = Notebook("le-bon-1")

    def talk(line: socket.socket) -> None:
        line.sendall(NONSENSE[nonsense])
        hang_up_heard(line)  # a reset would take back what was not read yet

    with scripted(talk) as settings:
        end = refusal(settings, secret)
    assert isinstance(end, Denied if nonsense == "SSH 1" else NoAnswer), end  # an old protocol is no accident
    assert secret.calls == []
    tally("S8", refused=1)


class _OneSlow(Boxes):
    """18001's mailbox is at a server that never becomes one; the others are as ever."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._settings = settings

    @contextmanager
    def payer_deposit(self, payer: str, number: str) -> Iterator[Delivery]:
        if number != "18001":
            with super().payer_deposit(payer, number) as box:
                yield box
            return
        with closing(open_mailbox({**self._settings, **SOON}, Notebook("le-bon-1"))) as box:
            yield box


def test_other_agencies_are_served_while_one_waits_for_a_hostile_server(tmp_path: Path, tally: Count) -> None:
    def silent(line: socket.socket) -> None:
        line.sendall(BANNER)
        hang_up_heard(line)

    with scripted(silent) as settings:
        house = House(tmp_path)
        house.boxes = _OneSlow(settings)
        house.configure(tmp_path)
        house.agency("AGE-2", "18002")
        house.account("personal:230002", "AGE-2")
        house.given("a.xml", paimt("D-1"))
        other = paimt("D-2", first="F-8", second="F-9", sender="18002").replace("231234", "230002")
        house.given("b.xml", other, "SRC-2")
        loop = WorkLoop(house.rooms, [house.transmit])
        loop.tick()
        loop.close()
        assert house.states() == {"D-1": "READY", "D-2": "TRANSMITTED"}
        assert sorted(str(attempt.outcome) for attempt in house.all(Attempt)) == ["delivered", "unreachable"]
        house.close()
    tally("S8", refused=1, twins=1)
