"""Invariants of a whole store, checked in plain SQL, independent of the adapters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance import integrity

Query = Callable[[str], list[tuple[Any, ...]]]

MISSING_IDENTIFIERS = """
SELECT p.workspace_id, 1, p.id, p.cio_id FROM person p WHERE p.id IS NOT NULL
UNION ALL
SELECT p.workspace_id, 2, p.email_key, p.cio_id FROM person p JOIN workspace w ON w.workspace_id = p.workspace_id
WHERE p.email_key IS NOT NULL AND w.mode <> 'IDOnly' AND NOT EXISTS (
  SELECT 1 FROM shared_email s WHERE s.workspace_id = p.workspace_id AND s.email_key = p.email_key
  AND w.merges_pending AND NOT s.merged AND s.people > 1 AND p.cio_id <> (
    SELECT i.cio_id FROM identifier i
    WHERE i.workspace_id = p.workspace_id AND i.kind = 2 AND i.value_key = p.email_key))"""

STALE_IDENTIFIERS = "SELECT workspace_id, kind, value_key, cio_id FROM identifier"

ORPHANS_OF = """
SELECT '{0}', t.workspace_id FROM {0} t
WHERE NOT EXISTS (SELECT 1 FROM workspace w WHERE w.workspace_id = t.workspace_id)""".format

UNEXPECTED_CHANGE_LOG = """
SELECT w.workspace_id FROM workspace w WHERE w.change_log_enabled AND NOT EXISTS (
  SELECT 1 FROM migration m WHERE m.workspace_id = w.workspace_id
  AND m.stage IN ('Checking', 'Preparing', 'Blocked'))"""

UNEXPECTED_PENDING_MERGES = """
SELECT w.workspace_id FROM workspace w WHERE w.merges_pending AND NOT EXISTS (
  SELECT 1 FROM migration m WHERE m.workspace_id = w.workspace_id AND m.stage IN ('Switched', 'Merging'))"""

# A group with a pending merge contains all people with the address, which is assigned to the oldest.
WRONG_GROUPS = """
SELECT s.workspace_id, s.email_key FROM shared_email s JOIN workspace w ON w.workspace_id = s.workspace_id
WHERE w.merges_pending AND s.people > 1 AND NOT s.merged AND (
  s.people <> (SELECT count(*) FROM person p WHERE p.workspace_id = s.workspace_id AND p.email_key = s.email_key)
  OR NOT EXISTS (
    SELECT 1 FROM identifier i WHERE i.workspace_id = s.workspace_id AND i.kind = 2 AND i.value_key = s.email_key
    AND i.cio_id = (
      SELECT p.cio_id FROM person p WHERE p.workspace_id = s.workspace_id AND p.email_key = s.email_key
      ORDER BY p.created_at, p.inserted_at, p.cio_id LIMIT 1)))"""

SHARED_IN_FORCE = """
SELECT p.workspace_id, p.email_key FROM person p JOIN workspace w ON w.workspace_id = p.workspace_id
WHERE w.mode <> 'IDOnly' AND p.email_key IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM shared_email s WHERE s.workspace_id = p.workspace_id AND s.email_key = p.email_key
  AND w.merges_pending AND NOT s.merged)
GROUP BY p.workspace_id, p.email_key HAVING count(*) > 1"""

LEFT_AT_REST = "SELECT workspace_id FROM {0}".format

SEVERAL_OPEN = """
SELECT workspace_id FROM migration WHERE stage NOT IN ('Completed', 'Cancelled')
GROUP BY workspace_id HAVING count(*) > 1"""

# An unfinished export is allowed only until the cleanup.
UNLISTED_VIOLATIONS = """
SELECT v.workspace_id, v.export_number FROM violation v WHERE NOT EXISTS (
  SELECT 1 FROM export e WHERE e.workspace_id = v.workspace_id AND e.number = v.export_number)
