"""Alerts of limits that come near, and which request another one is sent again for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("batch") as table:
        table.add_column(sa.Column("replaces", sa.String()))
    with op.batch_alter_table("request") as table:
        table.add_column(sa.Column("replaces", sa.String()))
        table.create_index("ix_request_replaces", ["replaces"])
    op.create_table(
        "deadline_alert",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), sa.ForeignKey("request.id"), nullable=False),
        sa.Column("service", sa.Date(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("cents", sa.BigInteger()),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True)),
        sa.Column("dismissed_by", sa.String()),
        sa.Column("said", sa.String()),
        sa.UniqueConstraint("request_id", "service", "threshold"),
    )
