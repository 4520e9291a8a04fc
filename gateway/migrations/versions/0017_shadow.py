"""Agencies in shadow, and the lots that were deposited meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    with op.batch_alter_table("agency") as table:
        table.add_column(sa.Column("transmit", sa.String(), nullable=False, server_default="live"))
    with op.batch_alter_table("batch") as table:
        table.add_column(sa.Column("shadow", sa.Boolean(), nullable=False, server_default=sa.false()))
