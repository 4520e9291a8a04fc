"""Engines that share what SQLAlchemy compiled: a process that opens one database after the other compiles each
statement once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import Dialect

from gateway.store import connection

_DIALECTS: dict[str, Dialect] = {}
_COMPILED: dict[Any, Any] = {}


def shared_engine(url: Any, **options: Any) -> Any:
    """An engine that has the statements compiled by the engines before it: nothing else of them."""
    engine = create_engine(url, execution_options={"compiled_cache": _COMPILED}, **options)
    name = engine.dialect.name
    if name in _DIALECTS:
        engine.dialect = _DIALECTS[name]
    else:
        _DIALECTS[name] = engine.dialect
    return engine


def share() -> None:
    """From now on, in this process."""
    connection.create_engine = shared_engine
