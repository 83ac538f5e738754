"""Statements that may read a whole workspace, with the reason; all others must use a key."""

from typing import Final

from workspace_operator.store.schema.tables import WORKSPACE_TABLES

READING: Final = {
    "it counts or lists all people": {
        ("counts.count_people", "person"),
        ("counts.count_violations", "person"),
        ("people.all", "person"),
        ("previews._row", "person"),
        ("previews._rows", "person"),
        ("export_writer._violations", "person"),
        ("duplicates.iter_duplicates", "person"),
    },
    "it counts or lists all suppressions": {
        ("counts.count_violations", "suppression"),
        ("previews._row", "suppression"),
        ("previews._rows", "suppression"),
        ("export_writer._violations", "suppression"),
    },
    "it counts the groups of people who share an address": {
        ("counts._people_counts", "shared_email"),
        ("counts.count_merges", "shared_email"),
    },
    "it reads a whole export": {
        ("export_writer._counts", "violation"),
        ("export_writer._index_people", "violation"),
        ("exports.violations", "violation"),
    },
    "it counts or lists the people of segments, or finds an unused number": {
        ("person_records.members", "membership"),
        ("segments._count_one", "membership"),
        ("segments._counts", "membership"),
        ("segments._free_number", "membership"),
        ("segments._used_numbers", "membership"),
    },
    "it reads a limited number of first or last rows of a key": {
        ("person_records._delete_old", "activity"),
        ("person_records._has_older", "activity"),
        ("person_records.activities", "activity"),
        ("unused_rows._delete_batch", "migration_change_log"),
        ("unused_rows._delete_batch", "identifier"),
        ("unused_rows._delete_batch", "export_person"),
        ("unused_rows._delete_batch", "shared_email"),
        ("unused_rows._delete_batch", "violation"),
        ("unused_rows._delete_batch", "listed_call"),
        ("merges.merges", "merge"),
        ("audit.record_decisions", "audit_entry"),
        ("listings._next_keys", "violation"),
        ("listings.sent_sharers", "listed_call"),
        ("matches.listed", "violation"),
        ("segments._numbers_with_members", "membership"),
        ("audit_log._delete_old", "audit_entry"),
        ("audit_log._has_older", "audit_entry"),
        ("audit_log.entries", "audit_entry"),
        ("backfill._range_end", "person"),
        ("backfill.has_violations", "shared_email"),
        ("backfill.pop_entries", "migration_change_log"),
        ("view.next_pending_groups", "shared_email"),
        ("address_blocks.list", "address_block"),
        ("delivery_queries.list_deliveries", "delivery"),
        ("retention._expired", "delivery"),
        ("retention._expired", "delivery_content"),
    },
    "it deletes the workspace": {("workspaces.delete_workspace", table.name) for table in WORKSPACE_TABLES}
    - {("workspaces.delete_workspace", "workspace_lock")},
    "it checks whether a workspace has rows, and stops at the first one": {
        ("ownership._is_empty", table.name) for table in WORKSPACE_TABLES
    }
    - {("ownership._is_empty", "workspace_lock"), ("ownership._is_empty", "message_usage")},
    "it reads all accounts with their people, which are small tables": {
        ("accounts.all_accounts", table) for table in ("account", "account_admin", "account_member")
    },
    "it reads all workspaces, which are a small table": {
        ("audit_log.purge", "workspace"),
        ("person_records.purge_activities", "workspace"),
        ("retention.purge", "workspace"),
        ("discards.discard_waiting_messages", "mailroom"),
        ("migrations.claim", "migration"),
        ("migrations.unfinished", "migration"),
        ("previews.snapshot", "migration"),
        ("previews.snapshot", "workspace"),
        ("workspaces.list", "workspace"),
    },
}
"""By reason: the function that builds the statement, and the table."""

SMALL: Final = frozenset(
    {
        "workspace_lock",
        "cleanup",
        "import_job",
        "import_chunk",
        "import_reject",
        "export",
        "segment",
        "template",
        "template_content",
        "store_identity",
        "cluster_heartbeat",
        "sender",
        "notice",
        "console_session",
        "sign_in_link",
        "sign_in_pin",
    }
)
"""Tables with few rows: 16 lock slots, 3 exports, the named segments and the templates of a workspace; 1 row; a row per
cluster, and per sender; a notice per event of a month; 20 sessions of a person, 5 links, a pin per person who
signed in."""

STEPPING: Final = frozenset({("listings._next_keys", "violation")})
"""Statements that step through an index: each repetition reads one row, the first one behind a key."""

SORTING: Final = {
    "person_records.activities": "a few rows of each type are read, and merged by age",
    "person_records.members": "while merges are pending, members are replaced by survivors",
    "delivery_queries.list_deliveries": "one page of deliveries",
    "templates._templates": "the templates of a workspace are few",
    "export_writer._index_people": "rows are written in the order of another key, sorted on disk",
    "segments._count_one": "while merges are pending, each survivor is counted once",
}
"""Statements that read a whole workspace and may sort it in memory."""

ALLOWED: Final = frozenset(entry for entries in READING.values() for entry in entries)
