"""Accounts: the settings of Account resources, with admins and members."""

import sqlalchemy as sa
from alembic import op

revision = "1003"
down_revision = "1002"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns of accounts, and create the tables."""
    op.add_column("account", sa.Column("resource_uid", BinaryText, nullable=True))
    op.add_column("account", sa.Column("display_name", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("workspace_limit", sa.BigInteger(), nullable=True))
    op.add_column("account", sa.Column("notice_transport", BinaryText, nullable=True))
    op.add_column("account", sa.Column("notice_sender", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("row_version", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "account_admin",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "email_key"),
    )
    op.create_table(
        "account_member",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("workspaces", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "email_key"),
    )
