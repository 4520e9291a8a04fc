"""A mailbox in one folder of an SFTP server: the payer's deposit or return box, or an agency's own server."""

from __future__ import annotations

import hashlib
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, BinaryIO

from paramiko import SFTPAttributes, SFTPClient
from paramiko.sftp import SFTPError
from paramiko.ssh_exception import SSHException

from adapters import listing, names
from adapters.sftp_wire import download, entries, upload
from adapters.ssh import Connection, Server, secret_of
from gateway.errors import Conflict, Denied, Gone, InDoubt, TransportError, Unreachable
from gateway.ports import Receipt, Secret, WaitingFile

_MOST = 10_000  # entries of a listing; the rest waits for the next look
# All the ways in which a line breaks, or a server talks nonsense.
_BROKEN = (SSHException, SFTPError, EOFError, OSError, struct.error, UnicodeError)


def open_mailbox(settings: Mapping[str, Any], secret: Secret | None) -> Sftp:
    """The mailbox at settings host, port, user, path. `host_key` pins the server; the password comes from `secret`,
    else from `password_file`, else `key_file` proves who we are. Nothing is connected before the first use."""
    return Sftp(
        Connection(Server.of(settings), secret_of(settings, secret)),
        settings.get("path", "."),
        after=settings.get("after", "remove"),
        reads_back=settings.get("verify") == "hash",
    )


