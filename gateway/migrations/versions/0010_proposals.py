"""Changes of the registry that are proposed, and what speaks for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "registry_proposal",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("what", "subject")),
        sa.Column("agency_id", sa.String(), sa.ForeignKey("agency.id"), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("payer", "number")),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        *(sa.Column(name, sa.String()) for name in ("decided_by", "decision", "said")),
    )
    op.create_index("ix_registry_proposal_subject", "registry_proposal", ["subject"])
    op.create_table(
        "registry_evidence",
        sa.Column("proposal_id", sa.String(), sa.ForeignKey("registry_proposal.id"), primary_key=True),
        sa.Column("record_id", sa.String(), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
    )
    op.create_index("ix_registry_evidence_record_id", "registry_evidence", ["record_id"])
