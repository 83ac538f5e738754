"""The search for people."""

import re
from collections.abc import Sequence
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.people.search import PAGE, PeopleSearch, SearchPosition
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.people.content import LINK
from workspace_operator.console.texts import text
from workspace_operator.console.views.people.searches import FoundPeople, search_view
from workspace_operator.identity.values.references import bare_cio_id

_is_cio_id: Final = re.compile(r"[0-9a-f]{1,64}").fullmatch


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        view = search_view(_found(dependencies, request))
        return Page(template="people.html", title=text("people.title"), view=view, link=LINK)

    pattern = "/w/{workspace}/people"
    return (Route(method="GET", pattern=pattern, access=Permission.VIEW, handler=show, is_costly=True),)


def _found(dependencies: Dependencies, request: PageRequest) -> FoundPeople:
    number, profiles = request.workspace_id, dependencies.profiles
    find, after = request.query.get("find", "").strip(), SearchPosition.parse(request.query.get("after", ""))
    search = PeopleSearch(people=profiles.people, workspace_id=number, text=find, field="find") if find else None
    page = search.page(after=after, limit=PAGE) if search else None
    cio_ids, named = [person.cio_id for person in page.people] if page else [], bare_cio_id(find)
    is_missing = page is not None and not cio_ids and after is None and _is_cio_id(named)
    return FoundPeople(
        root=f"/w/{number}/people",
        find=find,
        done=request.query.get("done", ""),
        page=page,
        is_first=after is None,
        changes=profiles.person_records.last_changes(number, cio_ids) if cio_ids else {},
        blocking=frozenset(profiles.blocking.violations(number, cio_ids)),
        fate=profiles.fate(number, named) if is_missing else None,
        cio_id=named,
    )
