"""Installing and removing: a family is there whole, as it was, or not at all, whenever the machine stops."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway import catalog as catalogs
from gateway.catalog import Family
from gateway.families.examination import examined
from gateway.families.folder import copied
from gateway.families.problems import Problem, problem
from gateway.installed import WORK, alone
from gateway.platform import passing, private_dir, sync_dir
from gateway.resources import data_dir

POINTS = ("families.copied", "families.put_aside", "families.installed")


@dataclass(frozen=True, slots=True)
class Installed:
    """A family of this installation."""

    family: Family
    own: bool
    hidden: bool = False  # an own one of the same name or version counts instead

    @property
    def folder(self) -> str:
        """What it is called: `name` or `name@edition`."""
        return self.family.folder.name


def families(schemas: Path) -> list[Installed]:
    """Every family, own before shipped. Raises CatalogError when one cannot be read."""
    shipped = data_dir("schemas")
    counting = {family.folder for same in catalogs.load([schemas, shipped]).versions.values() for family in same}
    return [
        Installed(family, own, family.folder not in counting)
        for folder, own in ((schemas, True), (shipped, False))
        for same in catalogs.load([folder]).versions.values()
        for family in same
    ]


def add(source: Path, schemas: Path, *, replace: bool = False, dry_run: bool = False) -> list[Problem]:
    """Examine the family in `source` and install it below `schemas` under its folder's name; nothing is installed when
    any problem stops it, or on a dry run. Raises OSError."""
    name = source.resolve().name
    if dry_run:
        with tempfile.TemporaryDirectory() as work:
            return _checked(source, Path(work) / name) + _taken(schemas / name, replace)
    with _alone(schemas):
        if taken := _taken(schemas / name, replace):
            return taken
        ready = schemas / WORK / "new" / name
        found = _checked(source, ready)
        if not any(one.stops for one in found):
            _put(ready, schemas / name)
        shutil.rmtree(schemas / WORK, ignore_errors=True)
    return found


def remove(name: str, schemas: Path) -> bool:
    """Take an own family away; whether there was one. Raises OSError."""
    with _alone(schemas):
        if name not in {child.name for child in schemas.iterdir() if (child / "catalog.toml").is_file()}:
            return False
        _aside(schemas / name, schemas / WORK / "removed")
        shutil.rmtree(schemas / WORK, ignore_errors=True)
    return True


def _taken(place: Path, replace: bool) -> list[Problem]:
    return [problem("already_there", place=place.name)] if place.exists() and not replace else []


def _checked(source: Path, ready: Path) -> list[Problem]:
    found: Sequence[Problem] = copied(source, ready)
    return list(found) or examined(ready)


def _put(ready: Path, final: Path) -> None:
    """Two renames: the old one aside, the new one in its place. Stopped between them, the old one comes back."""
    passing("families.copied")
    if final.exists():
        _aside(final, final.parent / WORK / "replaced")
        passing("families.put_aside")
    ready.rename(final)
    sync_dir(final.parent)
    passing("families.installed")


def _aside(family: Path, into: Path) -> None:
    private_dir(into)
    family.rename(into / family.name)
    sync_dir(family.parent)


@contextmanager
def _alone(schemas: Path) -> Iterator[None]:
    private_dir(schemas.parent)  # the state folder itself, perhaps not started yet
    private_dir(schemas)
    with alone(schemas):
        yield
