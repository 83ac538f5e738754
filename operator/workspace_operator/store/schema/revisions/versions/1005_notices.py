"""Notices by mail to the admins of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "1005"
down_revision = "1004"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notice",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("tries", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("unknowns", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "subject"),
    )
    where = sa.text("due_at IS NOT NULL")
    op.create_index("ix_notice_due_at", "notice", ["due_at"], postgresql_where=where, sqlite_where=where)
