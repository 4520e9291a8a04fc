"""Where the data that travels with the program lies: in a wheel, an editable install or a bare checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """The folder `schemas` or `config`, wherever this copy of the program keeps it."""
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"{name}/ is missing from this installation: install the package again")


def locales_dir() -> Path:
    return _PACKAGE / "locales"


def migrations_dir() -> Path:
    return _PACKAGE / "migrations"
