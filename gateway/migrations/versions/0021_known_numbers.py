"""Only numbers that the payer has given are indexed: when invoices are stored there are none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
INDEXES = (
    ("ix_submission_no_fact_ramq", "submission", ["no_fact_ramq"]),
    ("ix_invoice_payer_number", "invoice", ["payer", "no_fact_ramq"]),
)


def upgrade() -> None:
    given = sa.text("no_fact_ramq IS NOT NULL")
    for name, table, columns in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=given, postgresql_where=given)
