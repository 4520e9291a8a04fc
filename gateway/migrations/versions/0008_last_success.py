"""When a stage last looked at an endpoint without failing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("due") as table:
        table.add_column(sa.Column("last_success", sa.DateTime(timezone=True)))
