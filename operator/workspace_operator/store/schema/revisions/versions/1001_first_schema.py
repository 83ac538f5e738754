"""The first schema."""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "1001"
down_revision = None
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SerialNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _account()
    _workspace()
    _workspace_indexes()
    _workspace_lock()
    _store_identity()
    _cluster_heartbeat()
    _credential()
    _person()
    _person_indexes()
    _identifier()
    _suppression()
    _activity()
    _device()
    _segment()
    _membership()
    _merge()
    _migration()
    _migration_indexes()
    _migration_change_log()
    _shared_email()
    _export()
    _violation()
    _export_person()


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", SerialNumber, sa.Identity(always=False), nullable=False),
        sa.Column("cluster", BinaryText, nullable=False),
        sa.Column("namespace", BinaryText, nullable=False),
        sa.Column("name", BinaryText, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("cluster", "namespace", "name", name=op.f("uq_account_cluster_namespace_name")),
        sqlite_autoincrement=True,
    )


def _workspace() -> None:
    op.create_table(
        "workspace",
        sa.Column("workspace_id", SerialNumber, sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", BinaryText, nullable=False),
        sa.Column("owner_cluster", BinaryText, nullable=False),
        sa.Column("owner_namespace", BinaryText, nullable=False),
        sa.Column("owner_name", BinaryText, nullable=False),
        sa.Column("owner_uid", BinaryText, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("email_updates", sa.Text(), nullable=False),
        sa.Column("id_updates", sa.Text(), nullable=False),
        sa.Column("merge_multi_identifier", sa.Boolean(), nullable=False),
        sa.Column("send_mode", sa.Text(), nullable=False),
        sa.Column("test_address", sa.Text(), nullable=True),
        sa.Column("open_tracking", sa.Boolean(), nullable=False),
        sa.Column("row_version", sa.BigInteger(), nullable=False),
        sa.Column("change_log_enabled", sa.Boolean(), nullable=False),
        sa.Column("blocked_export", sa.BigInteger(), nullable=True),
        sa.Column("merges_pending", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("spec_generation", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spec_row_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted_generation", sa.BigInteger(), nullable=True),
        sa.Column("accepted_request", sa.Text(), nullable=True),
        sa.Column("owner_created_at", BinaryText, server_default="", nullable=False),
        sa.Column("name_key", BinaryText, server_default="", nullable=False),
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


def _workspace_indexes() -> None:
    op.create_index("ix_workspace_account_id_name_key", "workspace", ["account_id", "name_key"], unique=False)
    op.create_index(
        "ix_workspace_owner_namespace_owner_name", "workspace", ["owner_namespace", "owner_name"], unique=False
    )


def _workspace_lock() -> None:
    op.create_table(
        "workspace_lock",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "slot"),
        sqlite_with_rowid=False,
    )


def _store_identity() -> None:
    identity = op.create_table(
        "store_identity",
        sa.Column("identity_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id"),
    )
    op.bulk_insert(identity, [{"identity_id": 1, "store_id": str(uuid4())}])


def _cluster_heartbeat() -> None:
    op.create_table(
        "cluster_heartbeat",
        sa.Column("cluster", BinaryText, nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cluster"),
    )


def _credential() -> None:
    op.create_table(
        "credential",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site_id_digest", BinaryText, nullable=False),
        sa.Column("api_key_digest", BinaryText, nullable=False),
        sa.Column("app_key_digest", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
        sa.UniqueConstraint("app_key_digest", name=op.f("uq_credential_app_key_digest")),
        sa.UniqueConstraint("site_id_digest", name=op.f("uq_credential_site_id_digest")),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("id", BinaryText, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", BinaryText, nullable=True),
        sa.Column("email_is_invalid", sa.Boolean(), nullable=False),
        sa.Column("id_is_another_email", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("inserted_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attribute_timestamps", sa.JSON(none_as_null=True), nullable=True),
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
    _partial_index("ix_person_without_id", "person", ["workspace_id", "id"], "id IS NULL")


def _identifier() -> None:
    op.create_table(
        "identifier",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value_key", BinaryText, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "value_key"),
        sqlite_with_rowid=False,
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value_key", BinaryText, nullable=False),
        sa.Column("suppression_id", BinaryText, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "value_key", "suppression_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_suppression_group", "suppression", ["workspace_id", "suppression_id"], unique=False)


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("activity_id", BinaryText, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=True),
        sa.Column("origin", BinaryText, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event_id", BinaryText, nullable=True),
        sa.Column("anonymous_id", BinaryText, nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "type", "activity_id"),
        sqlite_with_rowid=False,
    )
    _partial_index(
        "ix_activity_anonymous",
        "activity",
        ["workspace_id", "anonymous_id"],
        "anonymous_id IS NOT NULL AND cio_id IS NULL",
    )
    _partial_index("ix_activity_event", "activity", ["workspace_id", "event_id"], "event_id IS NOT NULL", unique=True)
    op.create_index("ix_activity_person", "activity", ["workspace_id", "cio_id", "type", "activity_id"], unique=False)


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("token", BinaryText, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cio_id", "token"),
        sqlite_with_rowid=False,
    )


def _segment() -> None:
    op.create_table(
        "segment",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_segment_workspace_id_name")),
        sqlite_with_rowid=False,
    )


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "segment", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_membership_person", "membership", ["workspace_id", "cio_id"], unique=False)


def _merge() -> None:
    op.create_table(
        "merge",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merge_id", BinaryText, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("primary_cio_id", BinaryText, nullable=False),
        sa.Column("secondary_cio_id", BinaryText, nullable=False),
        sa.Column("holder", BinaryText, nullable=True),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "merge_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_merge_holder", "merge", ["workspace_id", "holder"], unique=False)
    op.create_index("ix_merge_primary", "merge", ["workspace_id", "primary_cio_id"], unique=False)
    op.create_index("ix_merge_secondary", "merge", ["workspace_id", "secondary_cio_id"], unique=False)


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
        *_migration_progress(),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
    )


def _migration_progress() -> list[sa.Column[Any]]:
    return [
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
        sa.Column("status_revision", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("cursor", BinaryText, nullable=False),
        sa.Column("needs_cleanup", sa.Boolean(), nullable=False),
        sa.Column("people_without_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("people_without_identifier", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("people_to_merge", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("people_merged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ids_given_up", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("switched_at", sa.BigInteger(), nullable=True),
        sa.Column("stage_since", sa.BigInteger(), nullable=True),
        sa.Column("estimated_completion", sa.BigInteger(), nullable=True),
        sa.Column("progress", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("status_progress", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("progressed_at", sa.BigInteger(), nullable=True),
        sa.Column("spec_uid", BinaryText, server_default="", nullable=False),
        sa.Column("spec_generation", sa.BigInteger(), server_default="0", nullable=False),
    ]


def _migration_indexes() -> None:
    op.create_index("ix_migration_due_at", "migration", ["due_at"], unique=False)
    _partial_index(
        "ix_migration_status_pending",
        "migration",
        ["workspace_id"],
        "revision != status_revision OR progress != status_progress",
    )


def _migration_change_log() -> None:
    op.create_table(
        "migration_change_log",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", BinaryText, nullable=False),
        sa.Column("email_key", BinaryText, nullable=True),
        sa.Column("cio_id", BinaryText, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id"),
        sqlite_with_rowid=False,
    )


def _shared_email() -> None:
    op.create_table(
        "shared_email",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("ids", sa.BigInteger(), nullable=False),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "email_key"),
        sqlite_with_rowid=False,
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
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("id", BinaryText, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sharing", sa.BigInteger(), nullable=False),
        sa.Column("invalid_email", sa.Boolean(), nullable=False),
        sa.Column("suppressed_email", sa.Boolean(), nullable=False),
        sa.Column("id_is_another_email", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "export_number", "email_key", "created_at", "cio_id"),
        sqlite_with_rowid=False,
    )


def _export_person() -> None:
    op.create_table(
        "export_person",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("export_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "export_number", "cio_id"),
        sqlite_with_rowid=False,
    )


def _partial_index(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)
