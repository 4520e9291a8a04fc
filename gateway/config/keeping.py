"""What is kept, where a second time, and for how long: backups and retention."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table

FIVE_YEARS = 5 * 366 * 86400.0  # seconds: the register of incidents and the history are kept longer (RELIABILITY 11)


def _five_years(value: float) -> float:
    if value < FIVE_YEARS:
        raise PydanticCustomError("config.too_short", "shorter than five years")
    return value


class BackupConfig(Table):
    """[backup]: nothing is backed up by itself while `folder` is empty."""

    folder: str = ""
    every: Seconds = Field(86400, ge=60)
    keep: int = Field(14, ge=2)
    rehearse: Seconds = 0


class RetentionConfig(Table):
    """[retention]: how long what is finished is kept, by class; 0: for good."""

    documents: Seconds = 0
    statements: Seconds = 0
    audit: Annotated[Seconds, AfterValidator(_five_years)] = 7 * 366 * 86400.0
