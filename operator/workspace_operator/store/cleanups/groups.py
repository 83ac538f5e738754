"""Counts of the groups that decisions concern: each is counted once, and then changed with the decisions.

So a decision about a group of a million people costs as much as one about a pair.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import Decision
from workspace_operator.cleanups.evaluation import (
    Evaluation,
    GroupCounts,
    change_of,
    contribution,
    evaluate_address,
    group_of,
)
from workspace_operator.identity.model.person import Person
from workspace_operator.store.cleanups.rows import LockedCleanup, is_of_cleanup
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    encode_json,
    insert_rows,
    json_array_rows,
    workspace_any_of,
)
from workspace_operator.store.schema.cleanup_tables import cleanup_group
from workspace_operator.store.schema.tables import KIND_EMAIL, person, suppression, violation


class DecisionChange(NamedTuple):
    """A person as the export lists it, with the decision that counted before and the one that counts now."""

    person: Person
    before: Decision | None
    after: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group.

    Attributes:
        counts: after the decisions.
        decisions: number of decisions about its people.
        blocking_before: number of its people that block the migration without the decisions.
        merges: whether the migration merges people who share an address.
    """

    counts: GroupCounts
    decisions: int
    blocking_before: int
    merges: bool

    @classmethod
    def without_decisions(cls, counts: GroupCounts, *, merges: bool) -> "Group":
        """A group about which nothing was decided yet."""
        blocking = evaluate_address(counts, merges=merges).blocking
        return cls(counts=counts, decisions=0, blocking_before=blocking, merges=merges)

    @property
    def evaluation(self) -> Evaluation:
        """Its state after the decisions."""
        return evaluate_address(self.counts, merges=self.merges)


class GroupChanges(NamedTuple):
    """The state of the groups that were changed, by key, and the change of the number of people that block."""

    evaluations: Mapping[str, Evaluation]
    blocking_change: int


def change_groups(locked: LockedCleanup, changes: Sequence[DecisionChange]) -> GroupChanges:
    """Write the groups that decisions change; the caller adds the change to the cleanup's total."""
    differences: dict[str, GroupCounts] = defaultdict(GroupCounts)
    numbers: Counter[str] = Counter()
    for change in changes:
        numbers[group_of(change.person)] += (change.after is not None) - (change.before is not None)
        for key, difference in change_of(*change).items():
            differences[key] = differences[key].plus(difference)
    keys = sorted({*differences, *numbers})
    known = read_groups(locked, keys)
    before = {**known, **_uncounted_groups(locked, [key for key in keys if key not in known], changes)}
    after = {
        key: replace(group, counts=group.counts.plus(differences[key]), decisions=group.decisions + numbers[key])
        for key, group in before.items()
    }
    _write_groups(locked, after, known)
    change_of_blocking = sum(after[key].evaluation.blocking - before[key].evaluation.blocking for key in keys)
    return GroupChanges({key: group.evaluation for key, group in after.items()}, change_of_blocking)


def read_groups(locked: LockedCleanup, keys: Collection[str]) -> Mapping[str, Group]:
    """The groups with these keys that were counted in this round."""
    return {
        row.group_key: Group(
            counts=GroupCounts(
                people=row.people,
                keep=row.keep,
                corrected=row.corrected,
                blocking_alone=row.blocking_alone,
                is_suppressed=row.is_suppressed,
            ),
            decisions=row.decisions,
            blocking_before=row.blocking_before,
            merges=locked.merges,
        )
        for row in locked.connection.execute(_GROUPS, _parameters(locked, keys))
    }


def _write_groups(locked: LockedCleanup, groups: Mapping[str, Group], known: Collection[str]) -> None:
    if known:
        locked.connection.execute(_DELETE_GROUPS, _parameters(locked, known))
    key_of_round = (locked.workspace_id, locked.row.number, locked.row.round)
    rows = [(*key_of_round, key, *_values_of(group)) for key, group in groups.items()]
    insert_rows(locked.connection, cleanup_group, rows)


