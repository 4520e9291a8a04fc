"""Reads a TOML file into a model that forbids what it does not know, and says in both languages what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from gateway.errors import ConfigError
from gateway.messages import LANGUAGES, Both, both, say, why_not

_UNITS = {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
# First word of a defect's type → which sentence says what belongs there.
_EXPECTED = {"int": "number", "float": "number", "greater": "number", "less": "number", "bool": "boolean"} | {
    "string": "text",
    "date": "date",
    "tuple": "list",
    "too": "list",
    "model": "table",
    "dict": "table",
}


class Table(BaseModel):
    """One table of a file people write: unknown keys are errors, and it never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _seconds(value: object) -> object:
    """ "60s", "5m", "24h" or a plain number of seconds; anything else is left for the type to refuse."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)", value) if isinstance(value, str) else None
    if found is None and isinstance(value, str):
        raise PydanticCustomError("config.duration", "not a duration")
    return float(found[1]) * _UNITS[found[2]] if found else value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]


Model = TypeVar("Model", bound=Table)


def read(file: Path, model: type[Model]) -> Model:
    """A TOML file as `model`. Raises ConfigError with one sentence per defect: file, key, what is expected there."""
    try:
        return parse(file.read_text(encoding="utf-8-sig"), file, model)
    except OSError as error:
        raise ConfigError(_unreadable(file, why_not(error))) from error
    except UnicodeError as error:
        raise ConfigError(_unreadable(file, dict.fromkeys(LANGUAGES, "UTF-8"))) from error


def parse(text: str, file: Path, model: type[Model]) -> Model:
    """The same of what is no file yet; `file` is what sentences call it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        where = place[1] if place else len(text.splitlines())  # "at end of document"
        raise ConfigError(both("config.not_toml", file=file, line=where)) from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        told = defects(file, data, error, model)
        raise ConfigError({lang: "\n".join(dict.fromkeys(t[lang] for t in told)) for lang in LANGUAGES}) from None


def defects(file: Path, data: Mapping[str, Any], error: ValidationError, model: type[Table] = Table) -> list[Both]:
    """One sentence per defect of what stands in `file`."""
    return [_sentence(file, data, model, defect) for defect in error.errors(include_input=False, include_url=False)]


def _unreadable(file: Path, why: Both) -> Both:
    return {lang: say("config.unreadable", lang, file=file, why=why[lang]) for lang in LANGUAGES}


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word most like `word`, for "did you mean"; "–" when none is like it."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.5)), "–")


def _sentence(file: Path, data: Mapping[str, Any], model: type[Table], defect: ErrorDetails) -> dict[str, str]:
    """A defect in both languages. The value itself is never shown: somebody may have typed a password there."""
    place, kind, facts = defect["loc"], defect["type"], defect.get("ctx", {})
    values: dict[str, Any] = {"file": file, "key": _key(data, place), **facts}
    if kind == "extra_forbidden":
        return both("config.unknown_key", near=nearest(str(place[-1]), _known(model, place[:-1])), **values)
    if kind == "missing":
        return both("config.missing", **values)
    if kind == "literal_error":
        return both("config.choice", **(values | {"expected": str(facts.get("expected")).replace(" or ", ", ")}))
    if "." in kind:  # one of ours: the type is the sentence's name
        return both(kind, **values)
    return both(f"config.value_{_EXPECTED.get(kind.split('_')[0], 'other')}", **values)


def _key(data: Any, place: tuple[int | str, ...]) -> str:
    """("payer", 0, "port") → `payer[sandbox].port`: a table in a list is called by its name where it has one."""
    text = ""
    for step in place:
        if isinstance(step, str) and "[" in step:  # which form of several was tried: "dict[str,…]"
            continue
        try:
            data = data[step]
        except (LookupError, TypeError):  # the key that is missing, or what stands there is no table
            data = None
        if isinstance(step, int):
            named = data if isinstance(data, dict) else {}
            text += f"[{named.get('name') or named.get('id') or named.get('number') or step + 1}]"
        else:
            text += f".{step}" if text else step
    return text or "config_version"


def _known(model: type[Table], place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at `place`."""
    for step in place:
        if isinstance(step, str):
            field = next((f for name, f in model.model_fields.items() if step in (f.alias, name)), None)
            tables = [t for t in _types(field.annotation if field else None) if issubclass(t, Table)]
            model = tables[0] if tables else Table
    return [field.alias or name for name, field in model.model_fields.items()]


def _types(annotation: Any) -> list[type]:
    """Every class in an annotation: `tuple[Pickup | None, ...]` → [Pickup, NoneType]."""
    parts = get_args(annotation)
    return [t for part in parts for t in _types(part)] if parts else [annotation] * isinstance(annotation, type)
