"""The registry on two lines of time: when a fact holds, and when it was known; and everything it now tells of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# 0001-01-01 is the first day of what has no known beginning.
_MOMENT = sa.DateTime(timezone=True)  # aware UTC


def upgrade() -> None:
    _people()
    _agencies()
    _known_facts()
    _practitioners_of_accounts()
    _new_facts()
    _software()
    _migrated()
    op.create_table(
        "registry_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO registry_token (id, token) VALUES (1, 'first')")


def _text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name.rstrip("?"), sa.String(), nullable=name.endswith("?")) for name in names]


def _fact(name: str, columns: list[sa.Column[Any]], *refers: str, indexes: str = "") -> None:
    """A table of facts: its own columns, and the two lines of time. `refers`: `column table`."""
    op.create_table(
        name,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("superseded_at", _MOMENT, nullable=True),
        sa.Column("superseded_by", sa.String(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
        *(sa.ForeignKeyConstraint([column], [f"{table}.id"]) for column, table in map(str.split, refers)),
    )
    for word in indexes.split():
        op.create_index(f"ix_{name}_{word}", name, [word])


def _people() -> None:
    for name, texts in (
        ("practitioner", ("id", "name?", "profession", "class_digit?")),
        ("practice_group", ("id", "name")),
        ("developer", ("id", "name")),
    ):
        op.create_table(
            name,
            *_text(*texts),
            sa.Column("recorded_at", _MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("id"),
            *([sa.UniqueConstraint("name")] if name == "practice_group" else []),
        )


def _agencies() -> None:
    with op.batch_alter_table("agency") as table:
        table.add_column(sa.Column("group_id", sa.String(), nullable=True))
        table.create_foreign_key("fk_agency_group", "practice_group", ["group_id"], ["id"])
        table.alter_column("learned_at", new_column_name="recorded_at", existing_type=_MOMENT, existing_nullable=False)
    with op.batch_alter_table("account") as table:
        table.alter_column("learned_at", new_column_name="recorded_at", existing_type=_MOMENT, existing_nullable=False)


def _known_facts() -> None:
    for name in ("transmission_number", "accreditation"):
        with op.batch_alter_table(name) as table:
            table.alter_column(
                "learned_at", new_column_name="recorded_at", existing_type=_MOMENT, existing_nullable=False
            )
            table.alter_column(
                "retracted_at", new_column_name="superseded_at", existing_type=_MOMENT, existing_nullable=True
            )
            table.add_column(sa.Column("recorded_by", sa.String(), nullable=False, server_default=""))
            table.add_column(sa.Column("superseded_by", sa.String(), nullable=True))
            if name == "accreditation":
                table.add_column(sa.Column("covers_services_from", sa.Date(), nullable=True))


def _practitioners_of_accounts() -> None:
    """Which practitioners an account has was known without dates: as long as the account was."""
    op.rename_table("account_practitioner", "account_practitioner_old")
    _fact(
        "account_practitioner",
        _text("account_id", "practice"),
        "account_id account",
        indexes="account_id practice",
    )
    op.execute(
        "INSERT INTO account_practitioner (id, valid_from, recorded_at, recorded_by, account_id, practice) "
        "SELECT 'APR-' || o.account_id || '-' || o.practice, '0001-01-01', a.recorded_at, '', o.account_id, o.practice "
        "FROM account_practitioner_old o JOIN account a ON a.id = o.account_id"
    )
    op.drop_table("account_practitioner_old")


def _new_facts() -> None:
    _fact("agency_standing", _text("agency_id", "standing"), "agency_id agency", indexes="agency_id")
    _fact("number_suspension", _text("payer", "number", "reason?"))
    op.create_index("ix_number_suspension", "number_suspension", ["payer", "number"])
    _fact("account_channel", _text("account_id", "channel"), "account_id account", indexes="account_id")
    _fact(
        "mandate",
        [*_text("account_id", "agency_id", "form"), sa.Column("signatories", sa.JSON(), nullable=False)],
        "account_id account",
        "agency_id agency",
        indexes="account_id agency_id",
    )
    _fact(
        "statement_coordinates",
        _text("account_id", "route", "agency_id?", "address?"),
        "account_id account",
        "agency_id agency",
        indexes="account_id agency_id",
    )
    _fact(
        "practice_number",
        _text("number", "practitioner_id"),
        "practitioner_id practitioner",
        indexes="number practitioner_id",
    )
    _fact(
        "practitioner_standing",
        _text("practitioner_id", "standing"),
        "practitioner_id practitioner",
        indexes="practitioner_id",
    )
    _fact(
        "group_member",
        _text("group_id", "practitioner_id"),
        "group_id practice_group",
        "practitioner_id practitioner",
        indexes="group_id practitioner_id",
    )
    _fact("software", _text("developer_id", "name", "version"), "developer_id developer", indexes="developer_id")
    _fact(
        "declared_software",
        _text("source_id", "developer?", "name", "version?"),
        "source_id source",
        indexes="source_id",
    )


def _software() -> None:
    """What a source declared was kept without dates."""
    op.execute(
        "INSERT INTO declared_software (id, valid_from, recorded_at, recorded_by, source_id, developer, name, version) "
        "SELECT 'DSO-' || s.id, '0001-01-01', a.recorded_at, '', s.id, s.developer, s.software, s.version "
        "FROM source s JOIN agency a ON a.id = s.agency_id WHERE s.software IS NOT NULL"
    )
    with op.batch_alter_table("source") as table:
        for name in ("developer", "software", "version"):
            table.drop_column(name)


def _migrated() -> None:
    op.execute(
        "INSERT INTO agency_standing (id, valid_from, recorded_at, recorded_by, agency_id, standing) "
        "SELECT 'AST-' || id, migrated_on, recorded_at, '', id, 'migrated' FROM agency WHERE migrated_on IS NOT NULL"
    )
    with op.batch_alter_table("agency") as table:
        table.drop_column("migrated_on")
