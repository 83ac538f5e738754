"""The people of a group side by side."""

from collections.abc import Sequence
from urllib.parse import urlencode

from workspace_operator.access.permissions import Permission
from workspace_operator.application.ports import ListedGroup
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import LINK, CleanupReader
from workspace_operator.console.texts import text
from workspace_operator.console.views.cleanups.comparisons import (
    MAX_ACTIVITIES,
    MAX_MERGED,
    MAX_PEOPLE,
    ComparedPeople,
    Records,
    comparison_view,
)
from workspace_operator.errors import NotFound


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        reader = CleanupReader.of(dependencies, request)
        group = reader.group(reader.address.key, members=MAX_MERGED)
        compared = _compared(dependencies, reader, group, is_all=request.query.get("all") == "1")
        view = comparison_view(compared)
        return Page(template="cleanup_compare.html", title=text("compare.title"), view=view, link=LINK)

    pattern = "/w/{workspace}/cleanup/compare"
    return (Route(method="GET", pattern=pattern, access=Permission.VIEW, handler=show, is_costly=True),)


def _compared(dependencies: Dependencies, reader: CleanupReader, group: ListedGroup, *, is_all: bool) -> ComparedPeople:
    number, address = reader.request.workspace_id, reader.address
    order = [member.cio_id for member in group.members]
    found = dependencies.cleanup_lists.people_by_cio_id(number, order)
    people = [found[cio_id] for cio_id in order if cio_id in found]
    if not people:
        raise NotFound("these people do not exist any more")
    return ComparedPeople(
        group=group,
        people=people,
        records=records_of(dependencies, number, [person.cio_id for person in people[:MAX_PEOPLE]]),
        now=int(dependencies.cleanup_lists.clock().timestamp()),
        back_href=address.before_comparison(reader.request.query),
        all_href=f"{address.root}/compare?{urlencode({**reader.request.query, 'all': '1'})}",
        is_all=is_all,
    )


def records_of(dependencies: Dependencies, number: int, cio_ids: Sequence[str]) -> Records:
    """What people have beside attributes."""
    records = dependencies.person_records
    devices = records.devices(number, cio_ids)
    return Records(
        devices={cio_id: {device.token for device in each} for cio_id, each in devices.items()},
        segments={cio_id: records.segments(number, cio_id) for cio_id in cio_ids},
        activities={
            cio_id: len(records.activities(number, cio_id=cio_id, limit=MAX_ACTIVITIES + 1)) for cio_id in cio_ids
        },
    )
