"""Schema families of one's own: examined before they are installed, installed whole or not at all."""

from __future__ import annotations

from gateway.families.engines import unusable
from gateway.families.examination import examined
from gateway.families.install import Installed, add, families, remove
from gateway.families.problems import Problem

__all__ = ["Installed", "Problem", "add", "examined", "families", "remove", "unusable"]
