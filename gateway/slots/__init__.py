"""Documents judged in processes of their own, within limits: a hostile one costs its slot and nothing else."""

from __future__ import annotations

from gateway.slots.allowance import Allowance
from gateway.slots.pool import Slots

__all__ = ["Allowance", "Slots"]
