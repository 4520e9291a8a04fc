"""Mailboxes of the registry file: where a source deposits, and where its replies go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.config.strict import Seconds, Table
from gateway.registry.words import Name

KINDS = ("folder", "memory", "sftp")  # the adapters' own; else "package.module:open"


def _kind(text: str) -> str:
    if text not in KINDS and not re.fullmatch(r"[\w.]+:\w+", text):
        raise PydanticCustomError("registry.kind_unknown", "none", {"known": ", ".join(KINDS)})
    return text


class Mailbox(Table):
    """A folder, or a folder of an SFTP server. A password is never here, only the file that holds it."""

    kind: Annotated[str, AfterValidator(_kind)]
    path: Name
    host: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    user: str | None = None
    host_key: str | None = None
    password_file: str | None = None
    key_file: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Mailbox:
        if self.kind == "sftp" and not (self.host and self.user and self.host_key):
            raise PydanticCustomError("registry.server_incomplete", "host, user, host_key")
        if self.kind == "sftp" and not (self.password_file or self.key_file):
            raise PydanticCustomError("registry.proof_missing", "password_file or key_file")
        return self

    def settings(self, folder: Path) -> dict[str, Any]:
        """What the adapter and the stages read; paths of this machine are made relative to `folder`."""
        values = self.model_dump(exclude_none=True, exclude={"options"}) | self.options
        local = ["password_file", "key_file"] + ["path"] * (self.kind == "folder")
        return values | {key: str(folder / values[key]) for key in local if key in values}


class Pickup(Mailbox):
    """Where a source deposits: also when a file there is finished, and what becomes of it once it is kept."""

    finished: Literal["settle", "marker", "rename"] = "settle"
    settle_seconds: Seconds = 5
    after: Literal["move", "remove"] = "move"
    poll: Seconds | None = None
