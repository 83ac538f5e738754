"""What holds in every sound database, as queries for the rows that break it.

The queries are plain SQL, so that they depend on nothing that writes the rows. During a migration, rows of the future
and of the former mode exist; they count only where the mode in force reads them. Samples are keys, which name a
workspace and a ``cio_id`` but never an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import ACCOUNT_WIDE
from workspace_operator.store.schema.cleanup_tables import audit_entry, cleanup
from workspace_operator.store.schema.import_tables import import_job
from workspace_operator.store.schema.sending_tables import mailroom, notice
from workspace_operator.store.schema.tables import (
    LOCK_SLOTS,
    WORKSPACE_TABLES,
    account_admin,
    account_member,
    credential,
    migration,
)

_RESTORE: Final = (
    "Restore the newest backup in which `workspacectl database check` finds nothing. Without one, export the people of "
    "the workspace (`workspacectl people export`), delete it, and import them into a new one."
)
_NEVER_READ: Final = "Nothing reads these rows, so nothing has to be done. Report them as a defect."
_REPORT: Final = "Report it as a defect, with the whole output of this command."


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A rule of the database; ``violations`` is a query whose rows break it, with keys as columns."""

    check: str
    violations: str
    meaning: str
    remedy: str = _RESTORE


_PENDING = """SELECT 1 FROM shared_email s WHERE s.workspace_id = p.workspace_id AND s.email_key = p.email_key
  AND w.merges_pending AND NOT s.merged"""

_RULES: Final = (
    Invariant(
        check="store-identity",
        violations="SELECT n FROM (SELECT count(*) AS n FROM store_identity) AS identities WHERE n <> 1",
        meaning="The database does not have exactly one identity (table store_identity): it was restored in part.",
    ),
    Invariant(
        check="ids-missing",
        violations="""SELECT p.workspace_id, p.cio_id FROM person p WHERE p.id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM identifier i WHERE i.workspace_id = p.workspace_id AND i.kind = 1 AND i.value_key = p.id
  AND i.cio_id = p.cio_id)""",
        meaning="People have an id by which they are not found.",
    ),
    Invariant(
        check="emails-missing",
        violations=f"""SELECT p.workspace_id, p.cio_id FROM person p
JOIN workspace w ON w.workspace_id = p.workspace_id
WHERE p.email_key IS NOT NULL AND w.mode <> 'IDOnly' AND NOT EXISTS (
  SELECT 1 FROM identifier i WHERE i.workspace_id = p.workspace_id AND i.kind = 2 AND i.value_key = p.email_key
  AND i.cio_id = p.cio_id)
AND NOT EXISTS ({_PENDING} AND s.people > 1)""",
        meaning="People have an email address by which they are not found.",
    ),
    Invariant(
        check="ids-of-others",
        violations="""SELECT i.workspace_id, i.cio_id FROM identifier i WHERE i.kind = 1 AND NOT EXISTS (
  SELECT 1 FROM person p WHERE p.workspace_id = i.workspace_id AND p.cio_id = i.cio_id AND p.id = i.value_key)""",
        meaning="Ids lead to a person who does not have them, or who does not exist.",
    ),
    Invariant(
        check="emails-of-others",
        violations="""SELECT i.workspace_id, i.cio_id FROM identifier i
JOIN workspace w ON w.workspace_id = i.workspace_id
WHERE i.kind = 2 AND w.mode <> 'IDOnly' AND NOT EXISTS (
  SELECT 1 FROM person p WHERE p.workspace_id = i.workspace_id AND p.cio_id = i.cio_id
  AND p.email_key = i.value_key)""",
        meaning="Email addresses lead to a person who does not have them, or who does not exist.",
    ),
    Invariant(
        check="emails-shared",
        violations=f"""SELECT p.workspace_id, min(p.cio_id) FROM person p
JOIN workspace w ON w.workspace_id = p.workspace_id
WHERE w.mode <> 'IDOnly' AND p.email_key IS NOT NULL AND NOT EXISTS ({_PENDING})
GROUP BY p.workspace_id, p.email_key HAVING count(*) > 1""",
        meaning="Several people have one email address, although addresses identify people.",
    ),
    Invariant(
        check="suppressed-in-use",
        violations="""SELECT s.workspace_id, i.cio_id FROM suppression s JOIN identifier i
ON i.workspace_id = s.workspace_id AND i.kind = s.kind AND i.value_key = s.value_key
JOIN workspace w ON w.workspace_id = s.workspace_id WHERE i.kind = 1 OR w.mode <> 'IDOnly'""",
        meaning="People have an identifier that is suppressed.",
    ),
    Invariant(
        check="migrations-open",
        violations="""SELECT workspace_id FROM migration WHERE stage NOT IN ('Completed', 'Cancelled')
GROUP BY workspace_id HAVING count(*) > 1""",
        meaning="Workspaces have several migrations that have not ended.",
    ),
    Invariant(
        check="modes",
        violations="""SELECT m.workspace_id, m.number FROM migration m
JOIN workspace w ON w.workspace_id = m.workspace_id
WHERE m.number = (SELECT max(n.number) FROM migration n WHERE n.workspace_id = m.workspace_id)
AND w.mode <> CASE WHEN m.stage IN ('Switched', 'Merging', 'Completed') THEN m.to_mode ELSE m.from_mode END""",
        meaning="Workspaces have another identifier mode than their newest migration left.",
    ),
    Invariant(
        check="merges-pending",
        violations="""SELECT w.workspace_id FROM workspace w WHERE w.merges_pending AND NOT EXISTS (
  SELECT 1 FROM migration m WHERE m.workspace_id = w.workspace_id AND m.stage IN ('Switched', 'Merging'))""",
        meaning="Workspaces wait for merges that no migration makes.",
    ),
    Invariant(
        check="credentials-newest",
        violations="""SELECT workspace_id FROM credential WHERE valid_until IS NULL
GROUP BY workspace_id HAVING count(*) > 1""",
        meaning="Workspaces have several credentials without an end.",
        remedy="Revoke them with `workspacectl credentials revoke`; the operator makes new ones.",
    ),
    Invariant(
        check="workspace-locks",
        violations=f"""SELECT w.workspace_id FROM workspace w WHERE {LOCK_SLOTS} <> (
  SELECT count(*) FROM workspace_lock l WHERE l.workspace_id = w.workspace_id)""",
        meaning="Workspaces do not have all rows of their lock, so that commands fail.",
    ),
    Invariant(
        check="merged-people",
        # No join: with statistics of one workspace, SQLite would compare each person with each merge.
        violations="""SELECT m.workspace_id, m.secondary_cio_id FROM merge m WHERE m.undone_at IS NULL AND EXISTS (
  SELECT 1 FROM person p WHERE p.workspace_id = m.workspace_id AND p.cio_id = m.secondary_cio_id)""",
        meaning="People exist who are part of another person by a merge that was not undone.",
    ),
    Invariant(
        check="events-repeated",
        violations="""SELECT workspace_id, min(activity_id) FROM activity WHERE event_id IS NOT NULL
GROUP BY workspace_id, event_id HAVING count(*) > 1""",
        meaning="Events were recorded twice.",
        remedy=_REPORT,
    ),
)


