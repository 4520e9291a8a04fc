"""A file system that forgets: what was not synced when the power is cut is gone, or, by chance, part of it.

`python -m faults.forgetful FOLDER` mounts it there until its input ends. Lines on its input: `sync` makes everything
durable, `cut SEED` cuts the power, `room BYTES` makes it small (0: endless); each is answered by a line. A file's bytes
become durable by fsync of the file, its names by fsync of their folders: no more than POSIX promises.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import stat
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

NOTHING, HALF = 0.5, 0.75  # how often a cut keeps nothing unsynced of a node; half of it (else everything)


@dataclass(eq=False)
class Node:
    """A file, folder or link: as it is, and as it would be found after a cut."""

    mode: int
    number: int
    data: bytearray = field(default_factory=bytearray)
    names: dict[str, Node] = field(default_factory=dict)
    changed: int = field(default_factory=time.time_ns)
    kept_data: bytes = b""
    kept_names: dict[str, Node] = field(default_factory=dict)

    def keep(self) -> None:
        self.kept_data, self.kept_names = bytes(self.data), dict(self.names)

    def lose(self, chance: random.Random) -> None:
        """The disk may have written some of what nobody waited for."""
        luck = chance.random()
        if luck < HALF:
            half = self.kept_data if luck < NOTHING else _half(self.kept_data, bytes(self.data), chance)
            self.data, self.names = bytearray(half), dict(self.kept_names)
        self.keep()


def _half(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """Some of the sectors of the new bytes, in the length of either."""
    whole = bytearray(before.ljust(len(after), b"\0"))
    for start in range(0, len(after), 512):
        if chance.random() < 0.5:
            whole[start : start + 512] = after[start : start + 512]
    return bytes(whole[: chance.choice((len(before), len(after)))])


class Forgetful:
    """The operations, by path; handles are the nodes' numbers, so that a removed file stays open."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._root = self._node(stat.S_IFDIR | 0o700)
        self._open: dict[int, Node] = {}
        self.room = 0  # bytes; 0: endless
        self.lock = threading.Lock()

    def sync(self) -> None:
        for node in self._all():
            node.keep()

    def cut(self, seed: int) -> None:
        """The power is gone; afterwards what is left is all there ever was."""
        chance = random.Random(seed)
        for node in self._all():
            node.lose(chance)
        for node in self._all():
            node.keep()
        self._open.clear()

    def _all(self) -> list[Node]:
        found, todo = {}, [self._root]
        while todo:
            node = todo.pop()
            if node.number not in found:
                found[node.number] = node
                todo += [*node.names.values(), *node.kept_names.values()]
        return [found[number] for number in sorted(found)]

    def _node(self, mode: int) -> Node:
        return Node(mode, next(self._numbers))

    def _find(self, path: str) -> Node:
        node = self._root
        for part in PurePosixPath(path).parts[1:]:
            if part not in node.names:
                raise OSError(errno.ENOENT, path)
            node = node.names[part]
        return node

    def _place(self, path: str) -> tuple[Node, str]:
        pure = PurePosixPath(path)
        return self._find(str(pure.parent)), pure.name

    def _file(self, path: str, handle: int | None) -> Node:
        return self._open.get(handle or 0) or self._find(path)

    def _new(self, path: str, mode: int) -> Node:
        folder, name = self._place(path)
        if name in folder.names:
            raise OSError(errno.EEXIST, path)
        folder.names[name] = node = self._node(mode)
        folder.changed = time.time_ns()
        return node

    # -- what the kernel asks --

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        node = self._file(path, fh)
        links = sum(other is node for folder in self._all() for other in folder.names.values())
        moment = node.changed / 1e9
        return {"st_mode": node.mode, "st_ino": node.number, "st_nlink": max(links, 1), "st_size": len(node.data),
                "st_uid": os.getuid(), "st_gid": os.getgid(), "st_atime": moment, "st_mtime": moment,
                "st_ctime": moment}  # fmt: skip

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *self._find(path).names]

    def mkdir(self, path: str, mode: int) -> int:
        self._new(path, stat.S_IFDIR | mode)
        return 0

    def symlink(self, target: str, source: str) -> int:
        self._new(target, stat.S_IFLNK | 0o777).data[:] = source.encode()
        return 0

    def readlink(self, path: str) -> str:
        return self._find(path).data.decode()

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        return self._opened(self._new(path, stat.S_IFREG | mode))

    def open(self, path: str, flags: int) -> int:
        node = self._find(path)
        if flags & os.O_TRUNC:
            del node.data[:]
        return self._opened(node)

    def _opened(self, node: Node) -> int:
        self._open[node.number] = node
        return node.number

    def release(self, path: str, fh: int) -> int:
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._file(path, fh).data[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        node = self._file(path, fh)
        grows = max(0, offset + len(data) - len(node.data))
        if self.room and grows and sum(len(other.data) for other in self._all()) + grows > self.room:
            raise OSError(errno.ENOSPC, path)
        if len(node.data) < offset:
            node.data.extend(bytes(offset - len(node.data)))
        node.data[offset : offset + len(data)] = data
        node.changed = time.time_ns()
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        node = self._file(path, fh)
        del node.data[length:]
        node.data.extend(bytes(length - len(node.data)))
        node.changed = time.time_ns()
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._file(path, fh).keep()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._find(path).keep()
        return 0

    def unlink(self, path: str) -> int:
        folder, name = self._place(path)
        del folder.names[name]
        return 0

    def rmdir(self, path: str) -> int:
        if self._find(path).names:
            raise OSError(errno.ENOTEMPTY, path)
        return self.unlink(path)

    def link(self, target: str, source: str) -> int:
        folder, name = self._place(target)
        if name in folder.names:
            raise OSError(errno.EEXIST, target)
        folder.names[name] = self._find(source)
        return 0

    def rename(self, old: str, new: str) -> int:
        source, name = self._place(old)
        target, other = self._place(new)
        target.names[other] = source.names.pop(name)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        node = self._find(path)
        node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        self._find(path).changed = int(times[1]) if times else time.time_ns()
        return 0


def _serve(folder: str) -> None:
    import mfusepy  # needs libfuse: only this process does

    disk = Forgetful()

    class Operations(mfusepy.Operations):  # type: ignore[misc,name-defined]
        use_ns = True

        def __getattribute__(self, name: str) -> Any:
            found = getattr(disk, name, None) if not name.startswith("_") else None
            return _locked(disk, found) if callable(found) else super().__getattribute__(name)

    for name in [name for name in vars(Forgetful) if not name.startswith("_")]:
        setattr(Operations, name, vars(Forgetful)[name])
    threading.Thread(target=_obey, args=(disk,), daemon=True).start()
    mfusepy.FUSE(
        Operations(), folder, foreground=True, nothreads=True, direct_io=True, attr_timeout=0, entry_timeout=0,
        negative_timeout=0,
    )  # fmt: skip


def _locked(disk: Forgetful, operation: Any) -> Any:
    def guarded(*arguments: Any) -> Any:
        with disk.lock:
            return operation(*arguments)

    return guarded


def _obey(disk: Forgetful) -> None:
    for line in sys.stdin:
        with disk.lock:
            word, _, number = line.strip().partition(" ")
            if word == "room":
                disk.room = int(number)
            else:
                disk.cut(int(number)) if word == "cut" else disk.sync()
        print("done", flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
