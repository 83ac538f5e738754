"""Port of the lists of people that block a migration, group by group, with the decisions about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from workspace_operator.cleanups.evaluation import Evaluation
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.identity.values.attributes import AttributeValue
from workspace_operator.migrations.model import Violation


class PersonCursor(NamedTuple):
    """A position in a group: behind a person, by creation time and cio_id."""

    created_at: int
    cio_id: str


class GroupCursor(NamedTuple):
    """A position in the list: behind a group, or, among people without an address, behind a person.

    Attributes:
        email_key: empty among people without one, who come first.
        person: the last person without an address; None before the first one, and behind a group.
    """

    email_key: str = ""
    person: PersonCursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMember:
    """A person of a group, as the export lists it.

    Attributes:
        created_at: Unix seconds.
        last_call: when a call last named the person, as far as this is recorded; None if none did.
        decision: the decision about the person; None if there is none.
        new_group: the state of the group that the decision moves the person to: that of another address, or, without
            an address, its own; None without such a decision, or while the group is counted.
        values: of the wanted attributes, in their order, as they are; None where the person has no value.
        differences: attributes whose values differ from those of the first member that is listed, by name; None where
            only that one has a value. Empty if differences are not wanted.
    """

    cio_id: str
    id: str | None
    email: str | None
    created_at: int
    violations: frozenset[Violation]
    last_call: datetime | None = None
    decision: StoredDecision | None = None
    new_group: Evaluation | None = None
    values: tuple[AttributeValue | None, ...] = ()
    differences: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    """People who share an address, or one person.

    Attributes:
        key: the e-mail key, or the cio_id of a person without one.
        email_key: None for a person without one.
        people: number of people of the group.
        members: the first of them, oldest first.
        decisions: number of decisions about its people.
        evaluation: its state after the decisions of the cleanup; None without a cleanup, or while it is counted.
    """

    key: str
    email_key: str | None
    people: int
    members: Sequence[ListedMember]
    decisions: int = 0
    evaluation: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What to list.

    Attributes:
        export_number: the export to read.
        cleanup_number: the cleanup whose decisions are shown; None for none.
        violation: only groups with a person who has this violation; None for all.
        prefix: only groups whose e-mail key begins with this text.
        attributes: names of attributes whose values are wanted.
        differences: whether differences between the members of a group are wanted.
        members: maximum number of people of a group.
    """

    export_number: int
    cleanup_number: int | None = None
    violation: Violation | None = None
    prefix: str = ""
    attributes: tuple[str, ...] = ()
    differences: bool = False
    members: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """Groups in the order of their keys, people without an address first; ``next`` is None behind the last one."""

    groups: Sequence[ListedGroup]
    next: GroupCursor | None


class SentPeople(NamedTuple):
    """How many people a call has named; ``is_exact`` is false if there may be more."""

    people: int
    is_exact: bool


class Listings(Protocol):
    """Lists of people that block migrations. The cost of a page depends on its size, not on that of the list."""

    def groups(self, workspace_id: int, query: ListQuery, *, after: GroupCursor, limit: int) -> GroupPage:
        """List groups after a position."""
        ...

    def group(
        self, workspace_id: int, query: ListQuery, key: str, *, after: PersonCursor | None = None
    ) -> ListedGroup | None:
        """One group by its key, with members after a position; None if the export does not list it."""
        ...

    def find(self, workspace_id: int, query: ListQuery, text: str) -> ListedGroup | None:
        """The group of a person with this id, cio_id or address; None if the export lists nobody with it."""
        ...

    def sent_sharers(self, workspace_id: int, export_number: int) -> SentPeople:
        """How many people of an export who share an address a call has named since, as far as this is recorded."""

    def violations(
        self, workspace_id: int, export_number: int, cio_ids: Collection[str]
    ) -> Mapping[str, frozenset[Violation]]:
        """Why people block the migration, by cio_id; those that the export does not list are left out."""
        ...
