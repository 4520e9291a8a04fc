"""Files of one JSON record a line that are only ever added to (`platform.append_private`): how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

Record = TypeVar("Record", bound=BaseModel)


class DamagedLineError(ValueError):
    """A line, counted from 1, is no such record."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is damaged")
        self.line = line


def records(file: Path, kind: type[Record], longest: int) -> Iterator[Record]:
    """Every record, in the order in which they were added; none where there is no file. A last line without its end is
    one that the machine died in. `longest`: bytes of a line. Raises DamagedLineError."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        number = 0
        while line := lines.readline(longest):
            number += 1
            if not line.strip():
                continue
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                if line.endswith(b"\n") or len(line) == longest or lines.read(1):
                    raise DamagedLineError(number) from error
