"""The groups of an export that a rule applies to, in the order of their keys."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import Decision
from workspace_operator.cleanups.evaluation import count_groups, evaluate_address
from workspace_operator.cleanups.rules import Rule, RuleAction
from workspace_operator.migrations.model import Violation
from workspace_operator.store.cleanups.groups import read_groups
from workspace_operator.store.cleanups.listed_people import (
    VIOLATION_COLUMNS,
    ListedPerson,
    listed_person_of,
    stored_people,
)
from workspace_operator.store.cleanups.rows import LockedCleanup
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.cleanup_tables import listed_call
from workspace_operator.store.schema.tables import violation

MAX_WHOLE_GROUP: Final = 5000
"""People of a group that is read as a whole."""

_ORDER = (violation.c.email_key, violation.c.created_at, violation.c.cio_id)


class ListedGroupPeople(NamedTuple):
    """The people of a group, as the export lists them; perhaps only the first ones of a large group."""

    key: str
    people: Sequence[ListedPerson]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A group that a rule applies to.

    Attributes:
        decisions: what the rule decides about its people, by cio_id.
        is_open: whether the group stays open.
    """

    key: str
    decisions: Mapping[str, Decision]
    is_open: bool


class Matches(NamedTuple):
    """Finds the groups that a rule applies to, in the export against which the decisions of a cleanup are counted."""

    locked: LockedCleanup
    rule: Rule

    def read(self, after: str, limit: int) -> tuple[Sequence[ListedGroupPeople], bool]:
        """Read groups after a key, of ``limit`` people in total; and whether the list ends with them.

        Before the end, the last group may be cut.
        """
        listed = self.listed(violation.c.email_key > after, limit)
        grouped = groupby(listed, lambda found: found.person.email_key or "")
        return [ListedGroupPeople(key, list(people)) for key, people in grouped], len(listed) < limit

    def whole(self, key: str) -> ListedGroupPeople:
        """Read a group of up to `MAX_WHOLE_GROUP` people."""
        return ListedGroupPeople(key, self.listed(violation.c.email_key == key, MAX_WHOLE_GROUP + 1))

    def among(self, groups: Sequence[ListedGroupPeople]) -> Iterator[Match]:
        """Those of these whole groups that the rule applies to."""
        decided = self.decided([group.key for group in groups])
        undecided = [group for group in groups if group.key not in decided]
        cio_ids = [found.person.cio_id for group in undecided for found in group.people]
        people = stored_people(self.locked.connection, self.locked.workspace_id, cio_ids)
        calls = self._calls(cio_ids)
        for key, listed in undecided:
            present = [people[found.person.cio_id] for found in listed if found.person.cio_id in people]
            if not self.rule.applies(key, present, calls):
                continue
            decisions = self.rule.decide(present)
            suppressed = frozenset([key] if Violation.SUPPRESSED_EMAIL in listed[0].violations else [])
            counts = count_groups([(person, decisions[person.cio_id]) for person in present], suppressed)
            settled = all(evaluate_address(each, merges=self.locked.merges).is_settled for each in counts.values())
            yield Match(key=key, decisions=decisions, is_open=not settled)

    def has_large(self, group: ListedGroupPeople) -> bool:
        """Whether the rule applies to a group that is too large to be read as a whole."""
        return self.rule.applies_to_any_people(group.key, group.people[0].sharing) and not self.decided([group.key])

    def large_stays_open(self, group: ListedGroupPeople) -> bool:
        """Whether a large group stays open after the decisions of the rule."""
        return Violation.SUPPRESSED_EMAIL in group.people[0].violations and not self.clears_all

    @property
    def clears_all(self) -> bool:
        """Whether the rule keeps nobody's address."""
        return self.rule.action is RuleAction.CLEAR_ALL

    def kept(self, key: str) -> ListedPerson:
        """The oldest person of a large group, or the newest, as the rule says."""
        if self.rule.action is not RuleAction.MERGE_INTO_NEWEST:
            return self.listed(violation.c.email_key == key, 1)[0]
        of_group = self._of_export(violation.c.email_key == key)
        newest = (violation.c.created_at.desc(), violation.c.cio_id.desc())
        row = self.locked.connection.execute(sa.select(*VIOLATION_COLUMNS).where(of_group).order_by(*newest).limit(1))
        return listed_person_of(tuple(row.one()))

    def decided(self, keys: Sequence[str]) -> frozenset[str]:
        """The groups about which something is decided already."""
        return frozenset(key for key, group in read_groups(self.locked, keys).items() if group.decisions)

    def listed(self, condition: sa.ColumnElement[bool], limit: int) -> Sequence[ListedPerson]:
        """People who share an address, in the order of groups."""
        query = sa.select(*VIOLATION_COLUMNS).where(self._of_export(condition)).order_by(*_ORDER).limit(limit)
        return [listed_person_of(tuple(row)) for row in self.locked.connection.execute(query)]

    def _calls(self, cio_ids: Collection[str]) -> Mapping[str, int]:
        if self.rule.not_called_since is None:
            return {}
        query = sa.select(listed_call.c.cio_id, listed_call.c.at).where(
            listed_call.c.workspace_id == self.locked.workspace_id, any_of(listed_call.c.cio_id, cio_ids)
        )
        return {row.cio_id: int(row.at.timestamp()) for row in self.locked.connection.execute(query)}

    def _of_export(self, condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.and_(
            violation.c.workspace_id == self.locked.workspace_id,
            violation.c.export_number == self.locked.row.export_number,
            violation.c.email_key != "",
            violation.c.sharing > 1,
            condition,
        )
