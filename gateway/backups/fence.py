"""Whether this place may still speak for the house: asked at every start, before anything is sent.

An older database put back by hand, a machine switched on again after another one took over, a disk image brought back:
each begins with less than what is known elsewhere. Then it begins held (DESIGN section 7, RELIABILITY 5.4).
"""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway import anchors, instance
from gateway.anchors import AnchorsError
from gateway.backups.folder import Folder
from gateway.backups.make import House
from gateway.errors import BackupError
from gateway.instance import Held, Instance
from gateway.store import chain
from gateway.store.chain import Head

log = structlog.get_logger()


def examine(house: House) -> Held | None:
    """Hold this place when something elsewhere knows more than it; give what holds it now, if anything does."""
    file = house.config.paths.instance
    here = instance.settle(file)
    if here.held is None and (why := _why(house, here)) is not None:
        instance.hold(file, why, house.clock.now())
        log.error("instance_held", why=why)
        return instance.held(file)
    return here.held


def overtaken(house: House) -> bool:
    """Whether another place speaks for the house now, as the backup folder says; held from now on if so."""
    file = house.config.paths.instance
    here = instance.settle(file)
    if not _taken_over(house, here):
        return False
    instance.hold(file, "taken_over", house.clock.now())
    return True


def _why(house: House, here: Instance) -> str | None:
    """Code of what is known elsewhere; None when nothing speaks against this place."""
    if _taken_over(house, here):
        return "taken_over"
    return "behind" if _behind(house, _known(house, here)) else None


def _taken_over(house: House, here: Instance) -> bool:
    if not house.config.backup.folder:
        return False
    try:
        claim = Folder(Path(house.config.backup.folder)).claim()
    except BackupError as problem:  # not there now: nobody can tell, and lots must not wait for a disk
        log.warning("backup_folder_not_readable", error=type(problem).__name__)
        return False
    return claim is not None and claim.house == here.house and claim.place != here.place and claim.turn >= here.turn


def _known(house: House, here: Instance) -> list[Head]:
    """Heads of the history that are kept outside the database: the last anchor, the newest backup."""
    known: list[Head] = []
    try:
        anchor = anchors.last(house.config.anchors)
        # What was anchored before a person released this place, that person knew of.
        if anchor is not None and (here.released_at is None or anchor.at > here.released_at):
            known.append(Head(anchor.events, anchor.hash))
    except AnchorsError as problem:  # `audit verify` says more
        log.warning("anchors_not_readable", error=type(problem).__name__)
    if house.config.backup.folder:
        newest = Folder(Path(house.config.backup.folder)).newest()
        if newest is not None and newest.house == here.house and newest.turn >= here.turn:
            known.append(Head(newest.events, newest.head))
    return known


def _behind(house: House, known: list[Head]) -> bool:
    """Fewer events than somebody counted. A history of another content is not for here: `audit verify` names it."""
    with house.store.read() as tx:
        have = chain.head(tx).events
    return any(head.events > have for head in known)
