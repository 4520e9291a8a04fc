"""A mailbox in a folder: local, or on a network share."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from adapters import listing, names, settled
from gateway.errors import Conflict, Denied, Gone, InDoubt, TransportError, Unreachable
from gateway.platform import publish, sync_dir, sync_file
from gateway.ports import Receipt, Secret, WaitingFile

_CHUNK = 1 << 20  # bytes
# Never wait on a FIFO, never follow a link that was put there between listing and opening.
_LOOK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MAKE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
# An agency's software often runs as another user of the same group; nobody else may read.
_MODE = 0o660


def open_mailbox(settings: Mapping[str, Any], secret: Secret | None) -> Folder:
    """The mailbox at settings `path`; `after` says where taken files go: "move" (into recus/) or "remove"."""
    del secret  # a folder asks for no password
    return Folder(Path(settings["path"]), after=settings.get("after", "move"))


class Folder:
    """Pickup and Delivery in one folder. Looks at nothing below it, except `recus/` which it makes itself."""

    def __init__(self, path: Path, after: str = "move") -> None:
        self._path = path
        self._keeps = after == "move"

    def waiting(self) -> list[WaitingFile]:
        """See `ports.Pickup`. A file with a second hard link is refused: it may be another agency's."""
        with _translated(self._path):
            present = {path.name for path in self._path.iterdir()}
            found = [self._describe(name, present) for name in sorted(present)]
        return [file for file in found if file is not None]

    def _describe(self, name: str, present: set[str]) -> WaitingFile | None:
        facts = _facts(self._path / name)
        if facts is None:
            return None
        return listing.described(
            name,
            facts.st_mode,
            facts.st_size,
            facts.st_mtime_ns,
            _identity(facts),
            links=facts.st_nlink,
            marker=name + names.MARKER in present,
        )

    def read(self, file: WaitingFile, sink: BinaryIO) -> None:
        """See `ports.Pickup`. What the sink raises goes through untouched."""
        for chunk in self._chunks(file):
            sink.write(chunk)

    def _chunks(self, file: WaitingFile) -> Iterator[bytes]:
        path = self._path / listing.takable(file)
        with _translated(path), _open(path) as source:
            before = os.fstat(source.fileno())
            _require(before, file)
            left = file.size + 1  # one more than announced shows that it grows, and bounds an endless one
            while left and (chunk := source.read(min(left, _CHUNK))):
                left -= len(chunk)
                yield chunk
            after = os.fstat(source.fileno())
            _require(after, file)
            _require(_facts(path), file)
            # A program may set the time of a file back; not the moment of its last change.
            if left != 1 or after.st_ctime_ns != before.st_ctime_ns:
                raise Gone(f"{path} changed while it was read")

    def remove(self, file: WaitingFile) -> None:
        """See `ports.Pickup`. The marker goes first: left behind, it would call the next file of that name whole."""
        path = self._path / listing.takable(file)
        with _translated(path):
            facts = _facts(path)
            if facts is None:
                return
            _require(facts, file)
            if file.marker:
                path.with_name(path.name + names.MARKER).unlink(missing_ok=True)
            self._take(path, file)

    def _take(self, path: Path, file: WaitingFile) -> None:
        """Rename first, look after: a new deposit that slips in under the old name must not vanish."""
        if self._keeps:
            self._move(path, file)
        else:
            self._erase(path, file)
        sync_dir(self._path)

    def _move(self, path: Path, file: WaitingFile) -> None:
        with settled.opened(self._path) as folder:
            place = folder.place(path.name, _MODE)
            if not _is_same(folder.take(path, place), file):
                folder.give_back(place, path)
                raise Gone(f"another file took the name {path}")
            folder.sync()

    def _erase(self, path: Path, file: WaitingFile) -> None:
        aside = path.with_name(names.temporary(path.name, "gone"))
        path.replace(aside)
        if not _is_same(_facts(aside), file):
            publish(aside, path)
            raise Gone(f"another file took the name {path}")
        aside.unlink()

    def look(self, name: str, size: int, sha256: str) -> Receipt | None:
        """See `ports.Delivery`. Presence is proved by the hash of what lies there. After a crash between the two halves
        of a rename both names stand: the final one wins, and loses its second link."""
        path = self._path / names.checked(name)
        with _translated(path):
            if not self._path.is_dir():
                raise Unreachable(f"the folder {self._path} is not there")
            facts = _facts(path)
            if facts is None:
                return None
            if not stat.S_ISREG(facts.st_mode) or facts.st_size != size or _hash_of(path) != sha256:
                raise Conflict(f"{path} holds other bytes")
        with suppress(OSError):
            (self._path / names.temporary(name)).unlink(missing_ok=True)
        return Receipt(name, size, sha256, already=True, verified="hash")

    def send(self, name: str, source: BinaryIO, size: int, sha256: str, before_commit: Callable[[], None]) -> Receipt:
        """See `ports.Delivery`. The bytes are durable before they get their name."""
        if found := self.look(name, size, sha256):
            return found
        unfinished = self._path / names.temporary(name)
        try:
            with _translated(unfinished):
                unfinished.unlink(missing_ok=True)  # left by a crash; may be a second link to a published file
                _write(unfinished, source, size, sha256)
            before_commit()
            return self._publish(unfinished, Receipt(name, size, sha256, verified="hash"))
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _publish(self, unfinished: Path, receipt: Receipt) -> Receipt:
        try:
            publish(unfinished, self._path / receipt.name)
        except FileExistsError:  # somebody was faster: the same bytes are welcome
            return self.look(receipt.name, receipt.size, receipt.sha256) or receipt
        except OSError as error:
            raise InDoubt(f"{self._path / receipt.name}: {error.strerror} while it got its name") from error
        return receipt

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Say what went wrong in the words of `errors`."""
    try:
        yield
    except PermissionError as error:
        raise Denied(f"{path}: permission denied; give the gateway's user access to this folder") from error
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror or error}") from error


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _is_plain(facts: os.stat_result) -> bool:
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1


def _identity(facts: os.stat_result) -> str:
    return f"{facts.st_dev}:{facts.st_ino}"


def _is_same(facts: os.stat_result | None, file: WaitingFile) -> bool:
    if facts is None or not _is_plain(facts):
        return False
    return (_identity(facts), facts.st_size, facts.st_mtime_ns) == (file.identity, file.size, file.mtime_ns)


def _require(facts: os.stat_result | None, file: WaitingFile) -> None:
    if not _is_same(facts, file):
        raise Gone(f"{file.name} left, or is another file now")


def _open(path: Path) -> BinaryIO:
    """Open for reading. Links (ELOOP), sockets (ENXIO) and what just left are all Gone."""
    try:
        return os.fdopen(os.open(path, _LOOK), "rb")
    except PermissionError:
        raise
    except OSError as error:
        raise Gone(f"{path}: {error.strerror}") from error


def _hash_of(path: Path) -> str:
    with _open(path) as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write(path: Path, source: BinaryIO, size: int, sha256: str) -> None:
    digest, written = hashlib.sha256(), 0
    with os.fdopen(os.open(path, _MAKE, _MODE), "wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            written += file.write(chunk)
        sync_file(file)
        there = os.fstat(file.fileno()).st_size
    if (written, digest.hexdigest()) != (size, sha256):
        raise TransportError(f"the bytes for {path.name} are not the promised ones; nothing was delivered")
    if there != size:
        raise Unreachable(f"{path}: {there} bytes of {size} arrived")
