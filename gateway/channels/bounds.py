"""What no other side may do to us: keep us waiting for good, or make us trust it without a certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.errors import Denied
from gateway.messages import side_by_side

TIMEOUT = 20.0  # seconds of silence
WHOLE = 90.0  # seconds for everything together, however slowly the other side drips


@contextmanager
def bounded(line: Callable[[], socket.socket | None], seconds: float = WHOLE) -> Iterator[None]:
    """Meanwhile the connection is cut after so many seconds, whatever is being said on it."""
    timer = threading.Timer(seconds, _cut, (line,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(line: Callable[[], socket.socket | None]) -> None:
    with suppress(OSError):
        if (opened := line()) is not None:
            opened.shutdown(socket.SHUT_RDWR)


def trusting(ca_file: str) -> ssl.SSLContext:
    """TLS that asks for a certificate of the host's name: the system's authorities, or those of a file. Raises Denied
    when the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise Denied(side_by_side("alerts.file_unusable", file=ca_file)) from error


def secret(file: str) -> str:
    """What a file holds, without the line's end. Raises Denied when it cannot be read or holds nothing."""
    try:
        found = Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise Denied(side_by_side("alerts.file_unusable", file=file)) from error
    if not found:
        raise Denied(side_by_side("alerts.file_unusable", file=file))
    return found
