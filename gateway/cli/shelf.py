"""Keeps a newer file of the payer's (letters, contacts, forms, procedures) and says where: the end of every import."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from gateway.cli.common import Call
from gateway.cli.house import configuration
from gateway.payer import keep


def keep_and_tell(call: Call, source: Path, kind: str, count: int, day: date) -> None:
    """A file already judged, of `count` entries, is valid from that day on. Raises ConfigError, OSError."""
    kept = keep(source, configuration(call).gateway.state_dir, kind, day)
    call.tell("payer.kept", count=count, file=source, kept=kept)