def _of_no_person(table: str, column: str, condition: str = "") -> Invariant:
    return Invariant(
        check=f"orphans-{table}-person",
        violations=f"""SELECT t.workspace_id, t.{column} FROM {table} t WHERE t.{column} IS NOT NULL{condition}
AND NOT EXISTS (SELECT 1 FROM person p WHERE p.workspace_id = t.workspace_id AND p.cio_id = t.{column})""",
        meaning=f"Rows of the table {table} belong to people who do not exist.",
        remedy=_NEVER_READ,
    )


def _of_no_delivery(table: str, condition: str = "") -> Invariant:
    return Invariant(
        check=f"orphans-{table}-delivery",
        violations=f"""SELECT t.workspace_id, t.delivery_id FROM {table} t WHERE NOT EXISTS (
  SELECT 1 FROM delivery d WHERE d.workspace_id = t.workspace_id AND d.delivery_id = t.delivery_id){condition}""",
        meaning=f"Rows of the table {table} belong to messages that do not exist.",
        remedy=_NEVER_READ,
    )


def _of_no(owner: str, table: sa.Table, condition: str = "") -> Invariant:
    """Rows of a table whose workspace or account does not exist."""
    return Invariant(
        check=f"orphans-{table.name}",
        violations=f"""SELECT t.{owner}_id FROM {table.name} t WHERE NOT EXISTS (
  SELECT 1 FROM {owner} o WHERE o.{owner}_id = t.{owner}_id){condition} GROUP BY t.{owner}_id""",
        meaning=f"Rows of the table {table.name} belong to {owner}s that do not exist.",
        remedy=_NEVER_READ,
    )


_OF_WORKSPACES: Final = (*WORKSPACE_TABLES, migration, cleanup, import_job, credential, mailroom, notice)

INVARIANTS: Final[Sequence[Invariant]] = (
    *_RULES,
    _of_no_person("activity", "cio_id", " AND t.type <> 4"),  # the deletion itself stays of a deleted person
    _of_no_person("device", "cio_id"),
    _of_no_person("membership", "cio_id"),
    _of_no_person("merge", "holder"),
    _of_no_person("delivery", "cio_id"),
    _of_no_delivery("delivery_content"),
    _of_no_delivery("attachment"),
    # An attempt that has not ended outlives its delivery, since its message can still leave.
    _of_no_delivery("attempt", " AND t.ended_at IS NOT NULL"),
    *(_of_no("workspace", table) for table in _OF_WORKSPACES if table is not audit_entry),
    _of_no("workspace", audit_entry, f" AND t.workspace_id <> {ACCOUNT_WIDE}"),
    *(_of_no("account", table) for table in (account_admin, account_member)),
)
"""In the order in which they are checked: what concerns people first."""
