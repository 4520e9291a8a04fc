"""Statements of account that came on paper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "paper_statement",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("account", "agency_id")),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer()),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("scan_ref", sa.String()),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.UniqueConstraint("account", "dated", "number"),
    )
    op.create_index("ix_paper_statement_account", "paper_statement", ["account"])
