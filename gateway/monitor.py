"""Says over HTTP how the service is: /metrics, /live (its loop turns) and /ready (it can do its work).

Nobody logs in here: it listens on this machine alone unless the configuration says otherwise, and tells no secret, no
document and no person. Whatever breaks in it, the stages do not notice.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import structlog

from gateway import instance
from gateway.clock import Clock
from gateway.config import Config, MonitorConfig
from gateway.credentials import term
from gateway.errors import ConfigError
from gateway.messages import LANGUAGES, say, why_not
from gateway.metrics import exposition
from gateway.store import Store, gauges

KEPT = 5.0  # seconds an answer is given again: asking often costs no more
AT_ONCE = 8  # connections; more are closed unanswered
PATIENCE = 5  # seconds for a request to arrive

log = structlog.get_logger()
Answer = tuple[int, str, bytes]  # status, type, body


class Pulse:
    """When the service's loop last turned, and when it last turned without failing (monotonic seconds)."""

    def __init__(self, clock: Clock, heard: Callable[[], object] = lambda: None) -> None:
        self._clock, self._heard = clock, heard
        self._turned = self._well = clock.monotonic()

    def around(self, tick: Callable[[], object]) -> Callable[[], None]:
        """`tick`, remembered each time. `heard` is called after each turn, failed or not."""

        def turn() -> None:
            try:
                tick()
                self._well = self._clock.monotonic()
            finally:
                self._turned = self._clock.monotonic()
                self._heard()

        return turn

    def turns(self, within: float) -> bool:
        """Whether it turned within so many seconds."""
        return self._clock.monotonic() - self._turned <= within

    def well(self, within: float) -> bool:
        """Whether it turned without failing within so many seconds."""
        return self._clock.monotonic() - self._well <= within


class Monitor:
    """The three answers. They come from any thread."""

    def __init__(self, config: Config, store: Store, clock: Clock, pulse: Pulse) -> None:
        self._config, self._store, self._clock, self._pulse = config, store, clock, pulse
        self._lock = threading.Lock()
        self._kept: tuple[float, bytes] | None = None

    def answer(self, path: str) -> Answer:
        """What stands under a path."""
        if path == "/metrics":
            return 200, "text/plain; version=0.0.4; charset=utf-8", self._metrics()
        if path == "/live":
            return _told({"loop": self._pulse.turns(self._config.monitor.live_within)})
        return _told(self._ready()) if path == "/ready" else (404, "text/plain", b"/metrics /live /ready\n")

    def _metrics(self) -> bytes:
        with self._lock:  # one look at a time
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept[0] > KEPT:
                with self._store.read() as tx:
                    look = gauges.gauges(tx)
                held = instance.held(self._config.paths.instance) is not None
                self._kept = now, exposition(look, self._free(), self._ends(look), held=held)
            return self._kept[1]

    def _ends(self, look: gauges.Gauges) -> dict[str, datetime]:
        rules = {payer.name: payer.password for payer in self._config.payers}
        terms = {row.id: term(row, rules[row.payer]) for row in look.credentials if row.payer in rules}
        return {id_: known.ends for id_, known in terms.items() if known is not None}

    def _ready(self) -> dict[str, bool]:
        said = self._config.monitor
        return {
            "loop": self._pulse.well(said.live_within),
            "database": self._readable(),
            "disk": self._free() >= said.disk_low_bytes,
            "released": instance.held(self._config.paths.instance) is None,
        }

    def _readable(self) -> bool:
        try:
            with self._store.read():
                return True
        except Exception as problem:
            log.warning("not_ready", error=type(problem).__name__)
            return False

    def _free(self) -> int:
        return shutil.disk_usage(self._config.paths.state).free


def _told(parts: dict[str, bool]) -> Answer:
    body = json.dumps({"ok": all(parts.values())} | parts).encode() + b"\n"
    return 200 if all(parts.values()) else 503, "application/json", body


@contextmanager
def listening(monitor: Monitor, said: MonitorConfig) -> Iterator[tuple[str, int]]:
    """Answer until the end of the context; gives address and port. Raises ConfigError when the port cannot be had."""
    try:
        server = _Server(monitor, said.address, said.port)
    except OSError as error:
        why = why_not(error)
        where = {"address": said.address, "port": said.port}
        raise ConfigError({lang: say("monitor.no_port", lang, why=why[lang], **where) for lang in LANGUAGES}) from None
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield said.address, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, monitor: Monitor, address: str, port: int) -> None:
        self.monitor = monitor
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self.address_family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        """Without asking any resolver for this machine's name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away says nothing of us."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version, sys_version = "gateway", ""

    def do_GET(self) -> None:
        try:
            status, kind, body = self.server.monitor.answer(self.path.partition("?")[0])
        except Exception as problem:
            log.warning("monitor_failed", error=type(problem).__name__)
            status, kind, body = 503, "text/plain", b"failed\n"
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_arguments: Any) -> None:
        """Nothing of a request is written down."""
