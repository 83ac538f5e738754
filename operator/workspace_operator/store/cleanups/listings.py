"""Lists of people that block a migration: groups by a loose scan of the index, members by its order.

The keys of a page are found one after the other, each as the next one in the index, so that a page costs the same
anywhere in a list of any size. People without an e-mail key stand together at the beginning of the index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.application.ports import (
    GroupCursor,
    GroupPage,
    ListedGroup,
    ListedMember,
    ListQuery,
    PersonCursor,
)
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.evaluation import Evaluation, evaluate_without_address
from workspace_operator.cleanups.model import CleanupState, StoredDecision
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.attributes import AttributeValue, same_value
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.migrations.model import Violation
from workspace_operator.store.cleanups.groups import Group, read_groups
from workspace_operator.store.cleanups.listed_people import (
    VIOLATION_COLUMNS,
    ListedPerson,
    first_members,
    listed_people,
    listed_person_of,
)
from workspace_operator.store.cleanups.rows import LockedCleanup, decision_of, merges_people
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.cleanup_tables import cleanup, cleanup_decision, listed_call
from workspace_operator.store.schema.tables import person, violation

_HOLDS: Mapping[Violation, sa.ColumnElement[bool]] = {
    Violation.DUPLICATE_EMAIL: violation.c.sharing > 1,
    Violation.INVALID_EMAIL: violation.c.invalid_email,
    Violation.SUPPRESSED_EMAIL: violation.c.suppressed_email,
    Violation.ID_IS_ANOTHER_EMAIL: violation.c.id_is_another_email,
}
_WITHOUT_ADDRESS = frozenset({Violation.INVALID_EMAIL, Violation.ID_IS_ANOTHER_EMAIL})
_WITH_ADDRESS = frozenset(Violation) - {Violation.INVALID_EMAIL}
_LAST_CHARACTER = "\U0010ffff"
_MEMBER_ORDER = (violation.c.created_at, violation.c.cio_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What is read about the people of a page, by cio_id, and about groups by key.

    Attributes:
        new_keys: e-mail keys of the addresses that corrections give.
    """

    decisions: Mapping[str, StoredDecision]
    new_keys: Mapping[str, str]
    calls: Mapping[str, datetime]
    values: Mapping[str, Mapping[str, AttributeValue]]
    counted: Mapping[str, Group]

    def new_group(self, member: ListedMember) -> Evaluation | None:
        """The state of the group that the decision about a person moves it to."""
        stored = self.decisions.get(member.cio_id)
        if stored is not None and stored.decision.kind is DecisionKind.CLEAR:
            return evaluate_without_address(_without_address(member))
        group = self.counted.get(self.new_keys.get(member.cio_id, ""))
        return None if group is None else group.evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReader:
    """Reads lists in one snapshot."""

    connection: sa.Connection
    workspace_id: int
    query: ListQuery

    def page(self, after: GroupCursor, limit: int) -> GroupPage:
        """Groups after a position; those without an address come first."""
        kind = self.query.violation
        alone: Sequence[ListedPerson] = ()
        if not (after.email_key or self.query.prefix) and (kind is None or kind in _WITHOUT_ADDRESS):
            alone = self._members("", after.person, limit + 1, of_kind=True)
        keys: Sequence[str] = ()
        if len(alone) <= limit and (kind is None or kind in _WITH_ADDRESS):
            keys = self._next_keys(after.email_key, limit + 1 - len(alone))
        groups = [self._group_of(found.person.cio_id, [found]) for found in alone]
        groups += [self._group_of(key, members) for key, members in self._first_members(keys).items()]
        shown = self._with_decisions(groups[:limit])
        return GroupPage(groups=shown, next=_cursor(shown[-1]) if len(groups) > limit else None)

    def group(self, key: str, after: PersonCursor | None) -> ListedGroup | None:
        """One group by its key, with members after a position."""
        members = self._members(key, after, self.query.members) if "@" in key else self._people([key])
        if not members and after is None:
            return None
        [group] = self._with_decisions([self._group_of(key, members)])
        return group

    def group_of_person(self, cio_id: str) -> ListedGroup | None:
        """The group of a person."""
        found = self._people([cio_id])
        return self.group(found[0].person.email_key or cio_id, None) if found else None

    def _next_keys(self, after: str, limit: int) -> Sequence[str]:
        prefix, is_in_range = self.query.prefix, self._of_kind
        begins = violation.c.email_key > after if after >= prefix else violation.c.email_key >= prefix
        if prefix:
            is_in_range = sa.and_(is_in_range, violation.c.email_key < prefix + _LAST_CHARACTER)
        first = sa.select(sa.func.min(violation.c.email_key)).where(is_in_range, begins)
        keys = sa.select(first.scalar_subquery().label("key")).cte("keys", recursive=True)
        following = sa.select(sa.func.min(violation.c.email_key)).where(is_in_range, violation.c.email_key > keys.c.key)
        keys = keys.union_all(sa.select(following.scalar_subquery()).where(keys.c.key.is_not(None)))
        query = sa.select(keys.c.key).where(keys.c.key.is_not(None)).limit(limit)
        return self.connection.execute(query).scalars().all()

    def _members(
        self, key: str, after: PersonCursor | None, limit: int, *, of_kind: bool = False
    ) -> Sequence[ListedPerson]:
        """People with a key, or those without an address for the empty one, oldest first."""
        condition = sa.and_(self._of_kind if of_kind else self._of_export, violation.c.email_key == key)
        if after is not None:
            here = sa.tuple_(*_MEMBER_ORDER)
            condition = sa.and_(condition, here > sa.tuple_(sa.literal(after.created_at), sa.literal(after.cio_id)))
        query = sa.select(*VIOLATION_COLUMNS).where(condition).order_by(*_MEMBER_ORDER).limit(limit)
        return [listed_person_of(tuple(row)) for row in self.connection.execute(query)]

    def _first_members(self, keys: Sequence[str]) -> Mapping[str, Sequence[ListedPerson]]:
        export, limit = self.query.export_number, self.query.members
        return first_members(self.connection, self.workspace_id, export, keys, limit=limit)

    def _people(self, cio_ids: Sequence[str]) -> Sequence[ListedPerson]:
        found = listed_people(self.connection, self.workspace_id, self.query.export_number, cio_ids)
        return [found[cio_id] for cio_id in cio_ids if cio_id in found]

    @property
    def _of_export(self) -> sa.ColumnElement[bool]:
        of_workspace = violation.c.workspace_id == self.workspace_id
        return sa.and_(of_workspace, violation.c.export_number == self.query.export_number)

    @property
    def _of_kind(self) -> sa.ColumnElement[bool]:
        kind = self.query.violation
        return self._of_export if kind is None else sa.and_(self._of_export, _HOLDS[kind])

    def _group_of(self, key: str, members: Sequence[ListedPerson]) -> ListedGroup:
        return ListedGroup(
            key=key,
            email_key=key if "@" in key else None,
            people=members[0].sharing if members else 0,
            members=[_member_of(found) for found in members],
        )

    def _with_decisions(self, groups: Sequence[ListedGroup]) -> Sequence[ListedGroup]:
        """The groups with their decisions, the state after them, the last calls and the values of attributes."""
        cio_ids = [member.cio_id for group in groups for member in group.members]
        decisions = self._decisions(cio_ids)
        new_keys = {cio_id: key for cio_id, each in decisions.items() if (key := _new_key(each))}
        read = _Read(
            decisions=decisions,
            new_keys=new_keys,
            calls=self._calls(cio_ids),
            values=self._values(cio_ids),
            counted=self._counted_groups([*(group.key for group in groups), *new_keys.values()]),
        )
        return [self._complete(group, read) for group in groups]

    def _complete(self, group: ListedGroup, read: "_Read") -> ListedGroup:
        counted = read.counted.get(group.key)
        return replace(
            group,
            members=[
                replace(
                    member,
                    decision=read.decisions.get(member.cio_id),
                    new_group=read.new_group(member),
                    last_call=read.calls.get(member.cio_id),
                    values=tuple(read.values.get(member.cio_id, {}).get(name) for name in self.query.attributes),
                    differences=self._differences(group, member, read.values),
                )
                for member in group.members
            ],
            decisions=0 if counted is None else counted.decisions,
            evaluation=None if counted is None else counted.evaluation,
        )

    def _decisions(self, cio_ids: Sequence[str]) -> Mapping[str, StoredDecision]:
        if self.query.cleanup_number is None:
            return {}
        of_cleanup = {"workspace_id": self.workspace_id, "cleanup_number": self.query.cleanup_number}
        query = sa.select(cleanup_decision).filter_by(**of_cleanup).where(any_of(cleanup_decision.c.cio_id, cio_ids))
        return {row.cio_id: decision_of(row) for row in self.connection.execute(query)}

    def _calls(self, cio_ids: Sequence[str]) -> Mapping[str, datetime]:
        query = sa.select(listed_call.c.cio_id, listed_call.c.at).where(
            listed_call.c.workspace_id == self.workspace_id, any_of(listed_call.c.cio_id, cio_ids)
        )
        return {row.cio_id: row.at for row in self.connection.execute(query)}

    def _values(self, cio_ids: Sequence[str]) -> Mapping[str, Mapping[str, AttributeValue]]:
        if not (self.query.attributes or self.query.differences):
            return {}
        query = sa.select(person.c.cio_id, person.c.attributes).where(
            person.c.workspace_id == self.workspace_id, any_of(person.c.cio_id, cio_ids)
        )
        return {row.cio_id: row.attributes for row in self.connection.execute(query)}

    def _differences(
        self, group: ListedGroup, member: ListedMember, values: Mapping[str, Mapping[str, AttributeValue]]
    ) -> Mapping[str, object]:
        """The attributes of a member that differ from those of the first one, by name."""
        if not self.query.differences:
            return {}
        own, first = (values.get(each.cio_id, {}) for each in (member, group.members[0]))
        names = sorted({*own, *first})
        return {name: own.get(name) for name in names if not same_value(own.get(name), first.get(name))}

    def _counted_groups(self, keys: Sequence[str]) -> Mapping[str, Group]:
        """The groups about which something is decided, while they are counted against this export."""
        if self.query.cleanup_number is None:
            return {}
        key = {"workspace_id": self.workspace_id, "number": self.query.cleanup_number}
        row = self.connection.execute(sa.select(cleanup).filter_by(**key)).one_or_none()
        if row is None or row.state != CleanupState.DRAFT.value or row.export_number != self.query.export_number:
            return {}
        locked = LockedCleanup(connection=self.connection, row=row, merges=merges_people(self.connection, row))
        return read_groups(locked, keys)


def _new_key(stored: StoredDecision) -> str | None:
    email = stored.decision.email
    return None if email is None else email_key(email)


def _member_of(found: ListedPerson) -> ListedMember:
    return ListedMember(
        cio_id=found.person.cio_id,
        id=found.person.id,
        email=found.person.email,
        created_at=found.person.created_at,
        violations=found.violations,
    )


def _without_address(member: ListedMember) -> Person:
    """A person as it is after its address was cleared, as far as evaluations need it."""
    return Person(
        cio_id=member.cio_id, id=member.id, attributes={}, inserted_at=member.created_at, created_at=member.created_at
    )


def _cursor(group: ListedGroup) -> GroupCursor:
    if group.email_key is not None:
        return GroupCursor(email_key=group.email_key)
    [member] = group.members
    return GroupCursor(person=PersonCursor(created_at=member.created_at, cio_id=member.cio_id))
