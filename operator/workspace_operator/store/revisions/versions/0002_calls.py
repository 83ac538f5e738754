"""What calls leave behind: activities, devices, memberships, merges, the times of attributes; and credentials."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables and the column."""
    op.add_column("fence", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("person", sa.Column("attribute_times", sa.JSON()))
    _activity()
    _device()
    _membership()
    _merge()
    _credential()


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("activity_id", Key, nullable=False),
        sa.Column("cio_id", Key),
        sa.Column("origin", Key),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event_id", Key),
        sa.Column("anonymous_id", Key),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "type", "activity_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_activity_person", "activity", ["workspace_id", "cio_id", "type", "activity_id"])
    _partial_index("ix_activity_event", ["workspace_id", "event_id"], "event_id IS NOT NULL", unique=True)
    unclaimed = "anonymous_id IS NOT NULL AND cio_id IS NULL"
    _partial_index("ix_activity_anonymous", ["workspace_id", "anonymous_id"], unclaimed, unique=False)


def _partial_index(name: str, columns: list[str], condition: str, *, unique: bool) -> None:
    where = sa.text(condition)
    op.create_index(name, "activity", columns, unique=unique, postgresql_where=where, sqlite_where=where)


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.Column("token", Key, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("last_used", sa.BigInteger()),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cio_id", "token"),
        sqlite_with_rowid=False,
    )


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "segment", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_membership_person", "membership", ["workspace_id", "cio_id"])


def _merge() -> None:
    op.create_table(
        "merge",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merge_id", Key, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("primary_cio_id", Key, nullable=False),
        sa.Column("secondary_cio_id", Key, nullable=False),
        sa.Column("holder", Key),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("workspace_id", "merge_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_merge_holder", "merge", ["workspace_id", "holder"])
    op.create_index("ix_merge_primary", "merge", ["workspace_id", "primary_cio_id"])
    op.create_index("ix_merge_secondary", "merge", ["workspace_id", "secondary_cio_id"])


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site_id_digest", Key, nullable=False),
        sa.Column("api_key_digest", Key, nullable=False),
        sa.Column("app_key_digest", Key, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger()),
        sa.Column("request", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
        sa.UniqueConstraint("app_key_digest", name=op.f("uq_credential_app_key_digest")),
        sa.UniqueConstraint("site_id_digest", name=op.f("uq_credential_site_id_digest")),
    )
