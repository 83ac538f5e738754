"""What must be true of the people in a whole store, asked in plain SQL, beside what ``tests/store/invariants`` asks.

Identifiers are what people claim under the mode: that is asked there.
"""

from collections.abc import Iterator

from tests.store.invariants import answering
from workspace_operator.store.engines import Database

DELETED = 4
"""The type of the one activity that stays of somebody who is gone."""

NOBODY = "NOT EXISTS (SELECT 1 FROM person p WHERE p.workspace_id = t.workspace_id AND p.cio_id = t.{0})"
SOMEBODY = NOBODY.removeprefix("NOT ")

QUESTIONS = {
    "an id has two owners": """
        SELECT workspace_id, id FROM person WHERE id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1""",
    "an email has two owners": """
        SELECT p.workspace_id, p.email_key FROM person p JOIN workspace w ON w.workspace_id = p.workspace_id
        WHERE p.email_key IS NOT NULL AND w.mode <> 'IDOnly' GROUP BY 1, 2 HAVING count(*) > 1""",
    "an identifier stands for nobody": f"SELECT t.kind, t.value_key FROM identifier t WHERE {NOBODY}".format("cio_id"),
    "a suppressed value is owned": """
        SELECT s.kind, s.value_key FROM suppression s JOIN identifier i
        ON i.workspace_id = s.workspace_id AND i.kind = s.kind AND i.value_key = s.value_key""",
    "an activity is nobody's": f"""
        SELECT t.activity_id FROM activity t
        WHERE t.cio_id IS NOT NULL AND t.type <> {DELETED} AND {NOBODY}""".format("cio_id"),
    "a device is nobody's": f"SELECT t.cio_id, t.token FROM device t WHERE {NOBODY}".format("cio_id"),
    "a member is nobody": f"SELECT t.cio_id, t.segment FROM membership t WHERE {NOBODY}".format("cio_id"),
    "a merge is held by nobody": f"""
        SELECT t.merge_id FROM merge t WHERE t.undone_at IS NULL AND {NOBODY}""".format("holder"),
    "who was merged is there still": f"""
        SELECT t.merge_id FROM merge t WHERE t.undone_at IS NULL AND {SOMEBODY}""".format("secondary_cio_id"),
    "somebody was merged twice": """
        SELECT workspace_id, secondary_cio_id FROM merge WHERE undone_at IS NULL
        GROUP BY 1, 2 HAVING count(*) > 1""",
    "an event was taken twice": """
        SELECT workspace_id, event_id FROM activity WHERE event_id IS NOT NULL
        GROUP BY 1, 2 HAVING count(*) > 1""",
}


def faults(database: Database) -> Iterator[str]:
    """Everything that is wrong, in words."""
    with answering(database) as ask:
        for fault, question in QUESTIONS.items():
            yield from (f"{fault}: {row}" for row in ask(question))
