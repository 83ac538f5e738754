"""Imports as jobs: their files, rejected rows, and what undoes them."""

import sqlalchemy as sa
from alembic import op

revision = "1010"
down_revision = "1009"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables and indexes."""
    _import_job()
    op.create_table(
        "import_chunk",
        *_key("first_row"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "import_number", "first_row"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_reject",
        *_key("first_row"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "import_number", "first_row"),
        sqlite_with_rowid=False,
    )
    _import_record()


def _key(*more: str) -> list[sa.Column[int]]:
    names = ("workspace_id", "import_number", *more)
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]


def _import_job() -> None:
    op.create_table(
        "import_job",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("mapping", sa.JSON(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("in_part", sa.BigInteger(), nullable=False),
        sa.Column("addresses", sa.BigInteger(), nullable=False),
        sa.Column("blocking", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=False),
        sa.Column("undone_in_part", sa.BigInteger(), nullable=False),
        sa.Column("not_undone", sa.BigInteger(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("run_at", sa.BigInteger(), nullable=True),
        sa.Column("run_by", sa.Text(), nullable=True),
        sa.Column("run_via", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("file_until", sa.BigInteger(), nullable=True),
        sa.Column("undo_until", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
    )
    where = sa.text("due_at IS NOT NULL")
    op.create_index("ix_import_job_due_at", "import_job", ["due_at"], postgresql_where=where, sqlite_where=where)


def _import_record() -> None:
    op.create_table(
        "import_record",
        *_key(),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("id", BinaryText, nullable=True),
        sa.Column("email_key", BinaryText, nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "import_number", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_import_record_first_row", "import_record", ["workspace_id", "import_number", "first_row"])
    op.create_index("ix_import_record_person", "import_record", ["workspace_id", "cio_id"])
    op.create_index("ix_import_record_id", "import_record", ["workspace_id", "id"])
    op.create_index("ix_import_record_email_key", "import_record", ["workspace_id", "email_key"])
