"""Machine identifiers beside a number's own password, where a password comes from, who else uses it, past ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# SQLite has no name for the old rule, PostgreSQL made one: this is the one it made.
_NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}


def upgrade() -> None:
    with op.batch_alter_table("credential", naming_convention=_NAMES) as table:
        table.add_column(sa.Column("machine", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("origin", sa.String()))
        table.add_column(sa.Column("alone", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("reminded_at", sa.DateTime(timezone=True)))
        table.drop_constraint("credential_payer_number_key", type_="unique")
        table.create_unique_constraint("uq_credential", ["payer", "number", "machine"])
    op.create_table(
        "credential_past",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("credential_id", sa.String(), sa.ForeignKey("credential.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_credential_past_credential_id", "credential_past", ["credential_id"])
