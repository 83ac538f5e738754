"""Tables of cleanups, of the calls that named listed people, and of the audit log.

Part of the metadata that `tables` completes.
"""

import sqlalchemy as sa

from workspace_operator.store.schema.metadata import metadata, workspace_table
from workspace_operator.store.schema.types import BinaryText, UTCTime

# Searched by the worker without a workspace, like migrations.
cleanup = sa.Table(
    "cleanup",
    metadata,
    sa.Column("workspace_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("migration_number", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Grows with every change of the draft. Whoever applies it names the version that they saw.
    sa.Column("version", sa.BigInteger, nullable=False),
    # Decisions by kind.
    sa.Column("keeps", sa.BigInteger, nullable=False),
    sa.Column("merges", sa.BigInteger, nullable=False),
    sa.Column("corrections", sa.BigInteger, nullable=False),
    sa.Column("clears", sa.BigInteger, nullable=False),
    sa.Column("deletions", sa.BigInteger, nullable=False),
    # Decisions without effect, and those of them that would delete a person.
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("refused_deletions", sa.BigInteger, nullable=False),
    # The export against which decisions are counted, and the difference that they make to the number of people that
    # block the migration. Each new export starts a round, which counts all decisions anew, in the order of cio_ids.
    sa.Column("export_number", sa.BigInteger, nullable=False),
    sa.Column("round", sa.BigInteger, nullable=False),
    sa.Column("blocking_change", sa.BigInteger, nullable=False),
    # While decisions are counted, applied or undone: where the worker is.
    sa.Column("cursor", BinaryText, nullable=False),
    sa.Column("applied", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),
    sa.Column("undone", sa.BigInteger, nullable=False),
    sa.Column("undone_in_part", sa.BigInteger, nullable=False),
    sa.Column("not_undone", sa.BigInteger, nullable=False),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    # Whether all decisions that were applied are undone, or only those whose outcome says so.
    sa.Column("undoes_all", sa.Boolean, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("applied_at", UTCTime),
    sa.Column("applied_by", sa.Text),
    sa.Column("ended_at", UTCTime),
    # Null: nothing can be undone.
    sa.Column("undo_until", UTCTime),
    # Null: the worker has nothing to do.
    sa.Column("due_at", UTCTime),
    sa.Column("lease_owner", sa.Text, nullable=False),
    sa.Column("lease_expires_at", UTCTime),
)
sa.Index("ix_cleanup_due_at", cleanup.c.due_at, sqlite_where=sa.text("due_at IS NOT NULL"))

cleanup_rule = workspace_table(
    "cleanup_rule",
    sa.Column("cleanup_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    # The parts of the condition, as in the API.
    sa.Column("condition", sa.JSON, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Groups and people about which the rule decides, and groups that stay open all the same.
    sa.Column("groups", sa.BigInteger, nullable=False),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("groups_open", sa.BigInteger, nullable=False),
    sa.Column("cursor", BinaryText, nullable=False),
    sa.Column("created_at", UTCTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

cleanup_decision = workspace_table(
    "cleanup_decision",
    sa.Column("cleanup_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    # The new address of a correction.
    sa.Column("email", sa.Text),
    # The e-mail key of that, or of the person to merge into when the decision was made.
    sa.Column("email_key", BinaryText),
    # The cio_id of the person to merge into; empty for other decisions, so that they have an order in the index, too.
    sa.Column("survivor", BinaryText, nullable=False),
    # The e-mail key of the person when the decision was made; null without one.
    sa.Column("seen_email_key", BinaryText),
    # The rule that made the decision; null: somebody made it.
    sa.Column("rule_position", sa.BigInteger),
    sa.Column("decided_at", UTCTime, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    # Why the decision has no effect; null: it counts.
    sa.Column("refusal", sa.Text),
    # What became of it when the cleanup was applied or undone; null: nothing yet.
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("merge_id", BinaryText),
    # The order in which decisions are carried out.
    sa.Index("ix_cleanup_decision_survivor", "workspace_id", "cleanup_number", "survivor", "cio_id"),
    # Lists decisions of one kind: those of a draft, and those with one outcome.
    sa.Index("ix_cleanup_decision_outcome", "workspace_id", "cleanup_number", "outcome", "kind", "cio_id"),
    # Finds the decisions about a person in all cleanups, to erase what they tell.
    sa.Index("ix_cleanup_decision_person", "workspace_id", "cio_id"),
)

# The groups that decisions concern, as they are after the decisions. Groups of earlier rounds are leftovers.
cleanup_group = workspace_table(
    "cleanup_group",
    sa.Column("cleanup_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("round", sa.BigInteger, primary_key=True, autoincrement=False),
    # The e-mail key of the people, or the cio_id of a person without one.
    sa.Column("group_key", BinaryText, primary_key=True),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("keep", sa.BigInteger, nullable=False),
    sa.Column("corrected", sa.BigInteger, nullable=False),
    sa.Column("blocking_alone", sa.BigInteger, nullable=False),
    sa.Column("is_suppressed", sa.Boolean, nullable=False),
    sa.Column("decisions", sa.BigInteger, nullable=False),
    # People of the group that block the migration without and with the decisions.
    sa.Column("blocking_before", sa.BigInteger, nullable=False),
    sa.Column("blocking", sa.BigInteger, nullable=False),
)

# What people were before a cleanup changed or deleted them, to undo it. Deleted when the undo ends, and when the
# person, its id or its address is deleted or suppressed.
cleanup_record = workspace_table(
    "cleanup_record",
    sa.Column("cleanup_number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("id", BinaryText),
    sa.Column("email_key", BinaryText),
    # The person before and after, with devices and memberships of a deleted one, as JSON documents.
    sa.Column("record", sa.JSON, nullable=False),
    sa.Index("ix_cleanup_record_person", "workspace_id", "cio_id"),
    sa.Index("ix_cleanup_record_id", "workspace_id", "id"),
    sa.Index("ix_cleanup_record_email_key", "workspace_id", "email_key"),
)

# When a call last named a person who is listed in the newest export. Written only while a migration is blocked.
listed_call = workspace_table(
    "listed_call",
    sa.Column("cio_id", BinaryText, primary_key=True),
    sa.Column("at", UTCTime, nullable=False),
)

audit_entry = workspace_table(
    "audit_entry",
    # Sorts by time.
    sa.Column("entry_id", BinaryText, primary_key=True),
    sa.Column("at", UTCTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    # Numbers and cio_ids, never addresses or names.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)