class Sftp:
    """Pickup and Delivery in one remote folder. Looks at nothing below it, except `recus/` which it makes itself."""

    def __init__(self, connection: Connection, folder: str, *, after: str = "remove", reads_back: bool = False) -> None:
        self._connection = connection
        self._folder = folder.rstrip("/") if folder != "/" else ""
        self._keeps = after == "move"
        self._reads_back = reads_back

    def waiting(self) -> list[WaitingFile]:
        """See `ports.Pickup`. The protocol does not tell how many links a file has."""
        with self._asking("listing") as client:
            found = dict(reversed(entries(client, self._folder or "/", _MOST)))  # of equal names the first one counts
        listed = (_described(name, facts, name + names.MARKER in found) for name, facts in sorted(found.items()))
        return [file for file in listed if file is not None]

    def read(self, file: WaitingFile, sink: BinaryIO) -> None:
        """See `ports.Pickup`. What the sink raises goes through untouched."""
        for chunk in self._chunks(file):
            sink.write(chunk)

    def _chunks(self, file: WaitingFile) -> Iterator[bytes]:
        path = self._path(listing.takable(file))
        with self._asking(f"reading {file.name}") as client:
            _require(_facts(client, path), file)
            yield from download(client, path, file.size)
            _require(_facts(client, path), file)

    def remove(self, file: WaitingFile) -> None:
        """See `ports.Pickup`. The marker goes first: left behind, it would call the next file of that name whole."""
        path = self._path(listing.takable(file))
        with self._asking(f"removing {file.name}") as client:
            facts = _facts(client, path)
            if facts is None:
                return
            _require(facts, file)
            if file.marker:
                with suppress(FileNotFoundError):
                    client.remove(path + names.MARKER)
            if self._keeps:
                self._move(client, path, file)
            else:
                client.remove(path)

    def _move(self, client: SFTPClient, path: str, file: WaitingFile) -> None:
        """Rename first, look after: a new deposit that slips in under the old name must not vanish."""
        folder = self._path(names.SETTLED)
        if _facts(client, folder) is None:
            client.mkdir(folder)
        places = (f"{folder}/{names.numbered(file.name, number)}" for number in count(1))
        place = next(place for place in places if _facts(client, place) is None)
        client.rename(path, place)
        if not _is_same(_facts(client, place), file):
            client.rename(place, path)
            raise Gone(f"another file took the name {file.name}")

    def look(self, name: str, size: int, sha256: str) -> Receipt | None:
        """See `ports.Delivery`. The size is the proof, or the hash of what is read back where `verify` = "hash"."""
        found = self._there(name, size, sha256)
        with self._asking(f"clearing up beside {name}") as client, suppress(FileNotFoundError, PermissionError):
            # What a try that was cut left behind. After a cut rename both names may stand: the final one wins.
            client.remove(self._path(names.temporary(name, sha256[:8])))
        return found

    def _there(self, name: str, size: int, sha256: str) -> Receipt | None:
        path = self._path(name)
        with self._asking(f"looking for {name}") as client:
            facts = _facts(client, path)
            if facts is None:
                return None
            if not _is_plain(facts) or facts.st_size != size or not self._holds(client, path, size, sha256):
                raise Conflict(f"{name} stands there with other bytes")
        return Receipt(name, size, sha256, already=True, verified=self._proof)

    def _holds(self, client: SFTPClient, path: str, size: int, sha256: str) -> bool:
        if not self._reads_back:
            return True
        digest = hashlib.sha256()
        for chunk in download(client, path, size):
            digest.update(chunk)
        return digest.hexdigest() == sha256

    @property
    def _proof(self) -> str:
        return "hash" if self._reads_back else "size"

    def send(self, name: str, source: BinaryIO, size: int, sha256: str, before_commit: Callable[[], None]) -> Receipt:
        """See `ports.Delivery`. The rename is the standard one, which fails where the name exists."""
        if found := self._there(name, size, sha256):
            return found
        unfinished = self._path(names.temporary(name, sha256[:8]))
        try:
            self._upload(unfinished, source, size, sha256)
            before_commit()
            return self._commit(unfinished, Receipt(name, size, sha256, verified=self._proof))
        except InDoubt:
            raise  # the temporary file may be the only one: it stays until somebody has looked
        except BaseException:
            self._discard(unfinished)
            raise

    def _upload(self, unfinished: str, source: BinaryIO, size: int, sha256: str) -> None:
        with self._asking("sending") as client:
            if _facts(client, unfinished) is not None:
                client.remove(unfinished)  # ours, from a cut attempt
            sent = upload(client, unfinished, source)
            facts = _facts(client, unfinished)
            if sent != (size, sha256):
                raise TransportError(f"the bytes for {unfinished} are not the promised ones; nothing was delivered")
            if facts is None or facts.st_size != size:
                raise Unreachable(f"{unfinished}: the server has not kept all of {size} bytes")
            if not self._holds(client, unfinished, size, sha256):
                raise Unreachable(f"{unfinished}: the server gives back other bytes than it got")

    def _commit(self, unfinished: str, receipt: Receipt) -> Receipt:
        with self._asking("renaming") as client:
            try:
                client.rename(unfinished, self._path(receipt.name))
                return receipt
            except _BROKEN as error:
                if not self._answered(error):
                    self._connection.close()
                    raise InDoubt(f"the line was cut while {receipt.name} got its name") from error
                refusal = error
        # The server said no. Either somebody was faster, or it stopped between the two halves of a rename.
        if found := self.look(receipt.name, receipt.size, receipt.sha256):
            return found
        kind = Denied if isinstance(refusal, PermissionError) else Unreachable
        raise kind(f"the server refused to give {receipt.name} its name") from refusal

    def _discard(self, unfinished: str) -> None:
        """Best effort, and only on a line that still stands: what stays is replaced by the next attempt."""
        if self._connection.alive():
            with suppress(*_BROKEN):
                self._connection.client().remove(unfinished)

    def close(self) -> None:
        """See `ports`."""
        self._connection.close()

    def _path(self, name: str) -> str:
        return f"{self._folder}/{names.checked(name)}"

    def _answered(self, error: BaseException) -> bool:
        """Did the server answer with a refusal, rather than fall silent?"""
        return isinstance(error, OSError) and not isinstance(error, TimeoutError) and self._connection.alive()

    @contextmanager
    def _asking(self, what: str) -> Iterator[SFTPClient]:
        """A live session; what goes wrong in it is said in the words of `errors`."""
        client = self._connection.client()
        try:
            yield client
        except PermissionError as error:
            raise Denied(f"{self._connection.server}: {what} in {self._folder!r} is not allowed") from error
        except _BROKEN as error:
            if not self._answered(error):
                self._connection.close()
            raise Unreachable(
                f"{self._connection.server}: {what} in {self._folder!r} failed: {str(error)[:120]!r}"
            ) from error


def _facts(client: SFTPClient, path: str) -> SFTPAttributes | None:
    try:
        return client.lstat(path)
    except FileNotFoundError:
        return None


def _is_plain(facts: SFTPAttributes) -> bool:
    return facts.st_mode is not None and stat.S_ISREG(facts.st_mode) and facts.st_size is not None


def _described(name: str, facts: SFTPAttributes, marker: bool) -> WaitingFile | None:
    size, mtime_ns = facts.st_size, _mtime_ns(facts)
    return listing.described(name, facts.st_mode, size, mtime_ns, _identity(facts), marker=marker)


def _mtime_ns(facts: SFTPAttributes) -> int:
    return (facts.st_mtime or 0) * 1_000_000_000


def _identity(facts: SFTPAttributes) -> str:
    if not listing.stands_still(facts.st_mode):
        return "0:0"
    return f"{facts.st_size}:{facts.st_mtime or 0}"  # all that the protocol tells; the name is kept beside it


def _is_same(facts: SFTPAttributes | None, file: WaitingFile) -> bool:
    return facts is not None and _is_plain(facts) and _identity(facts) == file.identity


def _require(facts: SFTPAttributes | None, file: WaitingFile) -> None:
    if not _is_same(facts, file):
        raise Gone(f"{file.name} left, or is another file now")
