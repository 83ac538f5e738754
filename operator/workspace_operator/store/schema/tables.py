"""The schema, as metadata; Alembic revisions in ``revisions/`` lead to exactly this (a test compares).

So that the same schema may be spread over many machines with ``workspace_id`` as its key, every key of per-workspace
data starts with it, and only the small directory is found without it: accounts, workspaces, and their identifier
changes, which the worker and the operator look for. There are no foreign keys: each would cost a look-up per written
row, and destroying a workspace deletes table by table anyway.
"""

import sqlalchemy as sa

from workspace_operator.store.schema.directory_tables import account as account  # noqa: PLC0414 - the rest of the schema
from workspace_operator.store.schema.directory_tables import cluster_heartbeat, store_identity
from workspace_operator.store.schema.directory_tables import credential as credential  # noqa: PLC0414 - the same
from workspace_operator.store.schema.directory_tables import metadata as metadata  # noqa: PLC0414 - the same
from workspace_operator.store.schema.directory_tables import workspace as workspace  # noqa: PLC0414 - the same
from workspace_operator.store.schema.types import BinaryText, UTCTime

LOCK_SLOTS = 16

workspace_lock = sa.Table(
    "workspace_lock",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    # Grows with everything that calls must not miss; a call compares it with what it knows (fences.py).
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
    sqlite_with_rowid=False,
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("id", BinaryText),
    sa.Column("email", sa.Text),
    sa.Column("email_key", BinaryText),
    sa.Column("email_is_invalid", sa.Boolean, nullable=False),
    sa.Column("id_is_another_email", sa.Boolean, nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("inserted_at", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # Null: all attributes are as old as the person.
    sa.Column("attribute_timestamps", sa.JSON(none_as_null=True)),
    sqlite_with_rowid=False,
)

sa.Index("ix_person_email", person.c.workspace_id, person.c.email_key, person.c.cio_id)
# SQLite uses a partial index only for the very term that SQLAlchemy writes into its queries, and answers from it
# alone only if the column is in it.
for _name, _column, _postgresql, _sqlite in (
    ("email_is_invalid", person.c.email_is_invalid, "email_is_invalid", "email_is_invalid = 1"),
    ("id_is_another_email", person.c.id_is_another_email, "id_is_another_email", "id_is_another_email = 1"),
    ("without_id", person.c.id, "id IS NULL", "id IS NULL"),
):
    sa.Index(
        f"ix_person_{_name}",
        person.c.workspace_id,
        _column,
        postgresql_where=sa.text(_postgresql),
        sqlite_where=sa.text(_sqlite),
    )

identifier = sa.Table(
    "identifier",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value_key", BinaryText, primary_key=True),
    sa.Column("cio_id", BinaryText, nullable=False),
    sqlite_with_rowid=False,
)

suppression = sa.Table(
    "suppression",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value_key", BinaryText, primary_key=True),
    sa.Column("suppression_id", BinaryText, primary_key=True),
    sa.Index("ix_suppression_group", "workspace_id", "suppression_id"),
    sqlite_with_rowid=False,
)

STATUS_PENDING = "revision != status_revision OR progress != status_progress"

migration = sa.Table(
    "migration",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("from_mode", sa.Text, nullable=False),
    sa.Column("to_mode", sa.Text, nullable=False),
    sa.Column("on_conflict", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("requested_at", UTCTime, nullable=False),
    sa.Column("started_at", UTCTime),
    sa.Column("completed_at", UTCTime),
    sa.Column("people_total", sa.BigInteger, nullable=False),
    sa.Column("people_checked", sa.BigInteger, nullable=False),
    sa.Column("duplicate_email", sa.BigInteger, nullable=False),
    sa.Column("invalid_email", sa.BigInteger, nullable=False),
    sa.Column("suppressed_email", sa.BigInteger, nullable=False),
    sa.Column("id_is_another_email", sa.BigInteger, nullable=False),
    sa.Column("people_concerned", sa.BigInteger, nullable=False),
    sa.Column("export", sa.BigInteger),
    sa.Column("retry_token", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("status_revision", sa.BigInteger, nullable=False),
    # Where the worker is: null when there is nothing for it to do, so that one small index finds its work.
    sa.Column("due_at", UTCTime),
    sa.Column("lease_owner", sa.Text, nullable=False),
    sa.Column("lease_expires_at", UTCTime),
    sa.Column("cursor", BinaryText, nullable=False),
    # Identifier rows that no rule in force reads may be there; whoever prepares next clears them first.
    sa.Column("needs_cleanup", sa.Boolean, nullable=False),
    sa.Column("people_without_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_without_identifier", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_to_merge", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_merged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("ids_given_up", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("switched_at", UTCTime),
    sa.Column("stage_since", UTCTime),
    # Numbers move all the time: what of that resources shall tell of, at most every few seconds, and since when.
    sa.Column("estimated_completion", UTCTime),
    sa.Column("progress", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("status_progress", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("progressed_at", UTCTime),
    # The resource that asked for the change, and the generation of its spec.
    sa.Column("spec_uid", BinaryText, nullable=False, server_default=""),
    sa.Column("spec_generation", sa.BigInteger, nullable=False, server_default="0"),
)
sa.Index("ix_migration_due_at", migration.c.due_at)
sa.Index(
    "ix_migration_status_pending",
    migration.c.workspace_id,
    postgresql_where=sa.text(STATUS_PENDING),
    sqlite_where=sa.text(STATUS_PENDING),
)

# What writers changed while an identifier change is prepared, each entry by itself: two that were one row would wait
# for each other, and one of them could be lost. No address: only what else of somebody stands in the way.
migration_change_log = sa.Table(
    "migration_change_log",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry_id", BinaryText, primary_key=True),
    sa.Column("email_key", BinaryText),
    # Null: the address was suppressed or freed.
    sa.Column("cio_id", BinaryText),
    sqlite_with_rowid=False,
)

# Addresses that cannot simply become somebody's: several people have them, or they are suppressed. After the switch of
# a change that merges, whoever shares one is one person, whose rows are not yet folded.
shared_email = sa.Table(
    "shared_email",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("email_key", BinaryText, primary_key=True),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("ids", sa.BigInteger, nullable=False),
    sa.Column("suppressed", sa.Boolean, nullable=False),
    sa.Column("merged", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)

export = sa.Table(
    "export",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("migration_number", sa.BigInteger, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
)

violation = sa.Table(
    "violation",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, autoincrement=False, nullable=False),
    sa.Column("export_number", sa.BigInteger, autoincrement=False, nullable=False),
    sa.Column("cio_id", BinaryText, nullable=False),
    sa.Column("id", BinaryText),
    sa.Column("email", sa.Text),
    # Empty where there is none.
    sa.Column("email_key", BinaryText, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("sharing", sa.BigInteger, nullable=False),
    sa.Column("invalid_email", sa.Boolean, nullable=False),
    sa.Column("suppressed_email", sa.Boolean, nullable=False),
    sa.Column("id_is_another_email", sa.Boolean, nullable=False),
    # In the order in which an export is read: SQLite keeps rows in that of the key.
    sa.PrimaryKeyConstraint("workspace_id", "export_number", "email_key", "created_at", "cio_id"),
    sqlite_with_rowid=False,
)

# Where in an export somebody is, for who is taken out of it. It is what an index would be, but is written in its own
# order when the rows are there: an index is written in theirs, which is none for it, and a page for each of them.
export_person = sa.Table(
    "export_person",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("export_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("email_key", BinaryText, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

activity = sa.Table(
    "activity",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # The type is part of both orders: a rare one is found among millions without an index of its own.
    sa.Column("type", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("activity_id", BinaryText, primary_key=True),
    # Whose it is, and whose it was when it was recorded: merges move it, an undo brings it back.
    sa.Column("cio_id", BinaryText),
    sa.Column("origin", BinaryText),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("event_id", BinaryText),
    sa.Column("anonymous_id", BinaryText),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_activity_person", "workspace_id", "cio_id", "type", "activity_id"),
    sqlite_with_rowid=False,
)
sa.Index(
    "ix_activity_event",
    activity.c.workspace_id,
    activity.c.event_id,
    unique=True,
    postgresql_where=activity.c.event_id.is_not(None),
    sqlite_where=activity.c.event_id.is_not(None),
)
sa.Index(
    "ix_activity_anonymous",
    activity.c.workspace_id,
    activity.c.anonymous_id,
    postgresql_where=sa.text("anonymous_id IS NOT NULL AND cio_id IS NULL"),
    sqlite_where=sa.text("anonymous_id IS NOT NULL AND cio_id IS NULL"),
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("token", BinaryText, primary_key=True),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("last_used", sa.BigInteger),
    sa.Column("attributes", sa.JSON, nullable=False),
    sqlite_with_rowid=False,
)

membership = sa.Table(
    "membership",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("segment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Index("ix_membership_person", "workspace_id", "cio_id"),
    sqlite_with_rowid=False,
)

# Segments that were given a name; who is in one of another number needs no row here. With rows for all
# segments every call that adds a person to one would write two tables.
segment = sa.Table(
    "segment",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", BinaryText, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.UniqueConstraint("workspace_id", "name"),
    sqlite_with_rowid=False,
)

merge = sa.Table(
    "merge",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("merge_id", BinaryText, primary_key=True),
    sa.Column("at", UTCTime, nullable=False),
    sa.Column("automatic", sa.Boolean, nullable=False),
    sa.Column("primary_cio_id", BinaryText, nullable=False),
    sa.Column("secondary_cio_id", BinaryText, nullable=False),
    # Who has the data now: the survivor, or whoever absorbed the survivor since. Null once it is undone.
    sa.Column("holder", BinaryText),
    # The people before and after, their devices and memberships, as JSON documents.
    sa.Column("record", sa.JSON, nullable=False),
    sa.Column("undone_at", UTCTime),
    sa.Index("ix_merge_holder", "workspace_id", "holder"),
    sa.Index("ix_merge_primary", "workspace_id", "primary_cio_id"),
    sa.Index("ix_merge_secondary", "workspace_id", "secondary_cio_id"),
    sqlite_with_rowid=False,
)

DIRECTORY_TABLES = (account, workspace, migration, credential, store_identity, cluster_heartbeat)
"""A few rows a workspace, and a few of the database, kept in one place."""

WORKSPACE_TABLES = (
    workspace_lock,
    person,
    identifier,
    suppression,
    migration_change_log,
    shared_email,
    export,
    violation,
    export_person,
    activity,
    device,
    membership,
    segment,
    merge,
)
"""The tables whose rows belong to one workspace: spread or partitioned by ``workspace_id``."""

KIND_ID, KIND_EMAIL = 1, 2
KIND_ANONYMOUS = 3
"""Rows of this kind are never committed: they are how calls about one anonymous id wait for each other."""
