"""Sessions of the console, and the links that start one."""

import sqlalchemy as sa
from alembic import op

revision = "1008"
down_revision = "1007"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "console_session",
        sa.Column("token_digest", BinaryText, nullable=False),
        sa.Column("person", BinaryText, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("is_installation", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest"),
    )
    op.create_index("ix_console_session_person", "console_session", ["person", "seen_at"])
    op.create_table(
        "sign_in_link",
        sa.Column("token_digest", BinaryText, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("session_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest"),
    )
