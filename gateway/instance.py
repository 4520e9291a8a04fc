"""Which house this is, on which machine it last worked, and whether it is held: a small file in the state folder.

Every house has an id, and so has every place it lives at: a restored copy is the same house at another place. `turn`
counts who may speak for the house; a place that learns of a higher one is not it any more. While a place is held
nothing of it reaches a payer or an agency, until a person releases it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import replace_private, write_private

UNFINISHED = "unfinished"  # a restoration that did not end: there is nothing to work with yet


class Held(BaseModel):
    """Why nothing may leave. `why`: unfinished | restored | behind | taken_over; `backup`: the one it was restored
    from, made at `made_at`, and the folder it lies in."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    why: str
    since: AwareDatetime
    backup: str = ""
    made_at: AwareDatetime | None = None
    folder: str = ""


class Instance(BaseModel):
    """One place of one house."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    house: str
    place: str
    turn: int = 1
    held: Held | None = None
    released_at: AwareDatetime | None = None


def read(file: Path) -> Instance | None:
    """What the file says; None where there is none yet. Raises ConfigError when it says nothing readable: a place that
    does not know whether it is held does nothing."""
    try:
        return Instance.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(both("backups.instance_unreadable", file=file)) from error


def settle(file: Path) -> Instance:
    """What the file says, made for a new house when there is none. Raises ConfigError: see `read`, and where a
    restoration did not end."""
    found = read(file)
    if found is None:
        made = Instance(house=str(uuid.uuid4()), place=str(uuid.uuid4()))
        try:
            write_private(file, _bytes(made))
            return made
        except FileExistsError:  # another process, at the same moment
            return settle(file)
    if found.held is not None and found.held.why == UNFINISHED:
        raise ConfigError(both("backups.unfinished", folder=file.parent, source=found.held.folder))
    return found


def keep(file: Path, instance: Instance) -> None:
    """Write it down, durably, in the place of what was there."""
    replace_private(file, _bytes(instance))


def held(file: Path) -> Held | None:
    """Why nothing may leave now; None when all may. Raises ConfigError: see `read`."""
    found = read(file)
    return found.held if found is not None else None


def hold(file: Path, why: str, since: datetime) -> None:
    """Hold this place from now on; what holds it already stays."""
    found = settle(file)
    if found.held is None:
        keep(file, found.model_copy(update={"held": Held(why=why, since=since)}))


def elsewhere(of: Instance, held: Held) -> Instance:
    """The same house at a new place, held."""
    return Instance(house=of.house, place=str(uuid.uuid4()), turn=of.turn, held=held)


def _bytes(instance: Instance) -> bytes:
    return instance.model_dump_json(indent=1).encode() + b"\n"
