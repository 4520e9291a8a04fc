"""Where dated data about the payer lies: `<kind>.toml` with the program, `<kind>@<day>.toml` in the state folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar

from gateway.config import paths
from gateway.config.strict import Table, read
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import private_dir, write_private
from gateway.resources import data_dir

Model = TypeVar("Model", bound=Table)


def shelves(state_dir: Path | None = None) -> tuple[Path, ...]:
    """The folders to read, the program's first: what is read later counts where two speak of the same day."""
    shipped = data_dir("config") / "ramq"
    return (shipped,) if state_dir is None else (shipped, paths(state_dir).payer)


def files(folders: Iterable[Path], kind: str, model: type[Model]) -> Iterator[tuple[Path, Model]]:
    """Every file of a kind, the oldest first. Raises ConfigError: file, key, what is expected there."""
    for folder in folders:
        for file in (*folder.glob(f"{kind}.toml"), *sorted(folder.glob(f"{kind}@*.toml"))):
            yield file, read(file, model)


def keep(source: Path, state_dir: Path, kind: str, day: date) -> Path:
    """Keep a file (already judged) beside the program's own; give where. Raises OSError, and ConfigError when other
    bytes are kept for that day."""
    shelf = paths(state_dir).payer
    for folder in (shelf.parent, shelf):
        private_dir(folder)
    target, data = shelf / f"{kind}@{day}.toml", source.read_bytes()
    try:
        write_private(target, data)
    except FileExistsError as error:
        if target.read_bytes() != data:
            raise ConfigError(both("payer.kept_already", kind=kind, day=day, file=target)) from error
    return target
