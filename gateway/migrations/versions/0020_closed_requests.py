"""Requests of which nothing is open any more are not looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("request", sa.Column("closed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_request_open", "request", ["closed_at", "state"])
