"""Judging a document by itself: pure, streaming, bounded in memory; no database, no clock, no network.

`check` is the door for programs (docs/library.md); the others serve the stages.
"""

from __future__ import annotations

from gateway.validation.archive import Archive, Member, is_archive, members, open_member
from gateway.validation.files import check, check_file, shipped
from gateway.validation.judging import judge
from gateway.validation.limits import ArchiveLimits, Limits

__all__ = [
    "Archive",
    "ArchiveLimits",
    "Limits",
    "Member",
    "check",
    "check_file",
    "is_archive",
    "judge",
    "members",
    "open_member",
    "shipped",
]
