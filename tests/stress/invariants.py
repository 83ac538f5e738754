"""What must be true of the people in a whole store, asked in plain SQL, beside what ``tests/store/invariants`` asks.

Identifiers are what people claim under the mode: that is asked there.
"""

from collections.abc import Iterator

from tests.store.invariants import query_runner
from workspace_operator.store.engine.databases import Database

DELETED = 4
"""The type of the one activity that stays of somebody who is gone."""

NO_PERSON = "NOT EXISTS (SELECT 1 FROM person p WHERE p.workspace_id = t.workspace_id AND p.cio_id = t.{0})"
A_PERSON = NO_PERSON.removeprefix("NOT ")

QUERIES = {
    "an id has two owners": """
        SELECT workspace_id, id FROM person WHERE id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1""",
    "an email has two owners": """
        SELECT p.workspace_id, p.email_key FROM person p JOIN workspace w ON w.workspace_id = p.workspace_id
        WHERE p.email_key IS NOT NULL AND w.mode <> 'IDOnly' GROUP BY 1, 2 HAVING count(*) > 1""",
    "an identifier stands for nobody": f"SELECT t.kind, t.value_key FROM identifier t WHERE {NO_PERSON}".format(
        "cio_id"
    ),
    "a suppressed value is owned": """
        SELECT s.kind, s.value_key FROM suppression s JOIN identifier i
        ON i.workspace_id = s.workspace_id AND i.kind = s.kind AND i.value_key = s.value_key""",
    "an activity is nobody's": f"""
        SELECT t.activity_id FROM activity t
        WHERE t.cio_id IS NOT NULL AND t.type <> {DELETED} AND {NO_PERSON}""".format("cio_id"),
    "a device is nobody's": f"SELECT t.cio_id, t.token FROM device t WHERE {NO_PERSON}".format("cio_id"),
    "a member is nobody": f"SELECT t.cio_id, t.segment FROM membership t WHERE {NO_PERSON}".format("cio_id"),
    "a merge is held by nobody": f"""
        SELECT t.merge_id FROM merge t WHERE t.undone_at IS NULL AND {NO_PERSON}""".format("holder"),
    "who was merged is there still": f"""
        SELECT t.merge_id FROM merge t WHERE t.undone_at IS NULL AND {A_PERSON}""".format("secondary_cio_id"),
    "somebody was merged twice": """
        SELECT workspace_id, secondary_cio_id FROM merge WHERE undone_at IS NULL
        GROUP BY 1, 2 HAVING count(*) > 1""",
    "an event was taken twice": """
        SELECT workspace_id, event_id FROM activity WHERE event_id IS NOT NULL
        GROUP BY 1, 2 HAVING count(*) > 1""",
}


def violations(database: Database) -> Iterator[str]:
    """Everything that is wrong, in words."""
    with query_runner(database) as command:
        for fault, question in QUERIES.items():
            yield from (f"{fault}: {row}" for row in command(question))
