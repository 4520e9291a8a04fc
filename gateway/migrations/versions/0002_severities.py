"""What an agency wants of rules: their severity by code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("agency") as table:
        table.add_column(sa.Column("rules", sa.JSON(), nullable=False, server_default="{}"))