AND NOT EXISTS (SELECT 1 FROM migration m WHERE m.workspace_id = v.workspace_id AND m.needs_cleanup)"""

ORPHANED_VIOLATIONS = """
SELECT v.workspace_id, v.cio_id FROM violation v JOIN export e
ON e.workspace_id = v.workspace_id AND e.number = v.export_number WHERE NOT EXISTS (
  SELECT 1 FROM person p WHERE p.workspace_id = v.workspace_id AND p.cio_id = v.cio_id)"""

UNINDEXED_VIOLATIONS = """
SELECT v.workspace_id, v.cio_id FROM violation v JOIN export e
ON e.workspace_id = v.workspace_id AND e.number = v.export_number WHERE NOT EXISTS (
  SELECT 1 FROM export_person p WHERE p.workspace_id = v.workspace_id AND p.export_number = v.export_number
  AND p.cio_id = v.cio_id AND p.email_key = v.email_key AND p.created_at = v.created_at)"""

# Violations of older exports may already be deleted, before their `export_person` rows.
STALE_VIOLATION_INDEX = """
SELECT p.workspace_id, p.cio_id FROM export_person p JOIN export e
ON e.workspace_id = p.workspace_id AND e.number = p.export_number
WHERE e.number > (SELECT max(n.number) - 2 FROM export n WHERE n.workspace_id = e.workspace_id) AND NOT EXISTS (
  SELECT 1 FROM violation v WHERE p.workspace_id = v.workspace_id AND p.export_number = v.export_number
  AND p.cio_id = v.cio_id AND p.email_key = v.email_key AND p.created_at = v.created_at)"""

WRONG_MODE = """
SELECT m.workspace_id, m.stage, w.mode FROM migration m JOIN workspace w ON w.workspace_id = m.workspace_id
WHERE m.number = (SELECT max(n.number) FROM migration n WHERE n.workspace_id = m.workspace_id)
AND w.mode <> CASE WHEN m.stage IN ('Switched', 'Merging', 'Completed') THEN m.to_mode ELSE m.from_mode END"""

LEFT_OVER_ROWS = """
SELECT m.workspace_id, m.number FROM migration m
WHERE m.stage IN ('Completed', 'Cancelled') AND (m.needs_cleanup OR m.due_at IS NOT NULL)"""

AT_REST = (LEFT_OVER_ROWS, LEFT_AT_REST("migration_change_log"), LEFT_AT_REST("shared_email"))

WITHOUT_EMAIL = "SELECT workspace_id, 2 FROM workspace WHERE mode = 'IDOnly'"

ORPHANED_RECORDS = """
SELECT '{0}', t.workspace_id, t.{1} FROM {0} t WHERE t.{1} IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM person p WHERE p.workspace_id = t.workspace_id AND p.cio_id = t.{1})""".format

# Only the deletion activity remains of a deleted person.
ORPHANED_ACTIVITIES = f"{ORPHANED_RECORDS('activity', 'cio_id')} AND t.type <> 4"

MERGED_PEOPLE_THAT_EXIST = """
SELECT m.workspace_id, m.merge_id FROM merge m JOIN person p
ON p.workspace_id = m.workspace_id AND p.cio_id = m.secondary_cio_id WHERE m.undone_at IS NULL"""

PEOPLE_MERGED_TWICE = """
SELECT workspace_id, secondary_cio_id FROM merge WHERE undone_at IS NULL GROUP BY 1, 2 HAVING count(*) > 1"""

REPEATED_EVENTS = """
SELECT workspace_id, event_id FROM activity WHERE event_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"""

OWNED_SUPPRESSIONS = """
SELECT s.kind, s.value_key FROM suppression s JOIN identifier i
ON i.workspace_id = s.workspace_id AND i.kind = s.kind AND i.value_key = s.value_key
JOIN workspace w ON w.workspace_id = s.workspace_id WHERE i.kind = 1 OR w.mode <> 'IDOnly'"""

MERGES_WITHOUT_OWNER = "SELECT workspace_id, merge_id FROM merge WHERE (holder IS NULL) <> (undone_at IS NOT NULL)"

SEVERAL_NEWEST_CREDENTIALS = """
SELECT workspace_id FROM credential WHERE valid_until IS NULL GROUP BY workspace_id HAVING count(*) > 1"""

WORKSPACE_TABLES = (
    "workspace_lock",
    "person",
    "identifier",
    "suppression",
    "migration_change_log",
    "shared_email",
    "migration",
    "export",
    "violation",
    "export_person",
    "activity",
    "device",
    "membership",
    "merge",
    "credential",
)


def assert_sound(database: Database, *, at_rest: bool = True) -> None:
    """Check the invariants of a store.

    ``converged``: no migration is running and nothing is left to clean up; otherwise rows of the future or former
    mode may exist, as long as the current mode does not read them.
    """
    questions = (
        UNEXPECTED_CHANGE_LOG,
        UNEXPECTED_PENDING_MERGES,
        WRONG_GROUPS,
        SHARED_IN_FORCE,
        SEVERAL_OPEN,
        UNLISTED_VIOLATIONS,
        ORPHANED_VIOLATIONS,
        UNINDEXED_VIOLATIONS,
        STALE_VIOLATION_INDEX,
        WRONG_MODE,
        ORPHANED_ACTIVITIES,
        ORPHANED_RECORDS("device", "cio_id"),
        ORPHANED_RECORDS("membership", "cio_id"),
        ORPHANED_RECORDS("merge", "holder"),
        MERGES_WITHOUT_OWNER,
        MERGED_PEOPLE_THAT_EXIST,
        PEOPLE_MERGED_TWICE,
        REPEATED_EVENTS,
        OWNED_SUPPRESSIONS,
        SEVERAL_NEWEST_CREDENTIALS,
    )
    with query_runner(database) as run_query:
        for question in (*map(ORPHANS_OF, WORKSPACE_TABLES), *questions, *(AT_REST if at_rest else ())):
            found = run_query(question)
            assert found == [], f"{found[:5]} is the answer to {question}"
        kept, claimed = set(run_query(STALE_IDENTIFIERS)), set(run_query(MISSING_IDENTIFIERS))
        assert claimed - kept == set(), f"nobody finds them: {list(claimed - kept)[:5]}"
        unread = () if at_rest else run_query(WITHOUT_EMAIL)
        wrong = [row for row in kept - claimed if row[:2] not in unread]
        assert wrong == [], f"they stand for somebody else: {wrong[:5]}"
    assert list(integrity.check_rows(database)) == []  # the check of administrators has no false alarm


@contextmanager
def query_runner(database: Database) -> Iterator[Query]:
    """Run plain SQL queries in one snapshot, on a separate connection."""
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    if not database.is_sqlite:
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN")  # Python's own BEGIN would come with the first write
        yield lambda question: [tuple(row) for row in connection.exec_driver_sql(question)]
