"""One user's tree over SFTP: names are resolved step by step, links never followed, nothing ever overwritten."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import BinaryIO, Concatenate, ParamSpec, TypeVar, cast

import paramiko
from paramiko.sftp import SFTP_FAILURE, SFTP_OK, SFTP_OP_UNSUPPORTED, SFTP_PERMISSION_DENIED

from gateway.platform import publish
from gateway.sandbox.logins import HangUp, Session

OnFile = Callable[[str, Path], None]  # (user, path) of a file that just got its final name
_P = ParamSpec("_P")
_R = TypeVar("_R")
_WRITING = os.O_WRONLY | os.O_RDWR
_TEMPORARY = (".part", ".partial", ".filepart", ".tmp", "~")


def is_temporary(name: str) -> bool:
    """Whether a name says "not finished yet"."""
    return name.startswith((".", "~")) or name.lower().endswith(_TEMPORARY)


def _proper(name: str) -> bool:
    """No separator of any system, no drive, no control or direction mark, nothing that is not text."""
    return not any(c in "\\/:" or unicodedata.category(c)[0] == "C" for c in name)


def _answers(
    method: Callable[Concatenate[Files, _P], _R],
) -> Callable[Concatenate[Files, _P], _R | int]:
    """Turn what the system refuses into the status SFTP has for it."""

    @wraps(method)
    def wrapped(self: Files, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | int:
        try:
            return method(self, *args, **kwargs)
        except FileExistsError:
            return SFTP_FAILURE
        except HangUp:
            self.session.transport.close()
            return SFTP_FAILURE
        except (OSError, ValueError) as error:
            return paramiko.SFTPServer.convert_errno(getattr(error, "errno", None) or errno.EACCES)

    return wrapped


class Files(paramiko.SFTPServerInterface):
    """What one connection may do with its user's files."""

    def __init__(self, server: Session, on_file: OnFile | None, sessions: Callable[[bool], None]) -> None:
        super().__init__(server)
        assert server.account is not None  # no channel opens before that
        self.session, self.account, self._on_file = server, server.account, on_file
        self._sessions = sessions
        self.ended = False

    def session_started(self) -> None:
        self._sessions(True)

    def session_ended(self) -> None:
        self.ended = True  # handles closed from here on were abandoned, not finished
        self._sessions(False)

    @_answers
    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        return list(_listed(self._resolve(path)))

    @_answers
    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return _attributes(self._resolve(path))

    stat = lstat  # links are shown as links, never followed

    @_answers
    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle:  # noqa: ARG002
        target = self._resolve(path)
        if not flags & _WRITING:
            return _Handle(self, _open(target, flags), None, None)
        self._may_make(target)
        if self.account.deposit is None or is_temporary(target.name):
            return _Handle(self, _open(target, flags), target, target)
        if target.exists():
            raise FileExistsError  # what was deposited is not ours to change any more
        unfinished = target.with_name(f".{target.name}.upload")
        return _Handle(self, _open(unfinished, flags & ~os.O_EXCL | os.O_CREAT | os.O_TRUNC), unfinished, target)

    @_answers
    def remove(self, path: str) -> int:
        target = self._resolve(path)
        if stat.S_ISDIR(target.lstat().st_mode):
            return SFTP_FAILURE
        target.unlink()
        return SFTP_OK

    @_answers
    def rename(self, oldpath: str, newpath: str) -> int:
        old, new = self._resolve(oldpath), self._resolve(newpath)
        self._may_make(new)
        if not stat.S_ISREG(old.lstat().st_mode):
            return SFTP_PERMISSION_DENIED
        publish(old, new)
        self.finished(new)
        return SFTP_OK

    @_answers
    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:  # noqa: ARG002
        folder = self._resolve(path)
        if self.account.deposit is not None:
            return SFTP_PERMISSION_DENIED
        folder.mkdir(mode=0o700)
        return SFTP_OK

    @_answers
    def rmdir(self, path: str) -> int:
        folder = self._resolve(path)
        if self.account.deposit is not None or folder == self.account.root:
            return SFTP_PERMISSION_DENIED
        folder.rmdir()
        return SFTP_OK

    @_answers
    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        target = self._resolve(path)
        if not stat.S_ISREG(target.lstat().st_mode) or attr.st_size is not None:
            return SFTP_PERMISSION_DENIED
        if attr.st_atime is not None and attr.st_mtime is not None and self.account.deposit is None:
            os.utime(target, (attr.st_atime, attr.st_mtime))
        return SFTP_OK  # modes and owners are the server's business: accepted, not applied

    def canonicalize(self, path: str) -> str:
        return posixpath.normpath(posixpath.join("/", path)).replace("//", "/")

    def finished(self, path: Path) -> None:
        """A file stands under this name and its client is done with it."""
        if self._on_file is not None and not is_temporary(path.name):
            self._on_file(self.session.user, path)

    def _resolve(self, path: str) -> Path:
        """The place a client's path means. Raises PermissionError for every way out of the user's tree."""
        where = self.account.root
        for step in (s for s in path.split("/") if s not in ("", ".")):
            if step == ".." or not _proper(step):
                raise PermissionError(errno.EACCES, "not a name here")
            if not stat.S_ISDIR(where.lstat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "not a folder")
            where = where / step
        return where

    def _may_make(self, target: Path) -> None:
        root, deposit = self.account.root, self.account.deposit
        if target == root or (deposit is not None and target.parent != root / deposit):
            raise PermissionError(errno.EACCES, "no files here")


class _Handle(paramiko.SFTPHandle):
    """An open file. One written under a final name stays hidden until its client closes it."""

    def __init__(self, files: Files, file: BinaryIO, written: Path | None, final: Path | None) -> None:
        super().__init__()
        self._files, self._file, self._written, self._final = files, file, written, final
        self.readfile = self.writefile = file  # what paramiko's own read and write work on

    def close(self) -> None:
        self._file.close()
        written, final = self._written, self._final
        if written is None or final is None:
            return
        if self._files.ended:  # cut off in the middle
            if written != final:
                written.unlink(missing_ok=True)
            return
        with suppress(FileExistsError):  # someone was quicker: theirs stands, ours stays hidden
            if written != final:
                publish(written, final)
            try:
                self._files.finished(final)
            except HangUp:
                self._files.session.transport.close()

    def stat(self) -> paramiko.SFTPAttributes | int:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self._file.fileno()))

    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        return SFTP_OP_UNSUPPORTED if attr.st_size is not None else SFTP_OK


def _open(path: Path, flags: int) -> BinaryIO:
    """Open a regular file and nothing else; a FIFO does not block, a link is not followed."""
    odd = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_symlink():
        raise PermissionError(errno.EACCES, "a link")
    fd = os.open(path, flags | odd, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise PermissionError(errno.EACCES, "not a file")
    mode = "rb" if not flags & _WRITING else "r+b" if flags & os.O_RDWR else "wb"
    return cast(BinaryIO, os.fdopen(fd, mode))


def _attributes(path: Path) -> paramiko.SFTPAttributes:
    found = paramiko.SFTPAttributes.from_stat(path.lstat(), path.name)
    found.st_uid = found.st_gid = 0  # nobody's business
    return found


def _listed(folder: Path) -> Iterator[paramiko.SFTPAttributes]:
    for path in folder.iterdir():
        with suppress(FileNotFoundError, UnicodeEncodeError):  # it left meanwhile; it cannot be said in SFTP
            path.name.encode()
            yield _attributes(path)
