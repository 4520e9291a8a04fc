"""What is looked up for every request, login and look is found without reading what came before."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index("ix_request_agency", "request", ["agency_id", "state"])
    op.create_index("ix_request_answered", "request", ["payer", "number", "no_dem_ext"])
    op.create_index("ix_parcel_there", "parcel", ["payer", "number", "removed_at"])
    op.create_index("ix_credential_attempt_at", "credential_attempt", ["credential_id", "at"])
