"""Tables of messages: templates, deliveries with their attempts, the queue, and blocked addresses (sending §2.3)."""

import sqlalchemy as sa

from workspace_operator.store.schema.metadata import metadata, workspace_table
from workspace_operator.store.schema.types import BinaryText, UTCTime

template = workspace_table(
    "template",
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    # The trigger name in lower case.
    sa.Column("trigger_key", BinaryText, nullable=False),
    sa.Column("trigger_name", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("content_version", sa.BigInteger, nullable=False),
    sa.Column("send_to_unsubscribed", sa.Boolean, nullable=False),
    sa.Column("open_tracking", sa.Boolean, nullable=False),
    sa.Column("link_tracking", sa.Boolean, nullable=False),
    sa.Column("hide_body", sa.Boolean, nullable=False),
    sa.Column("queue_drafts", sa.Boolean, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("updated_at", UTCTime, nullable=False),
    sa.UniqueConstraint("workspace_id", "trigger_key"),
)

# Versions never change: a delivery is rendered from the version that was newest when it was accepted.
template_content = workspace_table(
    "template_content",
    sa.Column("template", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    # Empty for the default language.
    sa.Column("language", BinaryText, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("preheader", sa.Text),
    sa.Column("sender", sa.Text),
    sa.Column("reply_to", sa.Text),
    sa.Column("cc", sa.Text),
    sa.Column("bcc", sa.Text),
    sa.Column("fake_bcc", sa.Boolean, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("body_plain", sa.Text),
    sa.Column("body_amp", sa.Text),
)

delivery = workspace_table(
    "delivery",
    sa.Column("delivery_id", BinaryText, primary_key=True),
    # The owner now and when it was accepted: a merge moves the delivery, an unmerge moves it back. Null: suppressed.
    sa.Column("cio_id", BinaryText),
    sa.Column("origin", BinaryText),
    sa.Column("template", sa.BigInteger),
    sa.Column("content_version", sa.BigInteger),
    sa.Column("language", BinaryText),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("accepted_mode", sa.Text, nullable=False),
    sa.Column("accepted_at", UTCTime, nullable=False),
    # When it was to be sent first, from which "too late" counts; and when it is looked at next, null if never.
    sa.Column("send_at", UTCTime, nullable=False),
    sa.Column("due_at", UTCTime),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    # Hand-overs whose outcome is unknown: the second one is not repeated.
    sa.Column("unknowns", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("cc", sa.Text, nullable=False),
    sa.Column("bcc", sa.Text, nullable=False),
    sa.Column("is_copy", sa.Boolean, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("tracked", sa.Boolean, nullable=False),
    sa.Column("open_tracking", sa.Boolean, nullable=False),
    sa.Column("link_tracking", sa.Boolean, nullable=False),
    sa.Column("send_to_unsubscribed", sa.Boolean, nullable=False),
    sa.Column("keep_content", sa.Boolean, nullable=False),
    sa.Column("gate", sa.JSON(none_as_null=True)),
    sa.Column("failure", sa.Text),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("opens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("clicks", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("machine_opens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("idempotency_key", BinaryText),
    sa.Column("request_digest", BinaryText),
    sa.Index("ix_delivery_person", "workspace_id", "cio_id", "delivery_id"),
    sa.Index("ix_delivery_template", "workspace_id", "template", "delivery_id"),
)
for _name, _columns, _condition in (
    ("due", (delivery.c.workspace_id, delivery.c.due_at, delivery.c.delivery_id), "due_at IS NOT NULL"),
    ("request_digest", (delivery.c.workspace_id, delivery.c.request_digest), "request_digest IS NOT NULL"),
):
    sa.Index(f"ix_delivery_{_name}", *_columns, sqlite_where=sa.text(_condition))
sa.Index(
    "ix_delivery_idempotency_key",
    delivery.c.workspace_id,
    delivery.c.idempotency_key,
    unique=True,
    sqlite_where=sa.text("idempotency_key IS NOT NULL"),
)

HAS_DUE_TIME = delivery.c.due_at > sa.literal_column("0")
"""Whether a delivery is due at any time. As a range, for which planners prefer the index of due deliveries to others of
the workspace."""

delivery_content = workspace_table(
    "delivery_content",
    sa.Column("delivery_id", BinaryText, primary_key=True),
    # The accepted request: overrides of the template, and message_data.
    sa.Column("request", sa.JSON, nullable=False),
    # The message as it was handed over, for the archive: JSON, compressed.
    sa.Column("rendered", sa.LargeBinary),
)

attachment = workspace_table(
    "attachment",
    sa.Column("delivery_id", BinaryText, primary_key=True),
    sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

attempt = workspace_table(
    "attempt",
    sa.Column("delivery_id", BinaryText, primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("begun_at", UTCTime, nullable=False),
    sa.Column("deadline", UTCTime, nullable=False),
    sa.Column("send_version", sa.BigInteger, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("transport", BinaryText, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("recipients", sa.SmallInteger, nullable=False),
    sa.Column("ended_at", UTCTime),
    sa.Column("outcome", sa.Text),
    sa.Column("code", sa.SmallInteger),
    sa.Column("reply", sa.Text),
)
# What is being handed over now; the barrier waits for these.
sa.Index(
    "ix_attempt_in_flight",
    attempt.c.workspace_id,
    attempt.c.deadline,
    sqlite_where=sa.text("ended_at IS NULL"),
)

# One row per workspace that ever had a message: the queue of its deliveries, and the lease of the sender that works on
# it. Searched without a workspace, so that a look without work is one index probe and workspaces take turns.
mailroom = sa.Table(
    "mailroom",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("next_due_at", UTCTime),
    sa.Column("lease_owner", sa.Text, nullable=False, server_default=""),
    sa.Column("lease_expires_at", UTCTime),
)
sa.Index(
    "ix_mailroom_next_due_at",
    mailroom.c.next_due_at,
    sqlite_where=sa.text("next_due_at IS NOT NULL"),
)

# Mails to the admins of an account about an event of a workspace, each written in the transaction of the event, once by
# its key. Searched without a workspace, like mailrooms.
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject", BinaryText, primary_key=True),
    sa.Column("created_at", UTCTime, nullable=False),
    # Null: it was sent, or given up.
    sa.Column("due_at", UTCTime),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("failure", sa.Text),
    sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("tries", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("unknowns", sa.SmallInteger, nullable=False, server_default="0"),
    # Numbers and names, without personal data.
    sa.Column("details", sa.JSON, nullable=False),
)
sa.Index(
    "ix_notice_due_at",
    notice.c.due_at,
    sqlite_where=sa.text("due_at IS NOT NULL"),
)

# One row per running sender: what it offers, without secrets, and a heartbeat.
sender = sa.Table(
    "sender",
    metadata,
    sa.Column("worker", BinaryText, primary_key=True),
    # Names, namespaces and sender domains of its transports.
    sa.Column("transports", sa.JSON, nullable=False),
    sa.Column("key_fingerprint", sa.Text, nullable=False),
    sa.Column("beat_at", UTCTime, nullable=False),
    # Messages that servers refused, by transport and hour; null before the first heartbeat has them.
    sa.Column("refusals", sa.JSON(none_as_null=True)),
)

# Messages that a workspace sent, by calendar month in UTC ("2026-11"); written by the sender that leases its mailroom.
message_usage = workspace_table(
    "message_usage",
    sa.Column("month", BinaryText, primary_key=True),
    sa.Column("sent", sa.BigInteger, nullable=False),
)

address_block = workspace_table(
    "address_block",
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("email_key", BinaryText, primary_key=True),
    sa.Column("since", UTCTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
