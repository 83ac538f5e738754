"""A merge of two people: both side by side, then the merge itself."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.people.search import PeopleSearch, SearchStage
from workspace_operator.application.ports import ListedGroup
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.compare import records_of
from workspace_operator.console.pages.people.content import LINK, PersonReader
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.comparisons import ComparedPeople, ComparisonView, comparison_view
from workspace_operator.console.views.people.merging import merging_view
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person

MAX_CANDIDATES: Final = 10
"""People with one address among whom the other person is chosen."""

STAGES: Final = (SearchStage.CIO_ID, SearchStage.ID, SearchStage.EMAIL)


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        reader = PersonReader(dependencies=dependencies, request=request)
        person, find = reader.person(), request.query.get("with", "").strip()
        others = _others(dependencies, request, find)
        view = merging_view(
            person,
            others,
            _compared(reader, person, others[0]) if len(others) == 1 else None,
            root=f"{reader.workspace_root}/people",
            find=find,
            may_manage=reader.may_manage,
        )
        return Page(template="person_merge.html", title=text("merging.title"), view=view, link=LINK)

    def merge(request: PageRequest) -> Redirect:
        survivor, secondary = request.field("survivor"), request.field("secondary")
        if request.cio_id not in (survivor, secondary):
            raise InvalidInput("the form merges other people than the one of its page", field="survivor")
        actions, number = dependencies.person_actions, request.workspace_id
        merged = actions.merge(number, survivor, secondary, actor=request.actor)
        return Redirect(location=f"/w/{number}/people/{merged.cio_id}?merged={secondary}")

    pattern = "/w/{workspace}/people/{person}/merge"
    return (
        Route(method="GET", pattern=pattern, access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="POST", pattern=pattern, access=Permission.APPLY, handler=merge),
    )


def _others(dependencies: Dependencies, request: PageRequest, find: str) -> Sequence[Person]:
    """The people with an id, cio_id or address, but the one of the page."""
    if not find:
        return ()
    people = dependencies.profiles.people
    search = PeopleSearch(people=people, workspace_id=request.workspace_id, text=find, field="with", stages=STAGES)
    found = search.page(limit=MAX_CANDIDATES + 1).people
    return [person for person in found if person.cio_id != request.cio_id][:MAX_CANDIDATES]


def _compared(reader: PersonReader, person: Person, other: Person) -> ComparisonView:
    """Both people, the older one first, and the person that merging the other into it gives."""
    people = sorted([person, other], key=lambda each: each.age_key)
    dependencies, cio_ids = reader.dependencies, [each.cio_id for each in people]
    compared = ComparedPeople(
        group=ListedGroup(key=person.cio_id, email_key=None, people=len(people), members=()),
        people=people,
        records=records_of(dependencies, reader.number, cio_ids),
        now=int(dependencies.person_actions.clock().timestamp()),
        back_href=reader.href,
        all_href=f"{reader.href}/merge?with={other.cio_id}&all=1",
        is_all=reader.request.query.get("all") == "1",
        mode=reader.request.workspace.workspace.mode,
    )
    return comparison_view(compared)
