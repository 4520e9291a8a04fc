"""A webhook: JSON by POST, signed as Standard Webhooks says (id, timestamp, HMAC-SHA256); no redirect is followed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from gateway import __version__
from gateway.channels.bounds import TIMEOUT, bounded, secret, trusting
from gateway.config import RecipientConfig
from gateway.errors import Denied, TransportError, Unreachable
from gateway.messages import side_by_side
from gateway.ports import Letter

SHORTEST = 16  # bytes of a key
_AGAIN = frozenset({408, 425, 429})
_NOT_US = frozenset({401, 403, 404, 410})


def post(recipient: RecipientConfig, letter: Letter, now: datetime) -> None:
    """Post the letter's data; 2xx is the receipt. Raises TransportError."""
    body = json.dumps(letter.data, ensure_ascii=False, sort_keys=True).encode()
    moment = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"agency-batch-gateway/{__version__}",
        "webhook-id": letter.id,
        "webhook-timestamp": moment,
        "webhook-signature": signature(key(recipient.secret_file), letter.id, moment, body),
    }
    parts = urlsplit(recipient.url)
    connection = _connection(parts, recipient.ca_file)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with bounded(lambda: connection.sock):
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        raise Denied(type(error).__name__) from error
    except (OSError, HTTPException) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        connection.close()
    _judge(status)


def signature(secret_key: bytes, id_: str, moment: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256, in base64, of `id.timestamp.body`."""
    signed = b".".join((id_.encode(), moment.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret_key, signed, hashlib.sha256).digest()).decode()


def key(file: str) -> bytes:
    """The key in a file: `whsec_` and base64, or any text of 16 bytes and more. Raises Denied."""
    text = secret(file)
    try:
        found = base64.b64decode(text[6:], validate=True) if text.startswith("whsec_") else text.encode()
    except binascii.Error:
        found = b""
    if len(found) < SHORTEST:
        raise Denied(side_by_side("alerts.file_unusable", file=file))
    return found


def _connection(parts: SplitResult, ca_file: str) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port or 443, timeout=TIMEOUT, context=trusting(ca_file))
    return HTTPConnection(host, parts.port or 80, timeout=TIMEOUT)  # this machine only (config/alerts.py)


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status >= 500 or status in _AGAIN:
        raise Unreachable(f"HTTP {status}")
    raise Denied(f"HTTP {status}") if status in _NOT_US else TransportError(f"HTTP {status}")
