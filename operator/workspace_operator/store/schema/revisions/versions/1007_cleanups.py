"""Cleanups with their undo, the audit log, and what an App key may do."""

import sqlalchemy as sa
from alembic import op

revision = "1007"
down_revision = "1006"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns, and create the tables and indexes."""
    op.add_column("workspace", sa.Column("app_key_may", sa.Text(), nullable=False, server_default="Read"))
    op.add_column("workspace", sa.Column("keeps_cleanups", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("workspace", sa.Column("calls_recorded_since", sa.BigInteger(), nullable=True))
    op.add_column("merge", sa.Column("migration_number", sa.BigInteger(), nullable=True))
    _partial_index(
        "ix_merge_migration_number", "merge", ["migration_number", "merge_id"], "migration_number IS NOT NULL"
    )
    for name in ("suppressed_email", "id_is_another_email"):
        order = ["export_number", "email_key", "created_at", "cio_id"]
        _partial_index(f"ix_violation_{name}", "violation", order, name, sqlite_condition=f"{name} = 1")
    _cleanup()
    _cleanup_rule()
    _cleanup_decision()
    _cleanup_group()
    _cleanup_record()
    _listed_call()
    _audit_entry()


def _cleanup() -> None:
    op.create_table(
        "cleanup",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("migration_number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("keeps", sa.BigInteger(), nullable=False),
        sa.Column("merges", sa.BigInteger(), nullable=False),
        sa.Column("corrections", sa.BigInteger(), nullable=False),
        sa.Column("clears", sa.BigInteger(), nullable=False),
        sa.Column("deletions", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("refused_deletions", sa.BigInteger(), nullable=False),
        sa.Column("export_number", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("blocking_change", sa.BigInteger(), nullable=False),
        sa.Column("cursor", BinaryText, nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=False),
        sa.Column("undone_in_part", sa.BigInteger(), nullable=False),
        sa.Column("not_undone", sa.BigInteger(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("undoes_all", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("applied_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("undo_until", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
    )
    where = sa.text("due_at IS NOT NULL")
    op.create_index("ix_cleanup_due_at", "cleanup", ["due_at"], postgresql_where=where, sqlite_where=where)


def _cleanup_rule() -> None:
    op.create_table(
        "cleanup_rule",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cleanup_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("condition", sa.JSON(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("groups", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("groups_open", sa.BigInteger(), nullable=False),
        sa.Column("cursor", BinaryText, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cleanup_number", "position"),
        sqlite_with_rowid=False,
    )


def _cleanup_decision() -> None:
    op.create_table(
        "cleanup_decision",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cleanup_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", BinaryText, nullable=True),
        sa.Column("survivor", BinaryText, nullable=False),
        sa.Column("seen_email_key", BinaryText, nullable=True),
        sa.Column("rule_position", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("merge_id", BinaryText, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "cleanup_number", "cio_id"),
        sqlite_with_rowid=False,
    )
    survivors = ["workspace_id", "cleanup_number", "survivor", "cio_id"]
    op.create_index("ix_cleanup_decision_survivor", "cleanup_decision", survivors)
    outcomes = ["workspace_id", "cleanup_number", "outcome", "kind", "cio_id"]
    op.create_index("ix_cleanup_decision_outcome", "cleanup_decision", outcomes)
    op.create_index("ix_cleanup_decision_person", "cleanup_decision", ["workspace_id", "cio_id"])


def _cleanup_group() -> None:
    op.create_table(
        "cleanup_group",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cleanup_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("round", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_key", BinaryText, nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("keep", sa.BigInteger(), nullable=False),
        sa.Column("corrected", sa.BigInteger(), nullable=False),
        sa.Column("blocking_alone", sa.BigInteger(), nullable=False),
        sa.Column("is_suppressed", sa.Boolean(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("blocking_before", sa.BigInteger(), nullable=False),
        sa.Column("blocking", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cleanup_number", "round", "group_key"),
        sqlite_with_rowid=False,
    )


def _cleanup_record() -> None:
    op.create_table(
        "cleanup_record",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cleanup_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("id", BinaryText, nullable=True),
        sa.Column("email_key", BinaryText, nullable=True),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cleanup_number", "cio_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cleanup_record_person", "cleanup_record", ["workspace_id", "cio_id"])
    op.create_index("ix_cleanup_record_id", "cleanup_record", ["workspace_id", "id"])
    op.create_index("ix_cleanup_record_email_key", "cleanup_record", ["workspace_id", "email_key"])


def _listed_call() -> None:
    op.create_table(
        "listed_call",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "cio_id"),
        sqlite_with_rowid=False,
    )


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", BinaryText, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id"),
        sqlite_with_rowid=False,
    )


def _partial_index(
    name: str, table: str, columns: list[str], condition: str, *, sqlite_condition: str | None = None
) -> None:
    op.create_index(
        name,
        table,
        ["workspace_id", *columns],
        postgresql_where=sa.text(condition),
        sqlite_where=sa.text(sqlite_condition or condition),
    )
