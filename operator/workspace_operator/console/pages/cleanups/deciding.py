"""Decisions: a form of a group changes what is decided about its people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.decisions import group_decisions
from workspace_operator.application.cleanups.lists import MEMBERS, MEMBERS_ALONE, ListRequest
from workspace_operator.application.ports import ListedGroup, ListedMember, PersonCursor
from workspace_operator.cleanups.decisions import Decision, merge_into
from workspace_operator.cleanups.rules import RuleAction
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.conflicts import find_conflicts, names_of
from workspace_operator.console.pages.cleanups.content import CleanupReader
from workspace_operator.console.pages.cleanups.requests import (
    Choices,
    OnePerson,
    WholeGroup,
    changed_decisions,
    correction,
    decision_about,
    parse_request,
    shown_marks,
    shown_people,
)
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.addresses import group_id
from workspace_operator.console.views.cleanups.bars import BarView
from workspace_operator.console.views.cleanups.groups import Attempt, GroupView
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.rights import Right
from workspace_operator.errors import InvalidInput, NotFound, StaleRevision


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """What a decision changes on the page: its group, and the count."""

    group: GroupView
    bar: BarView
    may_decide: Right


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def decide(request: PageRequest) -> Page | Redirect:
        try:
            return _Decision(dependencies, CleanupReader.of(dependencies, request), request).carry_out()
        except StaleRevision:  # somebody decided between the reading and the writing: who it was is read now
            return _Decision(dependencies, CleanupReader.of(dependencies, request), request).carry_out()

    pattern = "/w/{workspace}/cleanup/decide"
    return (Route(method="POST", pattern=pattern, access=Permission.PREPARE, handler=decide),)


@dataclass(frozen=True, slots=True)
class _Decision:
    """One form of a group, with its sender."""

    dependencies: Dependencies
    reader: CleanupReader
    request: PageRequest

    def carry_out(self) -> Page | Redirect:
        """Decide, and answer with what has changed. Raises NotFound, InvalidInput, Conflict and StaleRevision."""
        key, asked = self.request.field("group"), parse_request(self.request)
        match asked:
            case WholeGroup():
                return self._decide_group(key, self._members(key), asked.action)
            case OnePerson():
                return self._decide_one(key, self._member(key, asked.cio_id), asked)
            case Choices():
                members = self._members(key)
                return self._decide(key, members, changed_decisions(members, asked, shown_marks(self.request)))

    def _decide_group(self, key: str, members: Sequence[ListedMember], action: RuleAction | None) -> Page | Redirect:
        wanted: Mapping[str, Decision | None] = dict.fromkeys(member.cio_id for member in members)
        if action is not None:
            wanted = dict(group_decisions(action, members[0], members))
        if conflicts := self._conflicts(members, wanted):
            return self._answer_conflict(key, conflicts)
        result = self.dependencies.decision_maker.decide_group(
            self.request.workspace_id,
            self.reader.status,
            key,
            action,
            after=self.reader.address.after_person,
            seen={member.cio_id: decision_about(member) for member in members},
            actor=self.request.actor,
        )
        refused = {cio_id: Attempt(cio_id=cio_id, refusal=said) for cio_id, said in result.refusals.items()}
        return self._answer(key, result.people, refused, result.next)

    def _decide_one(self, key: str, member: ListedMember, asked: OnePerson) -> Page | Redirect:
        """Correct an address, or merge into a person that is named by its id."""
        if asked.verb != "into":
            email = self.request.form.get("email", ("",))[-1].strip()
            typed = Attempt(cio_id=member.cio_id, refusal="", email=visible(email))
            return self._decide(key, [member], {member.cio_id: correction(member, asked, email)}, typed)
        into = self.request.form.get("into", ("",))[-1].strip()
        target, typed = (
            asked.target or self._cio_id_of(into),
            Attempt(cio_id=member.cio_id, refusal="", into=visible(into)),
        )
        if target is None:
            refusal = text("cleanup.nobody_has", id=visible(into))
            return self._answer(key, 0, {member.cio_id: replace(typed, refusal=refusal)})
        return self._decide(key, [member], {member.cio_id: merge_into(target)}, typed)

    def _cio_id_of(self, id_: str) -> str | None:
        try:
            found = self.dependencies.cleanup_lists.person_with_id(self.request.workspace_id, id_)
        except InvalidInput:  # a text that no id can be
            return None
        return None if found is None else found.cio_id

    def _decide(
        self,
        key: str,
        members: Sequence[ListedMember],
        decisions: Mapping[str, Decision],
        typed: Attempt | None = None,
    ) -> Page | Redirect:
        """Decide about some of the members of a group, and answer; ``typed`` is what was entered about one of them."""
        names = names_of(decisions)
        concerned = [member for member in members if member.cio_id in names]
        if conflicts := self._conflicts(concerned, decisions):
            return self._answer_conflict(key, conflicts, typed)
        if not decisions:
            return self._answer(key, 0, {})
        results = self.dependencies.decision_maker.decide(
            self.request.workspace_id,
            self.reader.status,
            decisions,
            seen={member.cio_id: decision_about(member) for member in concerned},
            actor=self.request.actor,
        )
        refused = {
            each.cio_id: replace(typed or Attempt(cio_id=each.cio_id, refusal=""), refusal=visible(each.refusal))
            for each in results
            if each.refusal is not None
        }
        return self._answer(key, len(decisions) - len(refused), refused)

    def _conflicts(self, members: Sequence[ListedMember], wanted: Mapping[str, Decision | None]) -> Mapping[str, str]:
        return find_conflicts(members, shown_marks(self.request), wanted, self.request.actor.name)

    def _members(self, key: str) -> Sequence[ListedMember]:
        """The people of the form, after the oldest one of the group, who may be on an earlier page."""
        shown = self._group(key).members
        lists, number = self.dependencies.cleanup_lists, self.request.workspace_id
        first = lists.group(number, self.reader.status, ListRequest(members=1), key).members
        return shown if shown[:1] == first or self.reader.address.after_person is None else [*first, *shown]

    def _member(self, key: str, cio_id: str) -> ListedMember:
        found = next((each for each in self._group(key).members if each.cio_id == cio_id), None)
        if found is None:
            raise NotFound("this person is not of the group")
        return found

    def _group(self, key: str) -> ListedGroup:
        return self.reader.group(key, members=self._size)

    @property
    def _size(self) -> int:
        """People of a group on the page that the form is of."""
        return MEMBERS_ALONE if self.reader.address.key else MEMBERS

    def _answer_conflict(self, key: str, conflicts: Mapping[str, str], typed: Attempt | None = None) -> Page | Redirect:
        """The group as it is now; without a script alone, since the list may not show it any more."""
        attempts = {
            cio_id: replace(typed, refusal=said) if typed else Attempt(cio_id=cio_id, refusal=said, opens=False)
            for cio_id, said in conflicts.items()
        }
        if self.request.parts:
            return self._answer(key, 0, attempts)
        reader = CleanupReader.of(self.dependencies, self.request)
        if not reader.address.key:
            reader = replace(reader, address=reader.address.of_group(key))
        return replace(reader.page(attempts), status=HTTPStatus.CONFLICT)

    def _answer(
        self, key: str, people: int, attempts: Mapping[str, Attempt], following: PersonCursor | None = None
    ) -> Page | Redirect:
        """The changed group and the count for a script; without one the page, at the group."""
        reader = CleanupReader.of(self.dependencies, self.request)
        if following is not None and not attempts:  # the rest of a group that is too large for one request
            return Redirect(location=reader.address.of_group(key, following).href)
        if not self.request.parts:
            if not attempts:
                return Redirect(location=f"{replace(reader.address, opened='').href}#{group_id(key)}")
            return replace(reader.page(attempts), status=HTTPStatus.UNPROCESSABLE_ENTITY)
        shown = len(shown_people(self.request)) or None
        group_after = reader.group(key, members=self._size)
        [group] = reader.views([replace(group_after, members=group_after.members[:shown])], attempts)
        done = counted("cleanup.decided", people) if people or not attempts else text("cleanup.refused")
        view = ChangeView(group=group, bar=reader.bar(done=done), may_decide=reader.right(Permission.PREPARE))
        parts = {"group": group.element_id}
        return Page(template="cleanup_change.html", title=text("cleanup.title"), view=view, part_ids=parts)
