"""The first tables. Written out, not taken from the models, which move on: a migration never does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_GENESIS = "0" * 64  # what the first event is chained to
_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.String(),
    "number": sa.Integer(),
    "big": sa.BigInteger(),
    "flag": sa.Boolean(),
    "real": sa.Float(),
    "day": sa.Date(),
    "moment": sa.DateTime(timezone=True),  # aware UTC
    "sealed": sa.LargeBinary(),
    "json": sa.JSON(),
}


def upgrade() -> None:
    for family in (_registry, _accounts, _credentials, _batches, _requests, _invoices, _replies, _statements, _keeping):
        family()
    beginning = sa.text("INSERT INTO chain_head (id, hash, events) VALUES (1, :genesis, 0)")
    op.get_bind().execute(beginning, {"genesis": _GENESIS})


def _make(name: str, *, key: str = "id", refers: str = "", unique: str = "", indexes: str = "", **columns: str) -> None:
    """A table from names: columns by kind (a question mark lets one be empty), the tables its `…_id` columns refer to,
    the columns that are unique together, and the columns that have an index each."""
    op.create_table(
        name,
        *(
            sa.Column(word.rstrip("?"), _KINDS[kind], nullable=word.endswith("?"))
            for kind, words in columns.items()
            for word in words.split()
        ),
        sa.PrimaryKeyConstraint(*key.split()),
        *(sa.ForeignKeyConstraint([f"{other}_id"], [f"{other}.id"]) for other in refers.split()),
        *([sa.UniqueConstraint(*unique.split())] if unique else []),
    )
    for word in indexes.split():
        op.create_index(f"ix_{name}_{word}", name, [word])


def _registry() -> None:
    _make("agency", text="id name kind language", flag="active", day="migrated_on?", moment="learned_at", unique="name")
    _make("agency_payer", key="agency_id position", text="agency_id payer", number="position", refers="agency")
    _make(
        "transmission_number",
        text="id payer number agency_id",
        day="valid_from valid_to?",
        moment="learned_at retracted_at?",
        refers="agency",
        indexes="agency_id",
    )
    op.create_index("ix_transmission_number", "transmission_number", ["payer", "number"])
    _make(
        "source",
        text="id agency_id name developer? software? version?",
        number="position",
        flag="strict active",
        json="pickup returns tolerances",
        refers="agency",
        indexes="agency_id",
    )


def _accounts() -> None:
    _make("account", text="id kind", moment="learned_at")
    _make("account_practitioner", key="account_id practice", text="account_id practice", refers="account")
    _make(
        "accreditation",
        text="id account_id agency_id",
        day="valid_from valid_to?",
        moment="learned_at retracted_at?",
        refers="account agency",
        indexes="account_id agency_id",
    )


def _credentials() -> None:
    _make(
        "credential",
        text="lease_owner? id payer number state reason?",
        number="fence generation",
        moment="lease_until? changed_at? proved_at? created_at",
        sealed="current? pending? journal?",
        unique="payer number",
    )
    _make(
        "credential_attempt",
        text="id credential_id slot outcome?",
        number="generation",
        moment="at",
        refers="credential",
        indexes="credential_id",
    )


def _batches() -> None:
    _make(
        "batch",
        text="id agency_id source_id name sha256 archive_ref state reason?",
        big="size",
        moment="received_at",
        refers="agency source",
        indexes="agency_id sha256 state",
    )
    _make(
        "deposit",
        text="id batch_id endpoint name identity sha256",
        big="mtime_ns size",
        flag="repeat",
        moment="received_at removed_at?",
        refers="batch",
        unique="endpoint name identity mtime_ns",
        indexes="batch_id",
    )


def _requests() -> None:
    _make(
        "request",
        text=(
            "lease_owner? id batch_id agency_id source_id member? payer? number? format? document? action? "
            "no_dem_ext? requester? account? software? sha256 archive_ref wire_name? wire_ref? wire_sha256? "
            "state reason? duplicate_of? report_ref?"
        ),
        number="fence ordinal invoices invalid_invoices findings attempts repeats",
        big="size wire_size?",
        moment="lease_until? next_try_at? transmitted_at? answer_by? created_at",
        json="holds despite",
        refers="agency batch source",
        indexes="batch_id state",
    )
    op.create_index("ix_request_lane", "request", ["payer", "number", "state"])
    op.create_index("ix_request_number", "request", ["agency_id", "no_dem_ext"])
    op.create_index("ix_request_wire", "request", ["payer", "number", "wire_name"])


def _invoices() -> None:
    _make(
        "submission",
        key="request_id ordinal",
        text=(
            "request_id batch_id agency_id invoice_id? action no_fact_ext? no_fact_ramq? jeton_comm? practice? "
            "account? verdict?"
        ),
        number="ordinal line lines",
        big="amount_cents?",
        flag="valid",
        day="first_service? last_service?",
        json="messages",
        indexes="batch_id invoice_id no_fact_ramq",
    )
    _make(
        "invoice",
        text=(
            "id agency_id payer? request_id batch_id no_fact_ext? account? practice? no_fact_ramq? jeton_comm? "
            "modified_by? cancelled_by?"
        ),
        number="ordinal",
        big="preliminary_cents?",
        indexes="batch_id request_id",
    )
    op.create_index("ix_invoice_number", "invoice", ["agency_id", "no_fact_ext"])
    op.create_index("ix_invoice_payer_number", "invoice", ["payer", "no_fact_ramq"])
    _make(
        "line",
        key="request_id ordinal number",
        text="request_id verdict",
        number="ordinal number",
        big="preliminary_cents?",
        json="messages",
    )
    _make(
        "finding",
        key="request_id position",
        text="request_id batch_id code severity authority",
        number="position line? ordinal?",
        indexes="batch_id code",
    )


def _replies() -> None:
    _make(
        "parcel",
        text="id payer number name sha256 archive_ref",
        number="replies",
        big="size",
        moment="received_at removed_at?",
        unique="payer number name sha256",
    )
    _make(
        "reply",
        text=(
            "lease_owner? id kind state reason? parcel_id? batch_id? request_id? payer? number? agency_id? "
            "source_id? key? name format? document? sha256? archive_ref?"
        ),
        number="fence attempts",
        big="size",
        moment="lease_until? next_try_at? created_at",
        json="facts",
        refers="parcel",
        indexes="agency_id batch_id parcel_id request_id state",
    )
    _make(
        "distribution",
        text="id reply_id agency_id source_id kind name sha256 archive_ref",
        big="size",
        moment="delivered_at?",
        refers="reply",
        unique="source_id name",
        indexes="reply_id",
    )


def _statements() -> None:
    _make(
        "statement",
        key="reply_id",
        text="reply_id payer no_etat_compte period mode system account agency_id",
        number="entries",
        big="paid_cents withheld_cents carried_in_cents carried_out_cents total_cents",
        day="dated",
        unique="payer no_etat_compte",
    )
    _make(
        "statement_entry",
        key="reply_id position",
        text="reply_id invoice_id? kind no_fact_ramq? no_fact_ext?",
        number="position line?",
        big="preliminary_cents? paid_cents",
        json="messages",
        indexes="invoice_id",
    )


def _keeping() -> None:
    _make(
        "attempt",
        text="id record_id name sha256 owner outcome?",
        number="number fence",
        big="size",
        moment="started_at ended_at?",
        json="receipt?",
        indexes="record_id",
    )
    _make(
        "event",
        key="seq",
        text="record_kind record_id from_state? to_state actor reason previous_hash hash",
        number="seq chain_version",
        moment="at",
        json="detail",
        unique="hash",
        indexes="record_id",
    )
    _make("chain_head", text="hash", number="id events")
    _make(
        "due",
        key="stage endpoint",
        text="stage endpoint owner? last_error?",
        real="interval_seconds",
        moment="next_run lease_until? last_run?",
        indexes="next_run",
    )
