"""What pages show of the cleanup of a workspace: its state, and the people that block the migration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import (
    Cleanups,
    GroupCursor,
    GroupPage,
    ListedCalls,
    ListedGroup,
    Listings,
    ListQuery,
    Migrations,
    People,
    PersonCursor,
    SentPeople,
)
from workspace_operator.cleanups.model import AT_WORK, CARRIED_OUT, DRAFTS, Cleanup
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key_prefix
from workspace_operator.identity.values.references import reference_of_kind, reference_to_cio_id
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.migrations.model import Migration, Violation
from workspace_operator.migrations.state_machine import Stage

GROUPS: Final = 25
"""Groups of a page."""

MEMBERS: Final = 6
"""People of a group that a page of groups shows; the others are on a page of their own."""

MEMBERS_ALONE: Final = 50
"""People of a page of one group."""

RECENT: Final = 10
"""Cleanups among which the one that has not ended, and the last one that was applied, are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupStatus:
    """Where the cleanup of a workspace is.

    Attributes:
        migration: the newest migration, ended or not; None without any.
        draft: the cleanup in which decisions can be made; None without one.
        at_work: the cleanup that is being applied or undone; None without one.
        last: the newest cleanup that was applied, also if it was undone; None without one.
    """

    migration: Migration | None
    draft: Cleanup | None
    at_work: Cleanup | None
    last: Cleanup | None

    @property
    def blocked(self) -> Migration | None:
        """The migration if people block it, and a list of them exists."""
        migration = self.migration
        is_blocked = migration is not None and migration.stage is Stage.BLOCKED and migration.export is not None
        return migration if is_blocked else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """Which part of the list of people that block the migration is wanted.

    Attributes:
        violation: only groups with a person who has it; None for all.
        prefix: only groups whose address begins with this text; empty for all.
        attributes: names of the attributes whose values are wanted.
    """

    violation: Violation | None = None
    prefix: str = ""
    attributes: tuple[str, ...] = ()
    members: int = MEMBERS

    def query(self, status: CleanupStatus) -> ListQuery:
        """The query of the list as it is now. Raises NotFound if nobody blocks a migration."""
        blocked = status.blocked
        if blocked is None or blocked.export is None:
            raise NotFound("no identifier change of this workspace is blocked by people")
        return ListQuery(
            export_number=blocked.export,
            cleanup_number=None if status.draft is None else status.draft.number,
            violation=self.violation,
            prefix=email_key_prefix(self.prefix),
            attributes=self.attributes,
            differences=True,
            members=self.members,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupLists:
    """Reads the cleanup of workspaces that a viewer was found to reach."""

    migrations: Migrations
    cleanups: Cleanups
    listings: Listings
    listed_calls: ListedCalls
    people: People
    clock: Callable[[], datetime]

    def status(self, workspace_id: int) -> CleanupStatus:
        """Where the cleanup of a workspace is."""
        cleanups = self.cleanups.cleanups(workspace_id, limit=RECENT)
        return CleanupStatus(
            migration=self.migrations.newest(workspace_id),
            draft=next((each for each in cleanups if each.state in DRAFTS), None),
            at_work=next((each for each in cleanups if each.state in AT_WORK), None),
            last=next((each for each in cleanups if each.state in CARRIED_OUT), None),
        )

    def page(
        self, workspace_id: int, status: CleanupStatus, request: ListRequest, *, after: GroupCursor, limit: int = GROUPS
    ) -> GroupPage:
        """Groups after a position. Raises NotFound if nobody blocks a migration."""
        return self.listings.groups(workspace_id, request.query(status), after=after, limit=limit)

    def group(
        self,
        workspace_id: int,
        status: CleanupStatus,
        request: ListRequest,
        key: str,
        *,
        after: PersonCursor | None = None,
    ) -> ListedGroup:
        """One group by its key. Raises NotFound if the list does not have it."""
        found = self.listings.group(workspace_id, request.query(status), key, after=after)
        if found is None:
            raise NotFound("nobody of this group blocks the change")
        return found

    def find(self, workspace_id: int, status: CleanupStatus, request: ListRequest, text: str) -> ListedGroup | None:
        """The group of a person with this id, cio_id or address; None if nobody with it blocks the migration."""
        return self.listings.find(workspace_id, request.query(status), text)

    def sent_sharers(self, workspace_id: int, status: CleanupStatus) -> SentPeople:
        """How many of the people who share an address a call has named since the change is blocked."""
        blocked = status.blocked
        if blocked is None or blocked.export is None:
            return SentPeople(people=0, is_exact=True)
        return self.listings.sent_sharers(workspace_id, blocked.export)

    def people_by_cio_id(self, workspace_id: int, cio_ids: Sequence[str]) -> Mapping[str, Person]:
        """People as they are now; those that do not exist any more are left out."""
        found = self.people.find_many(workspace_id, [reference_to_cio_id(cio_id) for cio_id in dict.fromkeys(cio_ids)])
        return {person.cio_id: person for person in found}

    def person_with_id(self, workspace_id: int, id_: str) -> Person | None:
        """The person with an id, or with this cio_id; None without one."""
        mode = self.people.rules(workspace_id).mode
        by_id = reference_of_kind(id_, IdentifierKind.ID, mode)
        return next(iter(self.people.find_many(workspace_id, [by_id])), None) or self.people_by_cio_id(
            workspace_id, [id_]
        ).get(id_)

    def owner_of_address(self, workspace_id: int, key: str) -> Person | None:
        """The oldest person with an e-mail key; None without one."""
        return next(iter(self.people.find_by_email(workspace_id, key, limit=1)), None)
