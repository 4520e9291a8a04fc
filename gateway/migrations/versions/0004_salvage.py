"""Salvage: what an agency wants of it, whose software agreed, what went and what came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_PARTS = ("kept", "aside", "answered")


def upgrade() -> None:
    with op.batch_alter_table("agency") as table:
        for name, default in (("on_invalid", "all_or_nothing"), ("set_aside", "refused")):
            table.add_column(sa.Column(name, sa.String(), nullable=False, server_default=default))
    with op.batch_alter_table("source") as table:
        table.add_column(sa.Column("salvage_agreed", sa.Date()))
    with op.batch_alter_table("request") as table:
        table.add_column(sa.Column("derived_from", sa.String()))
        table.create_index("ix_request_derived_from", ["derived_from"])
    op.create_table(
        "salvage",
        sa.Column("request_id", sa.String(), sa.ForeignKey("request.id"), primary_key=True),
        sa.Column("agency_id", sa.String(), nullable=False),
        sa.Column("derived_id", sa.String(), sa.ForeignKey("request.id"), unique=True),
        sa.Column("aside_name", sa.String()),
        sa.Column("aside_sha256", sa.String()),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.Column("cents", sa.BigInteger()),
        *(sa.Column(f"{part}_invoices", sa.Integer(), nullable=False) for part in _PARTS),
        *(sa.Column(f"{part}_cents", sa.BigInteger()) for part in _PARTS),
        sa.CheckConstraint("invoices = kept_invoices + aside_invoices + answered_invoices", "salvage_invoices"),
        sa.CheckConstraint("cents = kept_cents + aside_cents + answered_cents", "salvage_cents"),
        sa.UniqueConstraint("agency_id", "aside_name"),
    )
