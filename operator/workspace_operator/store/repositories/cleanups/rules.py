"""Rules of cleanups in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import Actor, AuditAction
from workspace_operator.cleanups.rules import Rule, RuleState, StoredRule
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.store.cleanups import audit
from workspace_operator.store.cleanups.rows import LockedCleanup, lock_draft
from workspace_operator.store.cleanups.rules import condition_of, rule_of
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.cleanup_tables import cleanup_rule
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

MAX_RULES: Final = 100
"""Rules of a cleanup."""


@dataclass(frozen=True, slots=True)
class SQLCleanupRules:
    """Implements the port ``CleanupRules``."""

    database: Database
    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)

    def rules(self, workspace_id: int, number: int) -> Sequence[StoredRule]:
        """The rules of a cleanup, in the order in which they were added."""
        query = sa.select(cleanup_rule).filter_by(workspace_id=workspace_id, cleanup_number=number)
        with self.database.reading() as connection:
            return [rule_of(row) for row in connection.execute(query.order_by(cleanup_rule.c.position))]

    def add(self, workspace_id: int, number: int, rule: Rule, *, actor: Actor, now: datetime) -> StoredRule:
        """Have the worker count what a rule would decide. Raises NotFound and Conflict."""

        def work(connection: sa.Connection) -> StoredRule:
            locked = lock_draft(connection, workspace_id, number)
            positions = sa.select(sa.func.max(cleanup_rule.c.position)).where(locked.of_cleanup(cleanup_rule))
            position = (connection.execute(positions).scalar_one() or 0) + 1
            if position > MAX_RULES:
                raise Conflict(f"cleanup {number} has {MAX_RULES} rules: remove some, or apply it first")
            values = {
                "workspace_id": workspace_id,
                "cleanup_number": number,
                "position": position,
                "condition": condition_of(rule),
                "action": rule.action.value,
                "state": RuleState.COUNTING.value,
                **dict.fromkeys(("groups", "people", "groups_open"), 0),
                "cursor": "",
                "created_at": now,
                "created_by": actor.name,
            }
            connection.execute(sa.insert(cleanup_rule).values(values))
            locked.update(due_at=now)
            return _get(locked, position)

        return self.database.writing(work)

    def confirm(self, workspace_id: int, number: int, position: int, *, actor: Actor, now: datetime) -> StoredRule:
        """Have the worker make the decisions of a rule that was counted. Raises NotFound and Conflict."""

        def work(connection: sa.Connection) -> StoredRule:
            locked = lock_draft(connection, workspace_id, number)
            stored = _get(locked, position)
            if stored.state is not RuleState.COUNTED:
                raise Conflict(f"rule {position} is {stored.state.value}: only one that was counted can be confirmed")
            _set_state(locked, position, RuleState.DECIDING, now)
            detail = {"rule": position, "action": stored.rule.action.value, "groups": stored.groups}
            audit.record(locked, AuditAction.RULE_ADDED, actor, detail, now=now, new_id=self.new_id)
            return _get(locked, position)

        return self.database.writing(work)

    def remove(self, workspace_id: int, number: int, position: int, *, actor: Actor, now: datetime) -> None:
        """Have the worker take the decisions of a rule back, and delete it. Raises NotFound and Conflict."""

        def work(connection: sa.Connection) -> None:
            locked = lock_draft(connection, workspace_id, number)
            stored = _get(locked, position)
            _set_state(locked, position, RuleState.REMOVING, now)
            detail = {"rule": position, "action": stored.rule.action.value}
            audit.record(locked, AuditAction.RULE_REMOVED, actor, detail, now=now, new_id=self.new_id)

        self.database.writing(work)


def _get(locked: LockedCleanup, position: int) -> StoredRule:
    query = sa.select(cleanup_rule).where(locked.of_cleanup(cleanup_rule), cleanup_rule.c.position == position)
    row = locked.connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"cleanup {locked.row.number} has no rule {position}")
    return rule_of(row)


def _set_state(locked: LockedCleanup, position: int, state: RuleState, now: datetime) -> None:
    of_rule = sa.and_(locked.of_cleanup(cleanup_rule), cleanup_rule.c.position == position)
    locked.connection.execute(sa.update(cleanup_rule).where(of_rule).values(state=state.value, cursor=""))
    locked.update(due_at=now)
