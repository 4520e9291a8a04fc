"""One line to a collector of logs, as RFC 5424 writes it: by UDP (RFC 5426), TCP (RFC 6587) or a socket of this
machine. Only TCP tells when nobody listens."""

from __future__ import annotations

import os
import re
import socket
from urllib.parse import urlsplit

from gateway.channels.bounds import TIMEOUT
from gateway.errors import Unreachable
from gateway.ports import Letter

PRIORITY = 13 * 8 + 5  # log audit, notice
_NAME = re.compile(r"[^!-~]")


def write(target: str, letter: Letter) -> None:
    """Send the letter's line (`data`). Raises Unreachable where that can be known."""
    data = line(letter)
    try:
        if target.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
                local.connect(target)
                local.send(data)
            return
        parts = urlsplit(target)
        host = parts.hostname or ""
        if parts.scheme == "tcp":
            with socket.create_connection((host, parts.port or 601), timeout=TIMEOUT) as stream:
                stream.sendall(str(len(data)).encode() + b" " + data)
            return
        family, kind, protocol, _, address = socket.getaddrinfo(host, parts.port or 514, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as datagrams:
            datagrams.sendto(data, address)
    except OSError as error:
        raise Unreachable(type(error).__name__) from error


def line(letter: Letter) -> bytes:
    """The message: header, no structured data, and the text."""
    moment = letter.at.isoformat(timespec="milliseconds")
    host = _NAME.sub("", socket.gethostname())[:255] or "-"
    head = f"<{PRIORITY}>1 {moment} {host} gateway {os.getpid()} {letter.data['type']} -"
    return f"{head} {letter.data['line']}".encode()
