"""A registry of one agency as people write it, and a house that has it: for tests of the command line."""

from __future__ import annotations

from pathlib import Path

from support.command import call

ONE_AGENCY = """
[[agency]]
name = "A"
kind = "commercial"
payers = ["sandbox"]
migrated_on = 2016-07-01
[[agency.number]]
payer = "sandbox"
number = "18001"
from = 2016-07-01
[[agency.source]]
name = "s"
pickup = { kind = "folder", path = "lots", finished = "rename" }
returns = { kind = "folder", path = "retours" }
"""
PAYER = """
[[payer]]
name = "sandbox"
formats = ["ramq-rfp"]
kind = "folder"
environment = "test"
"""


def one_agency(folder: Path, registry: str = ONE_AGENCY, settings: str = PAYER) -> tuple[str, ...]:
    """A house of one agency in the folder; the options that name it."""
    (folder / "gateway.toml").write_text(settings, encoding="utf-8")
    (folder / "registry.toml").write_text(registry, encoding="utf-8")
    for box in ("lots", "retours"):
        (folder / box).mkdir()
    at = ("--config", str(folder / "gateway.toml"), "--lang", "en")
    assert call("registry", "apply", str(folder / "registry.toml"), *at) == 0
    return at
