"""Where the master key comes from: a file, or a command that prints it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table


def _program(words: tuple[str, ...]) -> tuple[str, ...]:
    """By its whole path: what is found along PATH may be anybody's."""
    if words and not PurePath(words[0]).is_absolute():
        raise PydanticCustomError("config.key_program", "not a whole path")
    return words


Words = Annotated[tuple[str, ...], AfterValidator(_program)]


class KeyConfig(Table):
    """[key]: the master key. `command` (a program and its words, no shell) wins over `file`; `old_command` gives the
    key that is being replaced, while `gateway key rotate` needs both."""

    file: str = ""
    command: Words = ()
    old_command: Words = ()
    seconds: Seconds = Field(20, ge=1)
