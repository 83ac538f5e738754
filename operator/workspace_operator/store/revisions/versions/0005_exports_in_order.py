"""Violations kept in the order in which exports are read, and who is listed where."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = ["workspace_id", "export_number", "email_key", "created_at", "cio_id"]


def upgrade() -> None:
    """Exchange the keys, and keep the exports there are."""
    op.drop_index("ix_violation_order", "violation")
    if op.get_bind().dialect.name == "sqlite":
        _copy()
    else:
        _exchange()
    op.create_table(
        "listed_person",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("export_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.Column("email_key", Key, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "export_number", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO listed_person SELECT workspace_id, export_number, cio_id, email_key, created_at FROM violation"
    )


def _exchange() -> None:
    op.drop_constraint("violation_pkey", "violation")
    op.execute("UPDATE violation SET email_key = '' WHERE email_key IS NULL")
    op.alter_column("violation", "email_key", nullable=False)
    op.create_primary_key("violation_pkey", "violation", KEY)


def _copy() -> None:
    """SQLite has the key as the table's own order, and cannot change it."""
    op.rename_table("violation", "violation_before")
    op.create_table(
        "violation",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("export_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sharing", sa.BigInteger(), nullable=False),
        sa.Column("invalid_email", sa.Boolean(), nullable=False),
        sa.Column("suppressed_email", sa.Boolean(), nullable=False),
        sa.Column("id_is_another_email", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(*KEY),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO violation SELECT workspace_id, export_number, cio_id, id, email, coalesce(email_key, ''), "
        "created_at, sharing, invalid_email, suppressed_email, id_is_another_email FROM violation_before"
    )
    op.drop_table("violation_before")
