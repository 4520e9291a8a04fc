"""All of a new installation or nothing: it is built beside its place and renamed, and vanishes when that fails."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.cli.init.house import CONFIG, REGISTRY
from gateway.errors import ConfigError
from gateway.messages import both
from gateway.platform import private_dir, sync_dir


def is_set_up(folder: Path) -> bool:
    """Whether an installation of ours is there already: `gateway.toml` is the last thing to arrive."""
    return (folder / CONFIG).is_file() and (folder / REGISTRY).is_file()


def place(folder: Path) -> Path:
    """The absolute path to build for. Raises ConfigError unless it is free: absent below a folder, or an empty one."""
    target = folder.resolve()
    if not target.parent.is_dir():
        raise ConfigError(both("init.no_parent", folder=target.parent))
    if target.exists() and not target.is_dir():
        raise ConfigError(both("init.not_a_folder", folder=target))
    if target.is_dir() and any(target.iterdir()):
        raise ConfigError(both("init.not_empty", folder=target))
    return target


@contextmanager
def built_beside(target: Path) -> Iterator[Path]:
    """A private folder to build in. It becomes `target` when the block ends well; every error leaves nothing. Only a
    process killed outright leaves the folder, whose name begins with a dot."""
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield beside
        _land(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _land(beside: Path, target: Path) -> None:
    """Into a folder that exists (somebody may stand in it) everything moves one by one, the configuration last."""
    if place(target).exists():
        _move_all(beside, target)
    else:
        beside.rename(target)
    sync_dir(target.parent)


def _move_all(beside: Path, target: Path) -> None:
    private_dir(target)
    moved: list[Path] = []
    try:
        for child in sorted(beside.iterdir(), key=lambda child: child.name == CONFIG):
            moved.append(target / child.name)
            child.rename(moved[-1])
    except BaseException:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
