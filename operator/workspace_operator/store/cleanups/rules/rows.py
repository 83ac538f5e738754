"""Rows of rules as values."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from workspace_operator.cleanups.rules import UNFINISHED, Rule, RuleAction, RuleState, StoredRule
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.engine.sql import decode_json, encode_json
from workspace_operator.store.schema.cleanup_tables import cleanup_rule
from workspace_operator.store.schema.mappers import Row


class RulePosition(NamedTuple):
    """Where the worker is: behind a group, or within a large one, behind a person.

    Attributes:
        survivor: in a large group, the cio_id of the person who is kept.
    """

    email_key: str = ""
    created_at: int = 0
    cio_id: str = ""
    survivor: str = ""

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Read a position from a cursor; an empty one is the beginning."""
        return cls(*decode_json(cursor)) if cursor else cls()

    def text(self) -> str:
        """The position as a cursor."""
        return encode_json(list(self))


def rule_of(row: Row) -> StoredRule:
    """Read a rule from its row."""
    condition: Mapping[str, Any] = row.condition
    names = tuple(condition.get("equal_attributes", ()))
    return StoredRule(
        position=row.position,
        rule=Rule(action=RuleAction(row.action), **{**condition, "equal_attributes": names}),
        state=RuleState(row.state),
        groups=row.groups,
        people=row.people,
        groups_open=row.groups_open,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def condition_of(rule: Rule) -> Mapping[str, object]:
    """The condition of a rule as a JSON document."""
    return {
        "max_people": rule.max_people,
        "equal_attributes": list(rule.equal_attributes),
        "not_called_since": rule.not_called_since,
        "suffix": rule.suffix,
    }


def is_rule(locked: LockedCleanup, position: int) -> sa.ColumnElement[bool]:
    """Condition that a row is the rule at a position."""
    return sa.and_(locked.of_cleanup(cleanup_rule), cleanup_rule.c.position == position)


def next_unfinished_rule(locked: LockedCleanup) -> StoredRule | None:
    """The first rule with work for the worker."""
    is_unfinished = cleanup_rule.c.state.in_(sorted(state.value for state in UNFINISHED))
    query = sa.select(cleanup_rule).where(locked.of_cleanup(cleanup_rule), is_unfinished)
    row = locked.connection.execute(query.order_by(cleanup_rule.c.position).limit(1)).one_or_none()
    return None if row is None else rule_of(row)


def begin_rules(locked: LockedCleanup, state: RuleState, condition: sa.ColumnElement[bool]) -> None:
    """Have the worker begin with rules in a state. Numbers begin with zero, but for a rule that is removed."""
    numbers = {} if state is RuleState.REMOVING else dict.fromkeys(("groups", "people", "groups_open"), 0)
    update = sa.update(cleanup_rule).where(locked.of_cleanup(cleanup_rule), condition)
    locked.connection.execute(update.values(state=state.value, cursor="", **numbers))


def count_rules_again(locked: LockedCleanup) -> None:
    """Have the worker count the rules that are not confirmed again, since the list of people is a new one."""
    is_counted = cleanup_rule.c.state.in_([RuleState.COUNTING.value, RuleState.COUNTED.value])
    begin_rules(locked, RuleState.COUNTING, is_counted)
