"""The schema as metadata, equal to the result of the revisions (a test compares them).

The schema can be distributed over many machines by ``workspace_id``: every key of per-workspace data starts with it.
Only the small directory is queried without it: accounts, workspaces and their migrations, which the worker and the
operator search. There are no foreign keys: each would cost a look-up per written row, and the deletion of a workspace
deletes table by table anyway.
"""

import sqlalchemy as sa

from workspace_operator.store.schema.directory_tables import account as account  # noqa: PLC0414 - re-export
from workspace_operator.store.schema.directory_tables import cluster_heartbeat, store_identity
from workspace_operator.store.schema.directory_tables import credential as credential  # noqa: PLC0414 - re-export
from workspace_operator.store.schema.directory_tables import metadata as metadata  # noqa: PLC0414 - re-export
from workspace_operator.store.schema.directory_tables import workspace as workspace  # noqa: PLC0414 - re-export
from workspace_operator.store.schema.types import BinaryText, UTCTime

LOCK_SLOTS = 16

workspace_lock = sa.Table(
    "workspace_lock",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    # Grows with every change of settings or mode; a command compares it with its snapshot (workspace_lock.py).
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
# SQLite uses a partial index only for the exact term that SQLAlchemy writes into queries, and answers from the index
# alone only if it contains the column.
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
    # Null when the worker has nothing to do, so that one small index finds its work.
    sa.Column("due_at", UTCTime),
    sa.Column("lease_owner", sa.Text, nullable=False),
    sa.Column("lease_expires_at", UTCTime),
    sa.Column("cursor", BinaryText, nullable=False),
    # Identifier rows that the current mode does not use may exist; the next preparation deletes them first.
    sa.Column("needs_cleanup", sa.Boolean, nullable=False),
    sa.Column("people_without_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_without_identifier", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_to_merge", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("people_merged", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("ids_given_up", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("switched_at", UTCTime),
    sa.Column("stage_since", UTCTime),
    # Progress changes all the time; these columns limit how often it is copied to the status of resources.
    sa.Column("estimated_completion", UTCTime),
    sa.Column("progress", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("status_progress", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("progressed_at", UTCTime),
    # The resource that requested the migration, and the generation of its spec.
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

# Changes by writers while a migration is prepared, one row per entry: two writers of one row would wait for each
# other, and an entry could be lost. Without an e-mail key, the person has no address but can have other violations.
migration_change_log = sa.Table(
    "migration_change_log",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entry_id", BinaryText, primary_key=True),
    sa.Column("email_key", BinaryText),
    # Null: the address was suppressed or unsuppressed.
    sa.Column("cio_id", BinaryText),
    sqlite_with_rowid=False,
)

# Addresses that several people have, or that are suppressed. After the cut-over of a migration that merges, the people
# of such an address are one person, whose rows are not merged yet.
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
    # Empty if the person has no e-mail key.
    sa.Column("email_key", BinaryText, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("sharing", sa.BigInteger, nullable=False),
    sa.Column("invalid_email", sa.Boolean, nullable=False),
    sa.Column("suppressed_email", sa.Boolean, nullable=False),
    sa.Column("id_is_another_email", sa.Boolean, nullable=False),
    # In the order in which an export is read, since SQLite stores rows in the order of the primary key.
    sa.PrimaryKeyConstraint("workspace_id", "export_number", "email_key", "created_at", "cio_id"),
    sqlite_with_rowid=False,
)

# Finds the row of a person in an export, to delete it. It replaces an index on `violation`, but is written afterwards
# and in its own order: an index would be written in the order of the rows, with a random page for each of them.
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
    # Both keys contain the type, so that a rare type is found among millions without another index.
    sa.Column("type", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("activity_id", BinaryText, primary_key=True),
    # The owner now and when it was recorded: a merge moves the activity, an unmerge moves it back.
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

# Segments with a name. Segments without a name need no row: otherwise every command that adds a person to a segment
# would write two tables.
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
    # The owner of the data now: the survivor, or the person into which the survivor was merged. Null after unmerge.
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
"""A few rows per workspace and per database, kept in one place."""

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
"""Tables whose rows belong to one workspace: distributed or partitioned by ``workspace_id``."""

KIND_ID, KIND_EMAIL = 1, 2
KIND_ANONYMOUS = 3
"""Rows of this kind are never committed: they serialize commands about one anonymous id."""
