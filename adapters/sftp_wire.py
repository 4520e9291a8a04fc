"""What the SSH library's SFTP client does not do well enough: bounded listings, and pipelines that forget no error."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO

from paramiko import Message, SFTPAttributes, SFTPClient, SFTPHandle
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_NAME,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    CMD_WRITE,
    SFTPError,
    int64,
)

from gateway.errors import Gone

_CHUNK = 32768  # bytes; every server takes this much in one request
_DEPTH = 64  # requests under way at once: 2 MiB, the library's window (a larger window is slower)


def entries(client: SFTPClient, folder: str, limit: int) -> list[tuple[str, SFTPAttributes]]:
    """Names and attributes in a folder; at most `limit` are looked at, however long the server goes on. Bytes of a
    name that are not UTF-8 are escaped as the system escapes them (the library's own listing would fail as a whole)."""
    wire: Any = client
    _kind, answer = wire._request(CMD_OPENDIR, folder.encode())
    handle = answer.get_binary()
    found: list[tuple[str, SFTPAttributes]] = []
    looked_at = 0
    while looked_at < limit:
        try:
            kind, answer = wire._request(CMD_READDIR, handle)
        except EOFError:
            break
        if kind != CMD_NAME:
            raise SFTPError("expected names")
        count = min(answer.get_int(), limit - looked_at)
        looked_at += max(count, 1)  # an endless row of empty answers ends too
        found += _decoded(answer, count)
    wire._request(CMD_CLOSE, handle)
    return found


def _decoded(answer: Message, count: int) -> Iterator[tuple[str, SFTPAttributes]]:
    unpack: Any = SFTPAttributes
    for _ in range(count):
        name, _long = answer.get_binary(), answer.get_binary()
        attributes = unpack._from_msg(answer)
        yield name.decode("utf-8", "surrogateescape"), attributes


class _Flight:
    """Requests under way in one channel, answered one by one in the order we ask for."""

    def __init__(self, client: SFTPClient) -> None:
        self._wire: Any = client
        self._answers: dict[int, tuple[int, Message]] = {}

    def ask(self, command: int, *fields: object) -> int:
        number: int = self._wire._async_request(self, command, *fields)
        return number

    def answer(self, number: int) -> tuple[int, Message]:
        """Wait for one answer; a status that is not OK is raised."""
        while number not in self._answers:
            self._wire._read_response()
        kind, message = self._answers.pop(number)
        if kind == CMD_STATUS:
            self._wire._convert_status(message)
        return kind, message

    def data(self, number: int) -> bytes:
        """Wait for the bytes of one read; b"" at the end of the file."""
        try:
            kind, message = self.answer(number)
        except EOFError:
            return b""
        if kind != CMD_DATA:
            raise SFTPError("expected data")
        data: bytes = message.get_binary()
        return data

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        self._answers[number] = (kind, message)  # the library calls this for every request asked through `ask`


def upload(client: SFTPClient, path: str, source: BinaryIO) -> tuple[int, str]:
    """Write a new file and say how many bytes went out and their sha256. Fails when the name exists, and when any
    single write failed."""
    flight, under_way = _Flight(client), deque[int]()
    digest, sent = hashlib.sha256(), 0
    with client.open(path, "wx") as file:
        while chunk := source.read(_CHUNK):
            under_way.append(flight.ask(CMD_WRITE, file.handle, int64(sent), chunk))
            digest.update(chunk)
            sent += len(chunk)
            if len(under_way) >= _DEPTH:
                flight.answer(under_way.popleft())
        for number in under_way:
            flight.answer(number)
    return sent, digest.hexdigest()


def download(client: SFTPClient, path: str, size: int) -> Iterator[bytes]:
    """Read exactly `size` bytes. Raises Gone when the file turns out shorter or longer than announced."""
    flight, under_way = _Flight(client), deque[tuple[int, int, int]]()
    asked = 0
    with client.open(path, "r") as file:
        while asked < size or under_way:
            while asked < size and len(under_way) < _DEPTH:
                length = min(_CHUNK, size - asked)
                under_way.append((flight.ask(CMD_READ, file.handle, int64(asked), length), asked, length))
                asked += length
            number, offset, length = under_way.popleft()
            yield _whole(flight, file.handle, flight.data(number), offset, length)
        if flight.data(flight.ask(CMD_READ, file.handle, int64(size), 1)):
            raise Gone(f"{path} is longer than announced")


def _whole(flight: _Flight, handle: SFTPHandle, data: bytes, offset: int, length: int) -> bytes:
    """Some servers give less than asked for in one answer: ask for the rest."""
    while len(data) < length:
        more = flight.data(flight.ask(CMD_READ, handle, int64(offset + len(data)), length - len(data)))
        if not more:
            raise Gone("the file is shorter than announced")
        data += more
    if len(data) > length:
        raise Gone("the server sent more than was asked for")
    return data
