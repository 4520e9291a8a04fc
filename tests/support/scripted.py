"""A TCP server that says what a test tells it to, byte by byte, and counts what it got away with."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import paramiko
from support.mailboxes import host_key

Script = Callable[[socket.socket], None]
BANNER = b"SSH-2.0-Essai\r\n"
# What a modern server offers, by the place of the list in SSH_MSG_KEXINIT (RFC 4253, section 7.1).
OFFERED: dict[str, tuple[str, ...]] = {
    "kex": ("curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"),
    "key": ("ssh-ed25519",),
    "cipher_out": ("aes128-gcm@openssh.com", "aes256-ctr"),
    "cipher_in": ("aes128-gcm@openssh.com", "aes256-ctr"),
    "mac_out": ("hmac-sha2-256",),
    "mac_in": ("hmac-sha2-256",),
    "compression_out": ("none",),
    "compression_in": ("none",),
    "language_out": (),
    "language_in": (),
}


@contextmanager
def scripted(script: Script) -> Iterator[dict[str, Any]]:
    """A running server whose every line follows the script, then is reset; gives the settings that reach it."""
    key = host_key()
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(0.05)
    stop, running = threading.Event(), list[threading.Thread]()

    def serve(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.settimeout(5)
            script(line)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end

    def accept() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                running.append(threading.Thread(target=serve, args=(door.accept()[0],), daemon=True))
                running[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    pin = f"{key.get_name()} {key.get_base64()}"
    try:
        yield {"host": "127.0.0.1", "port": door.getsockname()[1], "user": "18001", "host_key": pin, "path": "depot"}
    finally:
        stop.set()
        acceptor.join()
        for thread in running:
            thread.join(6)
        door.close()


def key_init(**only: tuple[str, ...]) -> bytes:
    """SSH_MSG_KEXINIT as it goes over the wire, with these lists in place of a modern server's."""
    message = paramiko.Message()
    message.add_byte(b"\x14")
    message.add_bytes(b"\0" * 16)
    for name, algorithms in (OFFERED | only).items():
        assert name in OFFERED
        message.add_string(",".join(algorithms))
    message.add_boolean(False)
    message.add_int(0)
    payload = message.asbytes()
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + b"\0" * padding


def hang_up_heard(line: socket.socket) -> None:
    """Wait until the other side goes away."""
    while line.recv(4096):
        pass
