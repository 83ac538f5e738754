"""The schema as metadata, equal to the result of the revisions (a test compares them).

The schema can be distributed over many machines by ``workspace_id``: every key of per-workspace data starts with it.
Only the small directory is queried without it: accounts, workspaces, their migrations and mailrooms, which the workers
and the operator search. There are no foreign keys: each would cost a look-up per written row, and the deletion of a
workspace deletes table by table anyway.
"""

from typing import Any

import sqlalchemy as sa

from workspace_operator.store.schema.cleanup_tables import cleanup
from workspace_operator.store.schema.console_tables import console_session, sign_in_link, sign_in_pin
from workspace_operator.store.schema.import_tables import import_job
from workspace_operator.store.schema.metadata import IsTrue, workspace_table
from workspace_operator.store.schema.metadata import metadata as metadata  # noqa: PLC0414 - with all tables in it
from workspace_operator.store.schema.sending_tables import mailroom, notice, sender
from workspace_operator.store.schema.types import BinaryText, SerialNumber, UTCTime

LOCK_SLOTS = 16

account = sa.Table(
    "account",
    metadata,
    sa.Column("account_id", SerialNumber, sa.Identity(), primary_key=True),
    sa.Column("cluster", BinaryText, nullable=False),
    sa.Column("namespace", BinaryText, nullable=False),
    sa.Column("name", BinaryText, nullable=False),
    # Null: no Account resource is in force, so the columns below mean nothing and the account has no members.
    sa.Column("resource_uid", BinaryText),
    sa.Column("display_name", sa.Text),
    # Null: no limit.
    sa.Column("workspace_limit", sa.BigInteger),
    # Null: nobody gets mail.
    sa.Column("notice_transport", BinaryText),
    sa.Column("notice_sender", sa.Text),
    # Grows with each write of an Account resource; a write that is based on an older one is refused.
    sa.Column("row_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("cluster", "namespace", "name"),
    sqlite_autoincrement=True,
)

account_admin = sa.Table(
    "account_admin",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("email_key", BinaryText, primary_key=True),
    # As written in the resource.
    sa.Column("email", sa.Text, nullable=False),
)

account_member = sa.Table(
    "account_member",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("email_key", BinaryText, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    # Names of Workspace resources of the namespace, sorted; there may be none of that name.
    sa.Column("workspaces", sa.JSON, nullable=False),
)

workspace = sa.Table(
    "workspace",
    metadata,
    sa.Column("workspace_id", SerialNumber, sa.Identity(), primary_key=True),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("display_name", BinaryText, nullable=False),
    sa.Column("owner_cluster", BinaryText, nullable=False),
    sa.Column("owner_namespace", BinaryText, nullable=False),
    sa.Column("owner_name", BinaryText, nullable=False),
    sa.Column("owner_uid", BinaryText, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("color", sa.Text, nullable=False),
    sa.Column("email_updates", sa.Text, nullable=False),
    sa.Column("id_updates", sa.Text, nullable=False),
    sa.Column("merge_multi_identifier", sa.Boolean, nullable=False),
    sa.Column("send_mode", sa.Text, nullable=False),
    sa.Column("test_address", sa.Text),
    sa.Column("open_tracking", sa.Boolean, nullable=False),
    sa.Column("row_version", sa.BigInteger, nullable=False),
    # While a migration is prepared, writers append to migration_change_log; while it is blocked, a writer that fixes a
    # violation wakes it; after the cut-over of one that merges, a command merges the groups of the people it touches.
    sa.Column("change_log_enabled", sa.Boolean, nullable=False),
    sa.Column("blocked_export", sa.BigInteger),
    sa.Column("merges_pending", sa.Boolean, nullable=False, server_default=sa.false()),
    # The newest generation of the owner's spec that was applied, and the row's version right after that. A lower
    # generation of the same owner is refused; one of a restored etcd is held until accepted_request changes.
    sa.Column("spec_generation", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("spec_row_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("accepted_generation", sa.BigInteger),
    sa.Column("accepted_request", sa.Text),
    sa.Column("owner_created_at", BinaryText, nullable=False, server_default=""),
    # The canonical form in which names are compared (resources.display_names). Not unique: older names may collide.
    sa.Column("name_key", BinaryText, nullable=False, server_default=""),
    # Null: the transport called default, and no sender for messages without one.
    sa.Column("transport", BinaryText),
    sa.Column("sender", sa.Text),
    # Grows when mode, test address, open tracking or transport change, and with nothing else: an attempt records it.
    sa.Column("send_version", sa.BigInteger, nullable=False, server_default="1"),
    # What requests with the App key may do to people.
    sa.Column("app_key_may", sa.Text, nullable=False, server_default="Read"),
    # Whether cleanups and imports have decisions and records of people, which an erasure has to delete.
    sa.Column("keeps_cleanups", sa.Boolean, nullable=False, server_default=sa.false()),
    # Since when API processes record which listed people calls name: since people have blocked a migration; else null.
    sa.Column("calls_recorded_since", UTCTime),
    sa.Index("ix_workspace_account_id_name_key", "account_id", "name_key"),
    sa.Index("ix_workspace_owner_namespace_owner_name", "owner_namespace", "owner_name"),
    sa.UniqueConstraint("account_id", "display_name"),
    sa.UniqueConstraint("owner_cluster", "owner_namespace", "owner_name"),
    sqlite_autoincrement=True,
)

credential = workspace_table(
    "credential",
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("site_id_digest", BinaryText, nullable=False, unique=True),
    sa.Column("api_key_digest", BinaryText, nullable=False),
    sa.Column("app_key_digest", BinaryText, nullable=False, unique=True),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("valid_until", UTCTime),
    # The value of the annotation that requested this rotation.
    sa.Column("request", sa.Text, nullable=False),
    with_rowid=True,
)

# One row, which distinguishes this database from others, and from an empty one that replaced it.
store_identity = sa.Table(
    "store_identity",
    metadata,
    sa.Column("identity_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("store_id", sa.Text, nullable=False),
    # Of the root key of the installation that sends from this database; null before its first sender.
    sa.Column("root_key_fingerprint", sa.Text),
)

# One row per cluster whose operator uses this database, with a count that grows while the operator is alive.
cluster_heartbeat = sa.Table(
    "cluster_heartbeat",
    metadata,
    sa.Column("cluster", BinaryText, primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("beat_at", UTCTime, nullable=False),
    # Resources of the cluster that are Stalled, as counts with a few names; null before the first heartbeat has them.
    sa.Column("stalled", sa.JSON(none_as_null=True)),
)

workspace_lock = workspace_table(
    "workspace_lock",
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    # Grows with every change of settings or mode; a command compares it with its snapshot (workspace_lock.py).
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
)

person = workspace_table(
    "person",
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
)

sa.Index("ix_person_email", person.c.workspace_id, person.c.email_key, person.c.cio_id)
# SQLite answers from a partial index alone only if it contains the column.
_partial_indexes: tuple[tuple[str, sa.Column[Any], sa.ClauseElement], ...] = (
    ("email_is_invalid", person.c.email_is_invalid, IsTrue("email_is_invalid")),
    ("id_is_another_email", person.c.id_is_another_email, IsTrue("id_is_another_email")),
    ("without_id", person.c.id, sa.text("id IS NULL")),
)
for _name, _column, _condition in _partial_indexes:
    sa.Index(f"ix_person_{_name}", person.c.workspace_id, _column, sqlite_where=_condition)

identifier = workspace_table(
    "identifier",
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value_key", BinaryText, primary_key=True),
    sa.Column("cio_id", BinaryText, nullable=False),
)

suppression = workspace_table(
    "suppression",
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value_key", BinaryText, primary_key=True),
    sa.Column("suppression_id", BinaryText, primary_key=True),
    sa.Index("ix_suppression_group", "workspace_id", "suppression_id"),
)

STATUS_PENDING = "revision != status_revision OR progress != status_progress"

migration = workspace_table(
    "migration",
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
    with_rowid=True,
)
sa.Index("ix_migration_due_at", migration.c.due_at)
sa.Index(
    "ix_migration_status_pending",
    migration.c.workspace_id,
    sqlite_where=sa.text(STATUS_PENDING),
)

# Changes by writers while a migration is prepared, one row per entry: two writers of one row would wait for each
# other, and an entry could be lost. Without an e-mail key, the person has no address but can have other violations.
migration_change_log = workspace_table(
    "migration_change_log",
    sa.Column("entry_id", BinaryText, primary_key=True),
    sa.Column("email_key", BinaryText),
    # Null: the address was suppressed or unsuppressed.
    sa.Column("cio_id", BinaryText),
)

# Addresses that several people have, or that are suppressed. After the cut-over of a migration that merges, the people
# of such an address are one person, whose rows are not merged yet.
shared_email = workspace_table(
    "shared_email",
    sa.Column("email_key", BinaryText, primary_key=True),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("ids", sa.BigInteger, nullable=False),
    sa.Column("suppressed", sa.Boolean, nullable=False),
    sa.Column("merged", sa.Boolean, nullable=False),
)

export = workspace_table(
    "export",
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("migration_number", sa.BigInteger, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    with_rowid=True,
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
# Rare violations in the order of the export.
for _name in ("suppressed_email", "id_is_another_email"):
    _order = [violation.c[name] for name in ("workspace_id", "export_number", "email_key", "created_at", "cio_id")]
    sa.Index(f"ix_violation_{_name}", *_order, sqlite_where=IsTrue(_name))

# Finds the row of a person in an export, to delete it. It replaces an index on `violation`, but is written afterwards
# and in its own order: an index would be written in the order of the rows, with a random page for each of them.
export_person = workspace_table(
    "export_person",
    sa.Column("export_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("email_key", BinaryText, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

activity = workspace_table(
    "activity",
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
)
sa.Index(
    "ix_activity_event",
    activity.c.workspace_id,
    activity.c.event_id,
    unique=True,
    sqlite_where=activity.c.event_id.is_not(None),
)
sa.Index(
    "ix_activity_anonymous",
    activity.c.workspace_id,
    activity.c.anonymous_id,
    sqlite_where=sa.text("anonymous_id IS NOT NULL AND cio_id IS NULL"),
)

device = workspace_table(
    "device",
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("token", BinaryText, primary_key=True),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("last_used", sa.BigInteger),
    sa.Column("attributes", sa.JSON, nullable=False),
)

membership = workspace_table(
    "membership",
    sa.Column("segment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Index("ix_membership_person", "workspace_id", "cio_id"),
)

# Segments with a name. Segments without a name need no row: otherwise every command that adds a person to a segment
# would write two tables.
segment = workspace_table(
    "segment",
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", BinaryText, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.UniqueConstraint("workspace_id", "name"),
)

merge = workspace_table(
    "merge",
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
    # The migration that made the merge; null: a command made it.
    sa.Column("migration_number", sa.BigInteger),
    sa.Index("ix_merge_holder", "workspace_id", "holder"),
    sa.Index("ix_merge_primary", "workspace_id", "primary_cio_id"),
    sa.Index("ix_merge_secondary", "workspace_id", "secondary_cio_id"),
)
sa.Index(
    "ix_merge_migration_number",
    *(merge.c[name] for name in ("workspace_id", "migration_number", "merge_id")),
    sqlite_where=sa.text("migration_number IS NOT NULL"),
)

DIRECTORY_TABLES = (
    *(account, account_admin, account_member, workspace, migration, cleanup, import_job, credential),
    *(store_identity, cluster_heartbeat, mailroom, notice, sender),
    *(console_session, sign_in_link, sign_in_pin),
)
"""A few rows per workspace and per database, kept in one place and queried without a workspace number."""

WORKSPACE_TABLES = tuple(table for table in metadata.tables.values() if table not in DIRECTORY_TABLES)
"""Tables whose rows belong to one workspace: distributed or partitioned by ``workspace_id``."""

KIND_ID, KIND_EMAIL = 1, 2
KIND_ANONYMOUS = 3
"""Rows of this kind are never committed: they serialize commands about one anonymous id."""
