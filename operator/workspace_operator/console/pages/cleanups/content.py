"""What the pages of the cleanup read: groups with everything that they are shown with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.lists import MEMBERS, MEMBERS_ALONE, CleanupStatus, ListRequest
from workspace_operator.application.ports import GroupCursor, ListedGroup, SentPeople
from workspace_operator.cleanups.evaluation import OpenReason
from workspace_operator.cleanups.rules import StoredRule
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.addresses import ListAddress
from workspace_operator.console.views.cleanups.bars import BarView, bar_view
from workspace_operator.console.views.cleanups.groups import Attempt, GroupContext, GroupView, group_view
from workspace_operator.console.views.cleanups.pages import PageContent, cleanup_view, is_shown
from workspace_operator.console.views.rights import Right, right
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.email_keys import email_key

LINK: Final = "cleanup"

MAX_PEOPLE: Final = 90
"""People of a page; with more, each group shows only the first few, so that no page becomes too heavy."""

FEW_MEMBERS: Final = 3

MIN_PREFIX: Final = 3
"""Characters from which the beginning of an address is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReader:
    """Reads the cleanup of the workspace of one request."""

    dependencies: Dependencies
    request: PageRequest
    address: ListAddress
    status: CleanupStatus

    @classmethod
    def of(cls, dependencies: Dependencies, request: PageRequest) -> "CleanupReader":
        """Read the state for a request. Raises InvalidInput."""
        number = request.workspace_id
        address = ListAddress.parse(number, request.query)
        status = dependencies.cleanup_lists.status(number)
        return cls(dependencies=dependencies, request=request, address=address, status=status)

    def right(self, permission: Permission) -> Right:
        """Whether the viewer has a permission."""
        return right(self.request.workspace, permission)

    def bar(self, *, done: str = "") -> BarView:
        """The count of the draft."""
        return self._bar(self.rules(), done)

    def _bar(self, rules: Sequence[StoredRule], done: str = "") -> BarView:
        return bar_view(self.status, rules, self.address.root, self.right(Permission.APPLY), done=done)

    def rules(self) -> Sequence[StoredRule]:
        """The rules of the draft."""
        draft = self.status.draft
        if draft is None:
            return ()
        return self.dependencies.cleanup_rules.rules(self.request.workspace_id, draft.number)

    def list_request(self, *, members: int = MEMBERS) -> ListRequest:
        """The part of the list that the address names."""
        return ListRequest(violation=self.address.kind, attributes=self.address.attributes, members=members)

    def group(self, key: str, *, members: int = MEMBERS) -> ListedGroup:
        """One group, from the position of the address on. Raises NotFound."""
        number, wanted = self.request.workspace_id, self.list_request(members=members)
        lists = self.dependencies.cleanup_lists
        return lists.group(number, self.status, wanted, key, after=self.address.after_person)

    def page(self, attempts: Mapping[str, Attempt] | None = None) -> Page:
        """The cleanup page, or that of one group, with what was refused just now."""
        lists, number, rules = self.dependencies.cleanup_lists, self.request.workspace_id, self.rules()
        groups, following, read = self._groups()
        content = PageContent(
            address=self.address,
            groups=self.views(groups, attempts or {}),
            read=read,
            next=following,
            may_decide=self.right(Permission.PREPARE),
            may_retry=self.right(Permission.RETRY),
            may_download=self.right(Permission.DOWNLOAD),
            bar=self._bar(rules),
            rules=len(rules),
            calls_recorded_since=lists.listed_calls.recorded_since(number),
            sent=self._sent(),
            undo_period=self.dependencies.undo_period,
            now=lists.clock(),
        )
        view = cleanup_view(self.status, content)
        refreshes = f"{self.address.href}" if view.bar.is_counting else ""
        return Page(template="cleanup.html", title=text("cleanup.title"), view=view, link=LINK, refreshes=refreshes)

    def _sent(self) -> SentPeople | None:
        """How many people systems go on sending, on the first page; None on others."""
        if self.address != self.address.of_list():
            return None
        return self.dependencies.cleanup_lists.sent_sharers(self.request.workspace_id, self.status)

    def views(self, groups: Sequence[ListedGroup], attempts: Mapping[str, Attempt]) -> Sequence[GroupView]:
        """How groups appear."""
        columns = [
            (position, name)
            for position, name in enumerate(self.address.attributes)
            if self.address.columns is not None or _is_used(groups, position)
        ]
        context = GroupContext(
            address=self.address,
            columns=columns,
            people=self._survivors(groups),
            owners=self._owners(groups),
            attempts=attempts,
        )
        return [group_view(group, context) for group in groups]

    def _groups(self) -> tuple[Sequence[ListedGroup], GroupCursor | None, int]:
        lists, number, address = self.dependencies.cleanup_lists, self.request.workspace_id, self.address
        if self.status.blocked is None or self.status.at_work is not None:
            return (), None, 0
        if address.key:
            return (self.group(address.key, members=MEMBERS_ALONE),), None, 1
        if address.find:
            found = lists.find(number, self.status, self.list_request(), address.find)
            if found is not None or len(address.find) < MIN_PREFIX:
                return (() if found is None else (found,)), None, int(found is not None)
        wanted = replace(self.list_request(), prefix=address.find)
        page = lists.page(number, self.status, wanted, after=address.after)
        shown = [group for group in page.groups if is_shown(group, address.show)]
        if sum(len(group.members) for group in shown) > MAX_PEOPLE:
            shown = [replace(group, members=group.members[:FEW_MEMBERS]) for group in shown]
        return shown, page.next, len(page.groups)

    def _survivors(self, groups: Sequence[ListedGroup]) -> Mapping[str, Person]:
        members = [member for group in groups for member in group.members]
        named = [each.decision.decision.survivor for each in members if each.decision is not None]
        wanted = [cio_id for cio_id in named if cio_id is not None]
        if not wanted:
            return {}
        return self.dependencies.cleanup_lists.people_by_cio_id(self.request.workspace_id, wanted)

    def _owners(self, groups: Sequence[ListedGroup]) -> Mapping[str, Person]:
        """The people whose addresses corrections give, as far as somebody has them."""
        emails = [
            member.decision.decision.email
            for group in groups
            for member in group.members
            if member.decision and member.new_group and OpenReason.TAKEN in member.new_group.reasons
        ]
        keys = {key for email in emails if email is not None and (key := email_key(email)) is not None}
        lists, number = self.dependencies.cleanup_lists, self.request.workspace_id
        found = {key: lists.owner_of_address(number, key) for key in keys}
        return {key: person for key, person in found.items() if person is not None}


def _is_used(groups: Sequence[ListedGroup], position: int) -> bool:
    return any(member.values[position] is not None for group in groups for member in group.members)
