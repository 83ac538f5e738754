"""Identifier changes while writers go on: what they change meanwhile, shared addresses, and progress."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNREPORTED = sa.text("revision != reported_revision OR progress != reported_progress")
NUMBERS = (
    "people_without_id",
    "people_without_identifier",
    "people_merged",
    "people_folded",
    "ids_given_up",
)


def upgrade() -> None:
    """Add the tables and columns; a change that holds writers just now begins again from its check."""
    op.execute(
        "UPDATE migration SET stage = 'Checking', cursor = '', leftovers = (leftovers OR from_mode = 'IDOnly'), "
        "revision = revision + 1, lease_owner = '', lease_expires_at = NULL WHERE stage = 'Preparing'"
    )
    op.execute(sa.text("UPDATE workspace SET writers_held = :held").bindparams(held=False))
    op.execute("ALTER TABLE workspace RENAME COLUMN writers_held TO tracks_changes")
    op.add_column("workspace", sa.Column("folds", sa.Boolean(), nullable=False, server_default=sa.false()))
    _migration()
    op.drop_index("ix_violation_person", "violation")
    op.create_table(
        "changed_key",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", Key, nullable=False),
        sa.Column("email_key", Key),
        sa.Column("cio_id", Key),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shared_email",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email_key", Key, nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("ids", sa.BigInteger(), nullable=False),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "email_key"),
        sqlite_with_rowid=False,
    )


def _migration() -> None:
    for name in NUMBERS:
        op.add_column("migration", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("migration", sa.Column("switched_at", sa.BigInteger()))
    op.add_column("migration", sa.Column("stage_since", sa.BigInteger()))
    op.add_column("migration", sa.Column("estimated_completion", sa.BigInteger()))
    op.add_column("migration", sa.Column("progress", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("migration", sa.Column("reported_progress", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("migration", sa.Column("progressed_at", sa.BigInteger()))
    op.drop_index("ix_migration_unreported", "migration")
    op.create_index(
        "ix_migration_unreported",
        "migration",
        ["workspace_id"],
        postgresql_where=UNREPORTED,
        sqlite_where=UNREPORTED,
    )
