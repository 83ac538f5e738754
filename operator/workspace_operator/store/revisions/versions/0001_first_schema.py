"""The first schema: the directory, people and their identifiers, suppressions, identifier changes, exports."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SerialNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    _account()
    _workspace()
    _fence()
    _person()
    _person_indexes()
    _identifier()
    _suppression()
    _migration()
    _export()
    _violation()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", SerialNumber, sa.Identity(always=False), nullable=False),
        sa.Column("cluster", Key, nullable=False),
        sa.Column("namespace", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("cluster", "namespace", "name", name=op.f("uq_account_cluster_namespace_name")),
        sqlite_autoincrement=True,
    )


def _workspace() -> None:
    op.create_table(
        "workspace",
        sa.Column("workspace_id", SerialNumber, sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", Key, nullable=False),
        sa.Column("owner_cluster", Key, nullable=False),
        sa.Column("owner_namespace", Key, nullable=False),
        sa.Column("owner_name", Key, nullable=False),
        sa.Column("owner_uid", Key, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("email_updates", sa.Text(), nullable=False),
        sa.Column("id_updates", sa.Text(), nullable=False),
        sa.Column("merge_multi_identifier", sa.Boolean(), nullable=False),
        sa.Column("send_mode", sa.Text(), nullable=False),
        sa.Column("test_address", sa.Text(), nullable=True),
        sa.Column("open_tracking", sa.Boolean(), nullable=False),
        sa.Column("row_version", sa.BigInteger(), nullable=False),
        sa.Column("writers_held", sa.Boolean(), nullable=False),
        sa.Column("blocked_export", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
        sa.UniqueConstraint("account_id", "display_name", name=op.f("uq_workspace_account_id_display_name")),
        sa.UniqueConstraint(
            "owner_cluster",
            "owner_namespace",
            "owner_name",
            name=op.f("uq_workspace_owner_cluster_owner_namespace_owner_name"),
        ),
        sqlite_autoincrement=True,
    )


def _fence() -> None:
    op.create_table(
        "fence",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "slot"),
        sqlite_with_rowid=False,
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.Column("id", Key, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Key, nullable=True),
        sa.Column("email_is_invalid", sa.Boolean(), nullable=False),
        sa.Column("id_is_another_email", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cio_id"),
        sqlite_with_rowid=False,
    )


def _person_indexes() -> None:
    op.create_index("ix_person_email", "person", ["workspace_id", "email_key", "cio_id"], unique=False)
    op.create_index(
        "ix_person_email_is_invalid",
        "person",
        ["workspace_id", "email_is_invalid"],
        unique=False,
        postgresql_where=sa.text("email_is_invalid"),
        sqlite_where=sa.text("email_is_invalid = 1"),
    )
    op.create_index(
        "ix_person_id_is_another_email",
        "person",
        ["workspace_id", "id_is_another_email"],
        unique=False,
        postgresql_where=sa.text("id_is_another_email"),
        sqlite_where=sa.text("id_is_another_email = 1"),
    )
    op.create_index(
        "ix_person_without_id",
        "person",
        ["workspace_id", "id"],
        unique=False,
        postgresql_where=sa.text("id IS NULL"),
        sqlite_where=sa.text("id IS NULL"),
    )


def _identifier() -> None:
    op.create_table(
        "identifier",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "value_key"),
        sqlite_with_rowid=False,
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.Column("suppression_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "value_key", "suppression_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_suppression_group", "suppression", ["workspace_id", "suppression_id"], unique=False)


def _migration() -> None:
    op.create_table(
        "migration",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_mode", sa.Text(), nullable=False),
        sa.Column("to_mode", sa.Text(), nullable=False),
        sa.Column("on_conflict", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("people_total", sa.BigInteger(), nullable=False),
        sa.Column("people_checked", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_email", sa.BigInteger(), nullable=False),
        sa.Column("invalid_email", sa.BigInteger(), nullable=False),
        sa.Column("suppressed_email", sa.BigInteger(), nullable=False),
        sa.Column("id_is_another_email", sa.BigInteger(), nullable=False),
        sa.Column("people_concerned", sa.BigInteger(), nullable=False),
        sa.Column("export", sa.BigInteger(), nullable=True),
        sa.Column("retry_token", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("reported_revision", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("cursor", Key, nullable=False),
        sa.Column("leftovers", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
    )
    op.create_index("ix_migration_due_at", "migration", ["due_at"], unique=False)
    op.create_index(
        "ix_migration_unreported",
        "migration",
        ["workspace_id"],
        unique=False,
        postgresql_where=sa.text("revision != reported_revision"),
        sqlite_where=sa.text("revision != reported_revision"),
    )


def _export() -> None:
    op.create_table(
        "export",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("migration_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
    )


def _violation() -> None:
    op.create_table(
        "violation",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("export_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", Key, nullable=False),
        sa.Column("id", Key, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Key, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sharing", sa.BigInteger(), nullable=False),
        sa.Column("invalid_email", sa.Boolean(), nullable=False),
        sa.Column("suppressed_email", sa.Boolean(), nullable=False),
        sa.Column("id_is_another_email", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "export_number", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_violation_order",
        "violation",
        ["workspace_id", "export_number", "email_key", "created_at", "cio_id"],
        unique=False,
    )
    op.create_index("ix_violation_person", "violation", ["workspace_id", "cio_id"], unique=False)
