"""By which version of its schema family a document was judged: its answers are read by the same one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("request", "reply"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("format_version", sa.String(), nullable=True))
