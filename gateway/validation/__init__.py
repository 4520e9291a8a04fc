"""Judging a document by itself: pure, streaming, bounded in memory; no database, no clock, no network."""

from __future__ import annotations

from gateway.validation.archive import Archive, Member, is_archive, members, open_member
from gateway.validation.files import check_file
from gateway.validation.judging import judge
from gateway.validation.limits import ArchiveLimits, Limits

__all__ = [
    "Archive",
    "ArchiveLimits",
    "Limits",
    "Member",
    "check_file",
    "is_archive",
    "judge",
    "members",
    "open_member",
]
