"""Applications to the payer, and who signed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    text = ("agency_id", "old_agency_id", "sent_by", "reference", "proof_ref", "number", "letter_ref", "withdrawn_why")
    days = ("mandate_ends", "sent_on", "received_on", "password_on", "go_ahead_on", "confirmed_on", "effective_from")
    op.create_table(
        "application",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "route", "account_id", "account_kind")),
        sa.Column("practice", sa.String(), nullable=False),
        sa.Column("outside_quebec", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("facts", "signatories", "forms_ready")),
        sa.Column("opened_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String()) for name in text),
        *(sa.Column(name, sa.Date()) for name in (*days, "withdrawn_on")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_application_account_id", "application", ["account_id"])
    op.create_table(
        "application_signature",
        sa.Column("application_id", sa.String(), sa.ForeignKey("application.id"), primary_key=True),
        sa.Column("who", sa.String(), primary_key=True),
        sa.Column("signed_on", sa.Date(), nullable=False),
    )
