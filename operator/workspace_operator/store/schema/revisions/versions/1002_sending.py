"""Sending: the transport of a workspace, templates, deliveries, attempts and the queue."""

import sqlalchemy as sa
from alembic import op

revision = "1002"
down_revision = "1001"
branch_labels = None
depends_on = None

BinaryText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns of workspaces, and create the tables."""
    op.add_column("workspace", sa.Column("transport", BinaryText, nullable=True))
    op.add_column("workspace", sa.Column("sender", sa.Text(), nullable=True))
    op.add_column("workspace", sa.Column("send_version", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("store_identity", sa.Column("root_key_fingerprint", sa.Text(), nullable=True))
    _template()
    _template_content()
    _delivery()
    _delivery_indexes()
    _delivery_content()
    _attachment()
    _attempt()
    _mailroom()
    _sender()
    _address_block()


def _template() -> None:
    op.create_table(
        "template",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger_key", BinaryText, nullable=False),
        sa.Column("trigger_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("content_version", sa.BigInteger(), nullable=False),
        sa.Column("send_to_unsubscribed", sa.Boolean(), nullable=False),
        sa.Column("open_tracking", sa.Boolean(), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=False),
        sa.Column("hide_body", sa.Boolean(), nullable=False),
        sa.Column("queue_drafts", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number"),
        sa.UniqueConstraint("workspace_id", "trigger_key", name="uq_template_workspace_id_trigger_key"),
        sqlite_with_rowid=False,
    )


def _template_content() -> None:
    op.create_table(
        "template_content",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("template", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("language", BinaryText, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("cc", sa.Text(), nullable=True),
        sa.Column("bcc", sa.Text(), nullable=True),
        sa.Column("fake_bcc", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("body_plain", sa.Text(), nullable=True),
        sa.Column("body_amp", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "template", "version", "language"),
        sqlite_with_rowid=False,
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", BinaryText, nullable=False),
        sa.Column("cio_id", BinaryText, nullable=True),
        sa.Column("origin", BinaryText, nullable=True),
        sa.Column("template", sa.BigInteger(), nullable=True),
        sa.Column("content_version", sa.BigInteger(), nullable=True),
        sa.Column("language", BinaryText, nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accepted_mode", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("unknowns", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("cc", sa.Text(), nullable=False),
        sa.Column("bcc", sa.Text(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.Column("open_tracking", sa.Boolean(), nullable=False),
        sa.Column("link_tracking", sa.Boolean(), nullable=False),
        sa.Column("send_to_unsubscribed", sa.Boolean(), nullable=False),
        sa.Column("keep_content", sa.Boolean(), nullable=False),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("opens", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("clicks", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("machine_opens", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("idempotency_key", BinaryText, nullable=True),
        sa.Column("request_digest", BinaryText, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "delivery_id"),
        sqlite_with_rowid=False,
    )


def _delivery_indexes() -> None:
    _partial_index("ix_delivery_due", "delivery", ["workspace_id", "due_at", "delivery_id"], "due_at IS NOT NULL")
    _partial_index(
        "ix_delivery_idempotency_key",
        "delivery",
        ["workspace_id", "idempotency_key"],
        "idempotency_key IS NOT NULL",
        unique=True,
    )
    op.create_index("ix_delivery_person", "delivery", ["workspace_id", "cio_id", "delivery_id"])
    _partial_index(
        "ix_delivery_request_digest", "delivery", ["workspace_id", "request_digest"], "request_digest IS NOT NULL"
    )
    op.create_index("ix_delivery_template", "delivery", ["workspace_id", "template", "delivery_id"])


def _delivery_content() -> None:
    op.create_table(
        "delivery_content",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", BinaryText, nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("rendered", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "delivery_id"),
        sqlite_with_rowid=False,
    )


def _attachment() -> None:
    op.create_table(
        "attachment",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", BinaryText, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "delivery_id", "position"),
        sqlite_with_rowid=False,
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", BinaryText, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("send_version", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("transport", BinaryText, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("recipients", sa.SmallInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.SmallInteger(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "delivery_id", "number"),
        sqlite_with_rowid=False,
    )
    _partial_index("ix_attempt_in_flight", "attempt", ["workspace_id", "deadline"], "ended_at IS NULL")


def _mailroom() -> None:
    op.create_table(
        "mailroom",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_due_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=False, server_default=""),
        sa.Column("lease_expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    _partial_index("ix_mailroom_next_due_at", "mailroom", ["next_due_at"], "next_due_at IS NOT NULL")


def _sender() -> None:
    op.create_table(
        "sender",
        sa.Column("worker", BinaryText, nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("worker"),
    )


def _address_block() -> None:
    op.create_table(
        "address_block",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email_key", BinaryText, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "email_key"),
        sqlite_with_rowid=False,
    )


def _partial_index(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)
