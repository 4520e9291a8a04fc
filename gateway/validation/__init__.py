"""Judging a document by itself: pure, streaming, bounded in memory; no database, no clock, no network."""

from __future__ import annotations

from gateway.validation.judging import judge
from gateway.validation.limits import ArchiveLimits, Limits

__all__ = ["ArchiveLimits", "Limits", "judge"]
