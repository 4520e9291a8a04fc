"""A line that misbehaves: stands between gateway and payer on loopback, and spoils one connection at one byte."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

TICK = 0.05  # seconds between two looks at whether it is over
# As Toxiproxy has them, then three of our own.
KINDS = ("latency", "bandwidth", "slow_close", "timeout", "reset", "slicer", "limit", "swallow", "cut", "strike")
_AMOUNTS = {"latency": 0.02, "bandwidth": 20_000, "slow_close": 0.3, "timeout": 0.3, "slicer": 7, "swallow": 0.5}


@dataclass(frozen=True, slots=True)
class Toxic:
    """What happens on the nth connection (from 0) once so many bytes went one way. `up` is towards the payer."""

    kind: str
    connection: int
    way: str  # up | down
    at: int  # bytes

    @property
    def amount(self) -> float:
        """Seconds, bytes a second (bandwidth) or bytes in one piece (slicer)."""
        return _AMOUNTS.get(self.kind, 0)


class Proxy:
    """Passes everything but what its toxic spoils. `strike` is called by the toxic of that name."""

    def __init__(self, toxic: Toxic | None = None) -> None:
        self.toxic, self.struck = toxic, threading.Event()
        self.strike: Callable[[], object] = lambda: None
        self.passed: Counter[tuple[int, str]] = Counter()
        self._target, self._over = 0, threading.Event()
        self._threads: list[threading.Thread] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(TICK)

    def open(self, target: int) -> int:
        """Begin to pass connections on to a port of this machine; gives our own."""
        self._target = target
        self._begin(self._accept)
        return int(self._door.getsockname()[1])

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._door.close()

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = -1
        while not self._over.is_set():
            with suppress(TimeoutError, OSError):
                near, _ = self._door.accept()
                number += 1
                far = socket.create_connection(("127.0.0.1", self._target))
                for line in (near, far):
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    line.settimeout(TICK)
                self._begin(self._pump, number, "up", near, far)
                self._begin(self._pump, number, "down", far, near)

    def _pump(self, number: int, way: str, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while not self._over.is_set():
                try:
                    data = source.recv(4096)
                except TimeoutError:
                    continue
                if not data:
                    break
                if not self._pass(number, way, data, source, sink):
                    return
        if self._spoils(number, way) == "slow_close":
            time.sleep(self.toxic.amount if self.toxic else 0)
        for line in (source, sink):
            line.close()

    def _spoils(self, number: int, way: str) -> str | None:
        toxic = self.toxic
        return toxic.kind if toxic is not None and (toxic.connection, toxic.way) == (number, way) else None

    def _pass(self, number: int, way: str, data: bytes, source: socket.socket, sink: socket.socket) -> bool:
        """Send it on; False when the line is no more."""
        before = self.passed[number, way]
        self.passed[number, way] += len(data)
        toxic = self.toxic
        if toxic is None or not self._spoils(number, way) or before + len(data) <= toxic.at:
            sink.sendall(data)
            return True
        clean = max(0, toxic.at - before)
        sink.sendall(data[:clean])
        self.struck.set()
        return _ACTS[toxic.kind](self, toxic, data[clean:], source, sink)

    def _slowly(self, toxic: Toxic, data: bytes, _source: socket.socket, sink: socket.socket) -> bool:
        piece = {"slicer": int(toxic.amount), "bandwidth": 512}.get(toxic.kind, len(data))
        for start in range(0, len(data), piece):
            part = data[start : start + piece]
            time.sleep({"latency": toxic.amount, "bandwidth": len(part) / toxic.amount}.get(toxic.kind, 0))
            sink.sendall(part)
        return True

    def _end(self, toxic: Toxic, _data: bytes, source: socket.socket, sink: socket.socket) -> bool:
        """Both ends find the line gone, politely or not, at once or after silence."""
        if toxic.kind == "strike":
            self.strike()
        time.sleep(toxic.amount)
        for line in (source, sink):
            with suppress(OSError):
                if toxic.kind == "reset":
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    line.shutdown(socket.SHUT_RDWR)
            line.close()
        return False

    def _half(self, _toxic: Toxic, _data: bytes, _source: socket.socket, sink: socket.socket) -> bool:
        """Nothing more comes this way; the other way stays open until its end."""
        sink.shutdown(socket.SHUT_WR)
        return False


_ACTS = dict.fromkeys(("latency", "bandwidth", "slicer", "slow_close"), Proxy._slowly)
_ACTS |= dict.fromkeys(("timeout", "reset", "swallow", "cut", "strike"), Proxy._end)
_ACTS |= {"limit": Proxy._half}
