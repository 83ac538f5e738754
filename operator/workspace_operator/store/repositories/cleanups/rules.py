"""Rules of cleanups in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports import Actor, AuditAction, RuleGroup, RuleGroups
from workspace_operator.cleanups.rules import Rule, RuleCounts, RuleState, StoredRule
from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.store.cleanups import audit
from workspace_operator.store.cleanups.rows import LockedCleanup, lock_draft, read_cleanup
from workspace_operator.store.cleanups.rules import matches
from workspace_operator.store.cleanups.rules.matches import ListedGroupPeople, Matches
from workspace_operator.store.cleanups.rules.rows import begin_rules, condition_of, is_rule, rule_of
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.cleanup_tables import cleanup_rule
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

MAX_RULES: Final = 100
"""Rules of a cleanup."""

MAX_READ: Final = 1000
"""People that a list of groups reads, but for a single larger group."""


@dataclass(frozen=True, slots=True)
class SQLCleanupRules:
    """Implements the port ``CleanupRules``."""

    database: Database
    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)

    def rules(self, workspace_id: int, number: int) -> Sequence[StoredRule]:
        """The rules of a cleanup, in the order in which they were added. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            of_cleanup = read_cleanup(connection, workspace_id, number).of_cleanup(cleanup_rule)
            query = sa.select(cleanup_rule).where(of_cleanup).order_by(cleanup_rule.c.position)
            return [rule_of(row) for row in connection.execute(query)]

    def get(self, workspace_id: int, number: int, position: int) -> StoredRule:
        """A rule. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            return _get(read_cleanup(connection, workspace_id, number), position)

    def groups(self, workspace_id: int, number: int, position: int, *, after: str = "", limit: int) -> RuleGroups:
        """Groups without a decision that a rule applies to, after a key. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            cleanup = read_cleanup(connection, workspace_id, number)
            found = Matches(cleanup, _get(cleanup, position).rule)
            return _groups_of(found, after, limit)

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

    def confirm(
        self,
        workspace_id: int,
        number: int,
        position: int,
        seen: RuleCounts,
        *,
        rule: Rule | None = None,
        actor: Actor,
        now: datetime,
    ) -> StoredRule:
        """Have the worker make the decisions of a rule that was counted. Raises NotFound, Conflict, StaleRevision."""

        def work(connection: sa.Connection) -> StoredRule:
            locked = lock_draft(connection, workspace_id, number)
            stored = _seen(locked, position, rule)
            if stored.state is not RuleState.COUNTED:
                raise Conflict(f"rule {position} is {stored.state.value}: only one that was counted can be confirmed")
            if stored.counts != seen:
                raise StaleRevision(
                    f"rule {position} decides about {stored.groups} groups with {stored.people} people by now, not "
                    f"about {seen.groups} with {seen.people}: look at it again"
                )
            detail = {"rule": position, "action": stored.rule.action.value, "groups": stored.groups}
            audit.record(locked, AuditAction.RULE_ADDED, actor, detail, now=now, new_id=self.new_id)
            return _begin(locked, position, RuleState.DECIDING, now)

        return self.database.writing(work)

    def remove(
        self, workspace_id: int, number: int, position: int, *, rule: Rule | None = None, actor: Actor, now: datetime
    ) -> StoredRule:
        """Have the worker take the decisions of a rule back. Raises NotFound, Conflict and StaleRevision."""

        def work(connection: sa.Connection) -> StoredRule:
            locked = lock_draft(connection, workspace_id, number)
            stored = _seen(locked, position, rule)
            if stored.state is RuleState.REMOVING:
                return stored
            detail = {"rule": position, "action": stored.rule.action.value}
            audit.record(locked, AuditAction.RULE_REMOVED, actor, detail, now=now, new_id=self.new_id)
            return _begin(locked, position, RuleState.REMOVING, now)

        return self.database.writing(work)


def _get(of: LockedCleanup, position: int) -> StoredRule:
    row = of.connection.execute(sa.select(cleanup_rule).where(is_rule(of, position))).one_or_none()
    if row is None:
        raise NotFound(f"cleanup {of.row.number} has no rule {position}")
    return rule_of(row)


def _seen(locked: LockedCleanup, position: int, rule: Rule | None) -> StoredRule:
    """The rule at a position, if it is the one that the caller saw; None for any. Raises NotFound and StaleRevision."""
    stored = _get(locked, position)
    if rule is not None and stored.rule != rule:
        raise StaleRevision(
            f"rule {position} is another one by now, since the former one was removed: look at it again"
        )
    return stored


def _begin(locked: LockedCleanup, position: int, state: RuleState, now: datetime) -> StoredRule:
    begin_rules(locked, state, is_rule(locked, position))
    locked.update(due_at=now)
    return _get(locked, position)


def _groups_of(found: Matches, after: str, limit: int) -> RuleGroups:
    read, is_last = found.read(after, MAX_READ + 1)
    whole = read if is_last else read[:-1]  # the last one may be cut
    if read and not whole:
        [group] = read
        return RuleGroups(_long_group(found, group), group.key)
    matching = [RuleGroup(match.key, len(match.decisions)) for match in found.among(whole)]
    if len(matching) > limit:
        return RuleGroups(matching[:limit], matching[limit - 1].email_key)
    return RuleGroups(matching, "" if is_last else whole[-1].key)


def _long_group(found: Matches, group: ListedGroupPeople) -> Sequence[RuleGroup]:
    """A group of more people than are read, if the rule applies to it."""
    key, people = group.key, group.people[0].sharing
    is_whole = people <= matches.MAX_WHOLE_GROUP
    applies = any(found.among([found.whole(key)])) if is_whole else found.has_large(group)
    return [RuleGroup(key, people)] if applies else []
