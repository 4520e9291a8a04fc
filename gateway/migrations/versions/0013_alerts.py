"""Alerts, whom they were told, and the messages on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "alert",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("agency_id", sa.String(), index=True),
        sa.Column("open_key", sa.String(), unique=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("things", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, index=True),
        sa.Column("reason", sa.String()),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("told_at", moment, nullable=False),
        sa.Column("resolved_at", moment),
        sa.Column("seen_by", sa.String()),
        sa.Column("said", sa.String()),
    )
    op.create_table(
        "alert_notice",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("alert_id", sa.String(), sa.ForeignKey("alert.id"), nullable=False, index=True),
        sa.Column("recipient", sa.String(), nullable=False, index=True),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("message_id", sa.String(), index=True),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("recipient", sa.String(), nullable=False, index=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", moment),
        sa.Column("sent_at", moment),
        sa.Column("given_up_at", moment),
        sa.Column("last_error", sa.String()),
    )
