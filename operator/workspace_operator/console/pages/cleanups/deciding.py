"""Decisions: a form of a group changes what is decided about its people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.decisions import GroupResult
from workspace_operator.application.cleanups.lists import MEMBERS, MEMBERS_ALONE, ListRequest
from workspace_operator.application.ports import ListedGroup, ListedMember, PersonCursor
from workspace_operator.cleanups.decisions import Decision, merge_into
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import CleanupReader
from workspace_operator.console.pages.cleanups.requests import (
    Choices,
    OnePerson,
    WholeGroup,
    changed_decisions,
    correction,
    parse_request,
    shown_people,
)
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.addresses import group_id
from workspace_operator.console.views.cleanups.bars import BarView
from workspace_operator.console.views.cleanups.groups import Attempt, GroupView
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.rights import Right
from workspace_operator.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """What a decision changes on the page: its group, and the count."""

    group: GroupView
    bar: BarView
    may_decide: Right


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def decide(request: PageRequest) -> Page | Redirect:
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
        """Decide, and answer with what has changed. Raises NotFound, InvalidInput and Conflict."""
        key, asked = self.request.field("group"), parse_request(self.request)
        match asked:
            case WholeGroup():
                result = self._decide_group(key, asked)
                refused = {cio_id: Attempt(cio_id=cio_id, refusal=said) for cio_id, said in result.refusals.items()}
                return self._answer(key, result.people, refused, result.next)
            case OnePerson():
                return self._answer(key, *self._decide_one(self._member(key, asked.cio_id), asked))
            case Choices():
                return self._answer(key, *self._decide_all(changed_decisions(self._members(key), asked)))

    def _decide_group(self, key: str, asked: WholeGroup) -> GroupResult:
        return self.dependencies.decision_maker.decide_group(
            self.request.workspace_id,
            self.reader.status,
            key,
            asked.action,
            after=self.reader.address.after_person,
            actor=self.request.actor,
        )

    def _decide_one(self, member: ListedMember, asked: OnePerson) -> tuple[int, Mapping[str, Attempt]]:
        """Correct an address, or merge into a person that is named by its id."""
        if asked.verb != "into":
            email = self.request.form.get("email", ("",))[-1].strip()
            return self._decide_all({member.cio_id: correction(member, asked, email)}, email=email)
        into = self.request.form.get("into", ("",))[-1].strip()
        target = asked.target or self._cio_id_of(into)
        if target is None:
            refusal = text("cleanup.nobody_has", id=visible(into))
            return 0, {member.cio_id: Attempt(cio_id=member.cio_id, refusal=refusal, into=visible(into))}
        return self._decide_all({member.cio_id: merge_into(target)}, into=into)

    def _cio_id_of(self, id_: str) -> str | None:
        try:
            found = self.dependencies.cleanup_lists.person_with_id(self.request.workspace_id, id_)
        except InvalidInput:  # a text that no id can be
            return None
        return None if found is None else found.cio_id

    def _decide_all(
        self, decisions: Mapping[str, Decision], *, email: str = "", into: str = ""
    ) -> tuple[int, Mapping[str, Attempt]]:
        if not decisions:
            return 0, {}
        maker, number = self.dependencies.decision_maker, self.request.workspace_id
        results = maker.decide(number, self.reader.status, decisions, actor=self.request.actor)
        refused = {each.cio_id: each.refusal for each in results if each.refusal is not None}
        attempts = {
            cio_id: Attempt(cio_id=cio_id, refusal=visible(said), email=visible(email), into=visible(into))
            for cio_id, said in refused.items()
        }
        return len(decisions) - len(refused), attempts

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
