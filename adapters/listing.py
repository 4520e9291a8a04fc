"""What lies in a mailbox: which entries are files to take, and which are only told about, never opened."""

from __future__ import annotations

import stat

from adapters import names
from gateway.errors import Gone
from gateway.ports import WaitingFile

_LIKE_LOTS = (".xml", ".zip")  # a folder of such a name was meant for us; others are the owner's business


def described(
    name: str,
    mode: int | None,
    size: int | None,
    mtime_ns: int,
    identity: str,
    *,
    links: int = 1,
    marker: bool = False,
) -> WaitingFile | None:
    """An entry as `ports.Pickup.waiting` gives it; None for what is nobody's deposit. `mode` and `size` (bytes): None
    where a server does not say; `links`: how many names the file has."""
    refused = _refusal(name, mode, size, links)
    if refused is None:
        return WaitingFile(name, size or 0, mtime_ns, identity, marker) if names.is_listed(name) else None
    if not names.is_told(name) or (_may_be_a_folder(mode) and not name.lower().endswith(_LIKE_LOTS)):
        return None
    if not stands_still(mode):
        size, mtime_ns = 0, 0
    return WaitingFile(names.shown(name), size or 0, mtime_ns, identity, refused=refused)


def _refusal(name: str, mode: int | None, size: int | None, links: int) -> str | None:
    if mode is None or size is None or not stat.S_ISREG(mode):
        return "not_a_file"
    if not names.is_label(name):
        return "name"
    return "linked_twice" if links > 1 else None


def _may_be_a_folder(mode: int | None) -> bool:
    return mode is None or stat.S_ISDIR(mode)


def stands_still(mode: int | None) -> bool:
    """Do size and time tell this entry from another one? Those of folders and pipes move with what passes in them."""
    return mode is not None and (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def takable(file: WaitingFile) -> str:
    """The name of a file that may be taken. Raises Gone for what is only told about, Denied when it is no label."""
    if file.refused is not None:
        raise Gone(f"{file.name} is never taken ({file.refused})")
    return names.checked(file.name)
