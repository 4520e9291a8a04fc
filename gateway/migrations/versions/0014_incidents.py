"""What happened under facts that turned out wrong, and the register of confidentiality incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "recall",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("what", "record_id", "agency_id", "account")),
        *(sa.Column(name, sa.String()) for name in ("payer", "number")),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_by", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String()),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("record_id", "code"),
    )
    op.create_index("ix_recall_incident_id", "recall", ["incident_id"])
    texts = ("information", "circumstances", "cause", "reasoning", "measures", "planned", "contact", "closed_by")
    op.create_table(
        "incident",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("opened_by", "origin")),
        *(sa.Column(name, sa.String()) for name in texts),
        *(sa.Column(name, sa.Date()) for name in ("began_on", "ended_on", "commission_on", "persons_on")),
        sa.Column("aware_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in ("persons", "residents")),
        sa.Column("serious", sa.Boolean()),
        sa.Column("records", sa.JSON(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
    )