def _values_of(group: Group) -> tuple[object, ...]:
    """The group in the order of the table's columns, after its key."""
    counts = group.counts
    numbers = (counts.people, counts.keep, counts.corrected, counts.blocking_alone, counts.is_suppressed)
    return (*numbers, group.decisions, group.blocking_before, group.evaluation.blocking)


_IN_ROUND = sa.and_(
    is_of_cleanup(cleanup_group),
    cleanup_group.c.round == sa.bindparam("of_round"),
    any_of(cleanup_group.c.group_key, sa.bindparam("keys", type_=sa.Text)),
)
_GROUPS = sa.select(cleanup_group).where(_IN_ROUND)
_DELETE_GROUPS = sa.delete(cleanup_group).where(_IN_ROUND)


def _parameters(locked: LockedCleanup, keys: Collection[str]) -> Mapping[str, object]:
    return {**locked.key, "of_round": locked.row.round, "keys": encode_json(list(keys))}


def _uncounted_groups(
    locked: LockedCleanup, keys: Collection[str], changes: Sequence[DecisionChange]
) -> Mapping[str, Group]:
    """Count the groups about which nothing was decided yet, as they are without decisions."""
    alone = [key for key in keys if "@" not in key]
    people = {change.person.cio_id: change.person for change in changes}
    counts = {key: contribution(people[key], None).get(key, GroupCounts()) for key in alone}
    counts |= _count_addresses(locked, [key for key in keys if "@" in key])
    return {key: Group.without_decisions(counted, merges=locked.merges) for key, counted in counts.items()}


def _count_addresses(locked: LockedCleanup, keys: Sequence[str]) -> Mapping[str, GroupCounts]:
    """Count the people of addresses: of those in the export as it has them, of others as they are."""
    if not keys:
        return {}
    values = {
        "of_workspace": locked.workspace_id,
        "export_number": locked.row.export_number,
        "keys": encode_json(keys),
    }
    listed = {
        key: GroupCounts(
            # Where the migration merges people who share an address, an export does not say how many they are.
            people=max(sharing, suppressed),
            blocking_alone=another,
            is_suppressed=suppressed > 0,
        )
        for key, sharing, suppressed, another in _LISTED.run(locked.connection, values)
        if sharing is not None
    }
    others = [key for key in keys if key not in listed]
    if not others:
        return listed
    values["keys"] = encode_json(others)
    stored = {key: (people, another) for key, people, another in _STORED.run(locked.connection, values)}
    suppressed_keys = {key for (key,) in _SUPPRESSED.run(locked.connection, values)}
    for key in others:
        people, another = stored.get(key, (0, 0))
        listed[key] = GroupCounts(people=people, blocking_alone=another, is_suppressed=key in suppressed_keys)
    return listed


def _listed(dialect: sa.Dialect) -> sa.ClauseElement:
    """For each key of a JSON array, what an export says about its people; a key without any has null for sharing."""
    keys = json_array_rows(sa.bindparam("keys", type_=sa.Text), dialect).subquery("keys")
    [key] = keys.c
    of_key = sa.and_(
        violation.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        violation.c.export_number == sa.bindparam("export_number", type_=sa.BigInteger),
        violation.c.email_key == sa.cast(key, violation.c.email_key.type),
    )
    sharing = sa.select(violation.c.sharing).where(of_key).limit(1).scalar_subquery()
    numbers = [
        sa.select(sa.func.count()).select_from(violation).where(of_key, flag).scalar_subquery()
        for flag in (violation.c.suppressed_email, violation.c.id_is_another_email)
    ]
    return sa.select(key, sharing, *numbers)


_LISTED = CompiledStatement(_listed)
_STORED = CompiledStatement(
    lambda _: (
        sa.select(person.c.email_key, sa.func.count(), sa.func.sum(sa.case((person.c.id_is_another_email, 1), else_=0)))
        .where(workspace_any_of(person.c.email_key, "keys"))
        .group_by(person.c.email_key)
    )
)
_SUPPRESSED = CompiledStatement(
    lambda _: (
        sa.select(suppression.c.value_key)
        .where(
            workspace_any_of(suppression.c.value_key, "keys"), suppression.c.kind == sa.literal_column(str(KIND_EMAIL))
        )
        .distinct()
    )
)
